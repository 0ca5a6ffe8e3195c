"""Drafts, publishing and going back: nothing is overwritten, and every machine and folder comes to say the same."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from leadferry import catalog as catalog_module
from leadferry import config, drafting
from leadferry.catalog import Broken, Catalog
from leadferry.comparison import MASK, compare
from leadferry.drafting import Conflict, Draft, NotRight, Outdated
from leadferry.folder import Folder
from leadferry.form_file import version_of
from leadferry.forms import Form
from leadferry.store import Store, upgrade
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import Installation, make
from tests.test_migrations import load

pytestmark = pytest.mark.thorough_on_postgresql  # drafts and versions are few rows

FORM = """\
title: {title}  # as sales call it
fields:
  - {{name: firstName, label: First name}}
  - {{name: lastName}}
vendor: {{name: webhook, url: "https://example.com/lead"}}
"""


def form(title: str = "One") -> str:
    return FORM.format(title=title)


@pytest.fixture(autouse=True)
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "SECONDS_BETWEEN_LOOKS", 0.0)


def machine(installation: Installation, root: Path | None = None) -> Catalog:
    """A machine of the installation, with a folder of its own where one is named."""
    where = make(root, None, installation.environ) if root else installation
    return Catalog(config.load(where.environ, where.root), installation.store, ADAPTERS)


def file_of(root: Path, name: str = "quote") -> Path:
    return root / "forms" / f"{name}.yaml"


def title(catalog: Catalog, name: str = "quote") -> str | None:
    found = catalog.get(name)
    return found.title if isinstance(found, Form) else None


def begin(store: Store, catalog: Catalog, text: str, name: str = "quote", by: str = "Anna") -> Draft:
    """A draft with this text, saved."""
    found = drafting.current(store, catalog, name) or Draft(name, "", None, 0)
    return drafting.save(store, replace(found, content=text), by)


def publish(store: Store, catalog: Catalog, text: str, name: str = "quote", by: str = "Anna") -> drafting.Published:
    return drafting.publish(store, catalog, begin(store, catalog, text, name, by), by)


# --- drafts ---


def test_a_draft_is_seen_by_nobody_until_it_is_published(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    assert title(catalog) == "One"
    draft = begin(store, catalog, form("Two"))
    assert (title(catalog), file_of(installation.root).read_text()) == ("One", form())
    assert drafting.waiting(store) == {"quote": draft}
    assert drafting.publish(store, catalog, draft, "Anna") == drafting.Published(version_of(form("Two")), True)
    assert (title(catalog), file_of(installation.root).read_text()) == ("Two", form("Two"))
    assert drafting.waiting(store) == {}


def test_the_second_of_two_is_told_and_nothing_is_overwritten(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    seen = drafting.current(store, catalog, "quote")
    assert seen is not None
    anna = drafting.save(store, replace(seen, content=form("Anna's")), "Anna")
    with pytest.raises(Conflict) as told:
        drafting.save(store, replace(seen, content=form("Bo's")), "Bo")
    assert (told.value.by, told.value.theirs) == ("Anna", anna)
    assert drafting.find(store, "quote") == anna
    taken_over = drafting.save(store, replace(anna, content=form("Bo's")), "Bo")
    assert taken_over.revision == anna.revision + 1


def test_a_page_that_was_left_open_does_not_bring_back_what_was_published_since(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    old = begin(store, catalog, form("Two"))
    drafting.publish(store, catalog, old, "Anna")
    with pytest.raises(Conflict) as told:
        drafting.save(store, replace(old, content=form("Late")), "Bo")
    assert (told.value.by, told.value.theirs) == ("Anna", None)
    begin(store, catalog, form("Three"), by="Cy")
    with pytest.raises(Conflict):  # a new draft's numbers do not begin anew
        drafting.save(store, replace(old, content=form("Late")), "Bo")


def test_a_discarded_draft_leaves_what_is_published(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    draft = begin(store, catalog, form("Two"))
    drafting.discard(store, draft, "Anna")
    found = drafting.current(store, catalog, "quote")
    assert found is not None
    assert found.content == form()
    assert drafting.find(store, "quote") is None


def test_a_draft_with_mistakes_is_not_published(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    draft = begin(store, catalog, form().replace("lastName", "firstName"))
    with pytest.raises(NotRight) as told:
        drafting.publish(store, catalog, draft, "Anna")
    assert "two fields" in told.value.problems[0].message
    assert drafting.find(store, "quote") == draft


def test_a_draft_may_not_take_another_forms_web_key(install: Install) -> None:
    installation = install({"quote": f"web_key: LF_1\n{form()}"})
    store, catalog = installation.store, machine(installation)
    with pytest.raises(NotRight) as told:
        publish(store, catalog, f"web_key: LF_1\n{form()}", "visit")
    assert "web_key of quote" in told.value.problems[0].message


def test_a_file_that_was_changed_since_is_not_taken_back_unseen(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    draft = begin(store, catalog, form("Anna's"))
    installation.form("quote", form("The file's"))
    assert title(catalog) == "The file's"
    with pytest.raises(Outdated) as told:
        drafting.publish(store, catalog, draft, "Anna")
    seen = drafting.save(store, replace(draft, base_version=told.value.newest.version), "Anna")
    drafting.publish(store, catalog, seen, "Anna")
    assert title(catalog) == "Anna's"


# --- going back ---


def test_an_old_version_is_published_again_and_everybody_sees_by_whom(install: Install, tmp_path: Path) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    other = machine(installation, tmp_path / "other")
    publish(store, catalog, form("Two"))
    assert title(other) == "Two"
    drafting.restore(store, catalog, "quote", version_of(form()), "Bo")
    assert (title(catalog), title(other)) == ("One", "One")
    assert file_of(installation.root).read_text() == form()
    history = [(each.version, each.origin, each.by) for each in store.publications("quote")]
    assert history == [
        (version_of(form()), "console", "Bo"),
        (version_of(form("Two")), "console", "Anna"),
        (version_of(form()), "file", None),
    ]


def test_what_cannot_be_served_now_is_not_gone_back_to(install: Install) -> None:
    keyed = form().replace("name: webhook", "name: webhook, secret: '${HOOK}'")
    installation = install({"quote": keyed}, HOOK="whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    store = installation.store
    assert title(machine(installation)) == "One"
    del installation.environ["HOOK"]
    catalog = machine(installation)
    publish(store, catalog, form("Two"))
    with pytest.raises(NotRight):
        drafting.restore(store, catalog, "quote", version_of(keyed), "Bo")
    with pytest.raises(LookupError):
        drafting.restore(store, catalog, "quote", "0123456789ab", "Bo")


def test_a_file_with_a_content_of_the_past_changes_nothing(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    publish(store, catalog, form("Two"))
    installation.form("quote", form())
    assert (title(catalog), title(machine(installation))) == ("Two", "Two")
    assert file_of(installation.root).read_text() == form(), "it was put there by somebody after the publication"
    installation.form("quote", form("Three"))
    assert title(catalog) == "Three"


# --- several machines, crashes ---


def test_every_machine_serves_it_and_its_file_follows(install: Install, tmp_path: Path) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    make(tmp_path / "other", None, installation.environ).form("quote", form())
    other = machine(installation, tmp_path / "other")
    assert title(other) == "One"
    publish(store, catalog, form("Two"))
    assert title(other) == "Two"
    assert file_of(tmp_path / "other").read_text() == form("Two")
    file_of(tmp_path / "other").write_text(form("Three"))
    assert (title(other), title(catalog)) == ("Three", "Three")


def test_a_machine_without_the_file_serves_what_the_console_published_and_what_follows(
    install: Install, tmp_path: Path
) -> None:
    installation = install()
    store, catalog = installation.store, machine(installation)
    other = machine(installation, tmp_path / "other")
    assert publish(store, catalog, form(), "new").is_in_file
    assert (title(catalog, "new"), title(other, "new")) == ("One", "One")
    installation.form("new", form("Two"))
    assert (title(catalog, "new"), title(other, "new")) == ("Two", "Two")


def test_a_crash_between_the_store_and_the_file_is_made_good_by_the_next_look(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    draft = begin(store, catalog, form("Two"))

    def die(*_: object) -> bool:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Catalog, "take_up", die)
        with pytest.raises(KeyboardInterrupt):
            drafting.publish(store, catalog, draft, "Anna")
    assert file_of(installation.root).read_text() == form()
    assert title(machine(installation)) == "Two"
    assert file_of(installation.root).read_text() == form("Two")
    assert drafting.find(store, "quote") is None


def test_a_file_is_whole_whenever_a_write_of_it_breaks_off(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    draft = begin(store, catalog, form("Two"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        assert not drafting.publish(store, catalog, draft, "Anna").is_in_file
    assert (title(catalog), file_of(installation.root).read_text()) == ("Two", form())
    assert [path.name for path in (installation.root / "forms").iterdir()] == ["quote.yaml"]


def test_a_file_that_somebody_is_changing_is_left_alone(install: Install) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    assert title(catalog) == "One"
    installation.form("quote", "title: half\nfields: [\n")
    published = publish(store, catalog, form("Two"))
    assert not published.is_in_file
    assert (title(catalog), file_of(installation.root).read_text()) == ("Two", "title: half\nfields: [\n")


def test_a_folder_that_cannot_be_written_costs_nothing_but_the_file(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install({"quote": form()})
    catalog = machine(installation)
    monkeypatch.setattr(Folder, "write", lambda *_: False)
    assert not publish(installation.store, catalog, form("Two")).is_in_file
    assert title(catalog) == "Two"


# --- archiving ---


def test_an_archived_form_is_served_nowhere_and_can_be_brought_back(install: Install, tmp_path: Path) -> None:
    installation = install({"quote": form()})
    store, catalog = installation.store, machine(installation)
    make(tmp_path / "other", None, installation.environ).form("quote", form())
    other = machine(installation, tmp_path / "other")
    assert title(other) == "One"
    assert drafting.archive(store, catalog, "quote", "Anna")
    assert (catalog.get("quote"), other.get("quote")) == (None, None)
    assert not file_of(installation.root).exists()
    installation.form("quote", form())
    assert catalog.get("quote") is None, "a content of the past changes nothing"
    found = drafting.current(store, catalog, "quote")
    assert found is not None
    assert found.content == form()
    drafting.restore(store, catalog, "quote", version_of(form()), "Anna")
    assert (title(catalog), title(other)) == ("One", "One")


def test_a_new_content_in_its_file_brings_an_archived_form_back(install: Install) -> None:
    installation = install({"quote": form()})
    catalog = machine(installation)
    assert title(catalog) == "One"
    drafting.archive(installation.store, catalog, "quote", "Anna")
    installation.form("quote", form("Two"))
    assert title(catalog) == "Two"


def test_a_form_that_was_never_right_can_be_mended_in_the_console(install: Install) -> None:
    installation = install({"quote": form().replace("lastName", "firstName")})
    store, catalog = installation.store, machine(installation)
    assert isinstance(catalog.get("quote"), Broken)
    found = drafting.current(store, catalog, "quote")
    assert found is not None
    drafting.publish(store, catalog, drafting.save(store, replace(found, content=form()), "Anna"), "Anna")
    assert title(catalog) == "One"


# --- comparing ---


def differences(before: str, after: str) -> list[str]:
    return list(compare(before, after, ADAPTERS).changes)


def test_two_versions_are_compared_in_words() -> None:
    before = """\
title: Quote
submit: Send
fields:
  - {name: firstName, label: First name}
  - {name: phone, label: Mobile}
  - {name: service, label: Need, options: [Windows, Doors]}
  - {name: old}
vendor: {name: webhook, url: "https://a.example", wait: 8}
"""
    after = """\
title: Quote
submit: Get my quote
fields:
  - {name: phone, label: Phone, required: true}
  - {name: firstName, label: First name}
  - {name: service, label: Need, options: [Windows, {value: both, label: Both}], show_if: {phone: "1"}}
  - {name: email, label: E-mail, required: true}
vendor: {name: webhook, url: "https://a.example", wait: 0}
language: es
"""
    assert differences(before, after) == [
        "New field: E-mail (email), required",
        "Field old was removed",
        "Field Phone (phone) moved to the top",
        "Field Phone (phone): label: “Mobile” → “Phone”",
        "Field Phone (phone) is now required",
        "Field Need (service): new answer Both",
        "Field Need (service): answer Doors was removed",
        "Field Need (service) is now shown only if phone is 1",
        "Text of the button: “Send” → “Get my quote”",
        "Vendor: wait: “8” → “0”",
        "Language is now “es”",
    ]


def test_a_comment_alone_is_a_difference_of_lines(install: Install) -> None:
    found = compare(form(), form().replace("as sales", "as we"), ADAPTERS)
    assert (found.changes, found.is_same) == ((), False)
    assert [line.kind for line in found.lines if line.kind in {"added", "removed"}] == ["removed", "added"]
    assert compare(form(), form(), ADAPTERS).is_same


def test_a_credential_in_a_form_is_not_shown_in_a_comparison() -> None:
    text = "title: x\nvendor:\n  name: clienttether\n  web_key: CT_5ecret\n"
    found = compare(text, text.replace("CT_5ecret", "CT_0ther").replace("x", "y"), ADAPTERS)
    assert "CT_" not in repr(found)
    assert MASK in repr(found)


def test_what_cannot_be_read_is_compared_by_its_lines() -> None:
    found = compare(form(), "title: [", ADAPTERS)
    assert "cannot be read" in found.changes[0]
    assert any(line.kind == "added" for line in found.lines)


# --- while machines are renewed ---


def test_what_was_published_on_the_schema_before_is_in_its_place_after_the_upgrade(tmp_path: Path) -> None:
    old = Store(f"sqlite:///{tmp_path}/old.db")
    load(old, "0001")
    for text in (form("One"), form("Two")):
        old.publish("visit", version_of(text), text, "file")
    assert {each.form: each.version for each in old.newest_versions()}["visit"] == version_of(form("Two"))
    number = old.last_version_number()
    upgrade(old)
    new = Store(f"sqlite:///{tmp_path}/old.db")
    assert new.last_version_number() == number
    assert [each.version for each in new.publications("visit")] == [version_of(form("Two")), version_of(form("One"))]
    new.publish("visit", version_of(form("One")), form("One"), "file")
    assert new.last_version_number() == number, "a file brings nothing of the past back"
    new.publish("visit", version_of(form("One")), form("One"), "console", "Anna")
    newest = {each.form: each for each in new.newest_versions()}["visit"]
    assert (newest.version, newest.by, newest.in_console, newest.number > number) == (
        version_of(form("One")),
        "Anna",
        True,
        True,
    )
    for store in (old, new):
        store.engine.dispose()


def test_of_many_who_save_at_once_one_is_first_and_each_other_is_told(install: Install) -> None:
    installation = install({"quote": form()})
    store = installation.store
    seen = drafting.current(store, machine(installation), "quote")
    assert seen is not None

    def save(number: int) -> bool:
        try:
            drafting.save(store, replace(seen, content=form(f"By {number}")), f"Person {number}")
        except Conflict:
            return False
        return True

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(save, range(8))) == 1
    found = drafting.find(store, "quote")
    assert found is not None
    assert found.revision == 1
    assert found.content == form(f"By {found.updated_by.removeprefix('Person ')}")
