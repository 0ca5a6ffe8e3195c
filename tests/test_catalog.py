from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadferry import catalog as catalog_module
from leadferry import config, folder
from leadferry.catalog import Broken, Catalog
from leadferry.form_file import version_of
from leadferry.forms import Form
from leadferry.store import StoreError
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import Installation, wait_until

FORM = """\
title: {title}
web_key: {web_key}
fields:
  - {{name: firstName}}
  - {{name: lastName}}
vendor: {{name: clienttether, web_key: "${{KEY}}"}}
"""

BROKEN = "title: Half a form\nfields: [\n"


def form(title: str = "One", web_key: str = "LF_one") -> str:
    return FORM.format(title=title, web_key=web_key)


@pytest.fixture
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every request looks at everything, as a request does that comes a second after the last one."""
    monkeypatch.setattr(catalog_module, "SECONDS_BETWEEN_LOOKS", 0.0)


@pytest.fixture
def never_due(monkeypatch: pytest.MonkeyPatch) -> None:
    """What is seen is seen by the request's own look at its file."""
    monkeypatch.setattr(catalog_module, "SECONDS_BETWEEN_LOOKS", 1e9)


def new_catalog(installation: Installation, **environ: str) -> Catalog:
    """As another process of the installation has it, or the same after a restart."""
    settings = config.load({**installation.environ, **environ}, installation.root)
    return Catalog(settings, installation.store, ADAPTERS)


def shown(catalog: Catalog, name: str = "quote") -> str | None:
    """The title of what is served; `broken` where nothing can be."""
    found = catalog.get(name)
    return "broken" if isinstance(found, Broken) else found and found.title


def problem(catalog: Catalog, name: str = "quote") -> str:
    found = catalog.get(name)
    assert isinstance(found, Broken)
    return str(found.problems[0])


def versions(installation: Installation, name: str = "quote") -> dict[str, str]:
    """The newest published content of each form."""
    return {each.form: each.content for each in installation.store.newest_versions()}


# --- the folder ---


def test_a_form_is_found_by_its_name_and_by_its_web_key(install: Install) -> None:
    catalog = new_catalog(install({"quote": form(), "two": form("Two", "LF_two")}, KEY="k"))
    assert (shown(catalog, "quote"), shown(catalog, "two")) == ("One", "Two")
    found = catalog.by_web_key("LF_two")
    assert isinstance(found, Form)
    assert found.name == "two"
    assert list(catalog.all()) == ["quote", "two"]


@pytest.mark.parametrize("name", ["nothing", "", ".", "..", "../quote", "Quote", "quote.yaml", "a\0b", "é", "x" * 5000])
def test_there_is_no_form_of_another_name(install: Install, name: str) -> None:
    catalog = new_catalog(install({"quote": form()}, KEY="k"))
    assert catalog.get(name) is None
    assert catalog.by_web_key(name) is None


@pytest.mark.usefixtures("never_due")
def test_an_edit_is_served_at_the_next_request(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    assert "One" in installation.client.get("/f/quote").text
    installation.form("quote", form("Two"))
    assert "Two" in installation.client.get("/f/quote").text


@pytest.mark.usefixtures("never_due")
def test_a_new_file_is_served_at_the_next_request(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    assert installation.client.get("/f/new").status_code == 404
    installation.form("new", form("New", "LF_new"))
    assert "New" in installation.client.get("/f/new").text


@pytest.mark.usefixtures("never_due")
def test_a_removed_file_takes_its_form_away(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    assert installation.client.get("/f/quote").status_code == 200
    installation.root.joinpath("forms/quote.yaml").unlink()
    assert installation.client.get("/f/quote").status_code == 404
    assert shown(new_catalog(installation)) is None
    installation.form("quote", form())
    assert installation.client.get("/f/quote").status_code == 200


@pytest.mark.usefixtures("never_due")
def test_a_new_web_key_is_known_at_the_next_request_and_the_old_one_no_more(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert catalog.by_web_key("LF_one")
    installation.form("quote", form(web_key="LF_new"))
    assert catalog.by_web_key("LF_one") is None
    assert catalog.by_web_key("LF_new")
    installation.form("quote", form(web_key="LF_newer"))
    wait_until(lambda: catalog.by_web_key("LF_newer"))  # a stranger's keys must not keep the server looking


@pytest.mark.usefixtures("never_due")
def test_an_edit_that_keeps_size_and_time_is_seen(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    path = installation.root / "forms" / "quote.yaml"
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert shown(catalog) == "One"
    installation.form("quote", form("Two"))
    os.utime(path, (1_700_000_000, 1_700_000_000))
    assert shown(catalog) == "Two"


@pytest.mark.usefixtures("never_due")
def test_what_an_editor_renames_over_the_file_is_seen(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    draft = installation.root / "forms" / ".quote.yaml.swp"
    draft.write_text(form("Two"))
    draft.replace(installation.root / "forms" / "quote.yaml")
    assert shown(catalog) == "Two"


@pytest.mark.usefixtures("never_due")
def test_a_file_is_not_read_while_it_is_being_written(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """The first half is a form too, and must not become a version."""
    half = form() + "submit: Half\n"
    whole = half + "language: de\n"
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    path = installation.form("quote", half)

    def go_on_writing(seconds: float) -> None:
        assert 0 < seconds < 1
        path.write_text(whole)

    monkeypatch.setattr(folder.time, "sleep", go_on_writing)
    assert shown(catalog) == "One"
    assert versions(installation)["quote"] == whole
    assert installation.store.find_version("quote", version_of(half)) is None


def test_what_is_no_file_is_no_form(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    forms = installation.root / "forms"
    (forms / "folder.yaml").mkdir()
    os.mkfifo(forms / "pipe.yaml")
    (forms / "gone.yaml").symlink_to(forms / "nowhere")
    (forms / "link.yaml").symlink_to(forms / "quote.yaml")
    (forms / ".hidden.yaml").write_text(form())
    (forms / "Upper.yaml").write_text(form())
    (forms / "other.yml").write_text(form())
    catalog = new_catalog(installation)
    assert set(catalog.all()) == {"quote", "link"}
    assert catalog.get("folder") is catalog.get("pipe") is catalog.get("gone") is catalog.get("hidden") is None


def test_no_folder_means_no_forms(install: Install) -> None:
    installation = install(KEY="k")
    (installation.root / "forms").rmdir()
    assert new_catalog(installation).all() == {}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"title: Caf\xe9\n", "cannot be read as UTF-8 text"),
        ("title: Zwei\n".encode("utf-16"), "cannot be read as UTF-8 text"),
        (b"title: a\0b\n", "no editor shows"),
        (b"x" * 2_000_000, "larger than 128 KiB"),
        (b"", "is not a form"),
    ],
)
def test_a_file_that_is_no_text_is_broken(install: Install, content: bytes, message: str) -> None:
    installation = install({"good": form()}, KEY="k")
    (installation.root / "forms" / "quote.yaml").write_bytes(content)
    catalog = new_catalog(installation)
    assert message in problem(catalog)
    assert shown(catalog, "good") == "One"
    assert "quote" not in versions(installation)


# --- broken files ---


@pytest.mark.usefixtures("never_due")
def test_a_file_that_breaks_keeps_its_last_good_version(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    said: list[str] = []
    monkeypatch.setattr(catalog_module.log, "warning", lambda _, extra: said.append(extra["problem"]))
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    installation.form("quote", BROKEN)
    assert [shown(catalog) for _ in range(3)] == ["One"] * 3
    assert isinstance(catalog.by_web_key("LF_one"), Form)
    [once] = said
    assert "quote.yaml:2: file: " in once
    installation.form("quote", form("Two"))
    assert shown(catalog) == "Two"


def test_so_it_does_after_a_restart(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    assert shown(new_catalog(installation)) == "One"
    installation.form("quote", BROKEN)
    assert shown(new_catalog(installation)) == "One"


def test_a_file_that_was_never_good_is_broken_and_every_other_form_works(install: Install) -> None:
    installation = install({"quote": BROKEN, "good": form()}, KEY="k")
    answer = installation.client.get("/f/quote", headers={"Accept": "text/html"})
    assert answer.status_code == 503
    assert answer.content_type.startswith("text/html")
    assert "quote.yaml" not in answer.text  # visitors are not the ones to mend it
    assert installation.client.get("/f/good").status_code == 200
    assert installation.client.post("/f/quote", data={"firstName": "Ada"}).status_code == 503


@pytest.mark.usefixtures("never_due")
def test_it_is_served_once_it_is_mended(install: Install) -> None:
    installation = install({"quote": BROKEN}, KEY="k")
    assert installation.client.get("/f/quote").status_code == 503
    installation.form("quote", form())
    assert installation.client.get("/f/quote").status_code == 200


def test_a_missing_secret_breaks_a_form_at_the_start_whatever_the_store_has(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    assert shown(new_catalog(installation)) == "One"
    catalog = new_catalog(installation, KEY="")
    assert "${KEY} is not set" in problem(catalog)
    found = catalog.by_web_key("LF_one")
    assert isinstance(found, Broken)  # its posts are told to come again, not that nobody has their key
    assert found.name == "quote"


@pytest.mark.usefixtures("always_due")
def test_a_secret_may_come_later_from_its_file(install: Install, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    catalog = new_catalog(install({"quote": form()}, KEY_FILE=str(secret)))
    assert shown(catalog) == "broken"
    secret.write_text("k\n")
    assert shown(catalog) == "One"
    assert catalog.secret("KEY") == "k"


@pytest.mark.usefixtures("always_due")
def test_a_version_that_only_another_machine_can_serve_leaves_the_last_one_here(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    content = form("Two").replace("${KEY}", "${ONLY_THERE}")
    installation.store.publish("quote", version_of(content), content, "file")
    assert shown(catalog) == "One"
    assert shown(new_catalog(installation, ONLY_THERE="k")) == "Two"


def test_one_forms_trouble_is_not_every_forms(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    def check(*_: object) -> Iterator[tuple[str, str]]:
        raise RuntimeError("an adapter's fault")

    hook = "fields: [{name: a}]\nvendor: {name: webhook, url: 'https://x.example'}\n"
    monkeypatch.setattr(type(ADAPTERS["webhook"]), "check", check)
    catalog = new_catalog(install({"quote": form(), "hook": hook}, KEY="k"))
    assert (shown(catalog, "quote"), shown(catalog, "hook")) == ("One", "broken")


# --- versions ---


@pytest.mark.usefixtures("always_due")
def test_new_content_is_a_new_version_and_known_content_changes_nothing(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    installation.form("quote", form("Two"))
    assert shown(catalog) == "Two"
    installation.form("quote", form())
    assert shown(catalog) == "Two"
    assert versions(installation)["quote"] == form("Two")
    installation.form("quote", form() + "# again\n")
    assert shown(catalog) == "One"


@pytest.mark.usefixtures("always_due")
def test_a_file_saved_without_a_change_is_no_new_version(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    before = catalog.get("quote")
    number = installation.store.last_version_number()
    installation.form("quote", form())
    os.utime(installation.root / "forms" / "quote.yaml")
    assert catalog.get("quote") is before
    installation.form("quote", form().replace("\n", "\r\n"))
    assert catalog.get("quote") is before
    assert installation.store.last_version_number() == number


@pytest.mark.usefixtures("always_due")
def test_the_newest_version_is_served_by_every_machine(install: Install) -> None:
    one = install({"quote": form()}, KEY="k")
    here = new_catalog(one)
    other = one.root / "other"
    other.mkdir()
    (other / "quote.yaml").write_text(form("Two"))
    assert shown(here) == "One"
    there = new_catalog(one, FORMS_DIR="other")
    assert (shown(there), shown(here)) == ("Two", "Two")
    one.form("quote", form("Three"))
    assert (shown(here), shown(there)) == ("Three", "Three")
    again = new_catalog(one, FORMS_DIR="other")  # the folder that is behind must not turn the others back
    assert (shown(again), shown(here), shown(there)) == ("Three", "Three", "Three")


@pytest.mark.usefixtures("always_due")
def test_a_machine_serves_the_forms_that_its_folder_has(install: Install) -> None:
    one = install({"quote": form()}, KEY="k")
    assert shown(new_catalog(one)) == "One"
    (one.root / "other").mkdir()
    assert shown(new_catalog(one, FORMS_DIR="other")) is None


@pytest.mark.usefixtures("always_due")
def test_the_console_publishes_without_a_file_and_over_one(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    for name, content in (("made", form("Made", "LF_made")), ("quote", form("Published"))):
        installation.store.publish(name, version_of(content), content, "console")
    assert (shown(catalog, "made"), shown(catalog, "quote")) == ("Made", "Published")
    installation.form("quote", form("Edited"))
    assert shown(catalog) == "Edited"


def test_a_version_of_the_past_can_be_read(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    first = catalog.get("quote")
    assert isinstance(first, Form)
    installation.form("quote", form("Two"))
    assert shown(catalog) == "Two"
    past = catalog.version("quote", first.version)
    assert past is not None
    assert past.title == "One"
    assert catalog.version("quote", "0" * 12) is None
    assert catalog.version("nobody", first.version) is None


def test_a_version_that_cannot_be_read_now_may_be_later(install: Install, tmp_path: Path) -> None:
    secret = tmp_path / "key"
    installation = install({"quote": form()}, KEY="k")
    assert shown(new_catalog(installation)) == "One"
    catalog = new_catalog(installation, KEY="", KEY_FILE=str(secret))
    assert catalog.version("quote", version_of(form())) is None
    secret.write_text("k")
    assert catalog.version("quote", version_of(form()))


# --- two forms, one web_key ---


@pytest.mark.usefixtures("always_due")
def test_the_form_that_had_a_web_key_first_keeps_it(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    installation.form("a-copy", form("Copy"))
    for each in (catalog, new_catalog(installation)):
        assert shown(each, "quote") == "One"
        assert "web_key: is the web_key of quote too" in problem(each, "a-copy")
        found = each.by_web_key("LF_one")
        assert isinstance(found, Form)
        assert found.name == "quote"
    assert "a-copy" not in versions(installation)
    installation.form("a-copy", form("Copy", "LF_copy"))
    assert (shown(catalog, "a-copy"), shown(catalog, "quote")) == ("Copy", "One")


@pytest.mark.usefixtures("always_due")
def test_an_edit_to_another_forms_web_key_is_a_broken_edit(install: Install) -> None:
    installation = install({"quote": form(), "two": form("Two", "LF_two")}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog, "two") == "Two"
    installation.form("two", form("Edited", "LF_one"))
    assert (shown(catalog, "two"), shown(catalog, "quote")) == ("Two", "One")
    assert isinstance(catalog.by_web_key("LF_two"), Form)
    assert versions(installation)["two"] == form("Two", "LF_two")


@pytest.mark.usefixtures("always_due")
@pytest.mark.parametrize("giver", ["a", "z"])
def test_a_web_key_can_move_to_another_form_in_one_go(install: Install, giver: str) -> None:
    taker = {"a": "z", "z": "a"}[giver]
    installation = install({giver: form(), taker: form("Two", "LF_two")}, KEY="k")
    catalog = new_catalog(installation)
    assert len(catalog.all()) == 2
    installation.form(giver, form("One", "LF_new"))
    installation.form(taker, form("Two", "LF_one"))
    catalog.all()
    found = catalog.by_web_key("LF_one")
    assert isinstance(found, Form)
    assert found.name == taker


@pytest.mark.usefixtures("always_due")
def test_a_renamed_file_takes_its_web_key_along(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    path = installation.root / "forms" / "quote.yaml"
    path.rename(path.with_name("offer.yaml"))
    assert (shown(catalog, "quote"), shown(catalog, "offer")) == (None, "One")


@pytest.mark.usefixtures("always_due")
def test_two_machines_that_gave_one_web_key_away_at_once_agree_on_its_form(install: Install) -> None:
    installation = install({"b": form("B"), "a": form("A", "LF_other")}, KEY="k")
    assert shown(new_catalog(installation), "b") == "B"
    late = form("A")
    installation.store.publish("a", version_of(late), late, "console")
    for catalog in (new_catalog(installation), new_catalog(installation)):
        assert (shown(catalog, "b"), shown(catalog, "a")) == ("B", "broken")


# --- at every page view ---


@pytest.mark.usefixtures("never_due")
def test_a_form_that_did_not_change_costs_one_look_at_its_file(
    install: Install, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install({"quote": form(), "broken": BROKEN}, KEY="k")
    catalog = new_catalog(installation)
    catalog.all()
    monkeypatch.setattr(folder, "REST", 0.0)  # as if the files had been there for longer
    catalog.get("quote")
    looks: list[str] = []
    real = os.stat
    monkeypatch.setattr(folder.os, "stat", lambda path: looks.append(str(path)) or real(path))
    monkeypatch.setattr(installation.store, "last_version_number", pytest.fail)
    assert shown(catalog) == "One"
    assert looks == [str(installation.root / "forms" / "quote.yaml")]
    looks.clear()
    assert catalog.by_web_key("LF_one")
    assert len(looks) == 1
    looks.clear()
    catalog.all()
    catalog.destination("quote", "", "vendor", "clienttether")
    assert looks == []


@pytest.mark.usefixtures("always_due")
def test_no_content_is_read_twice(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = install({"quote": form(), "broken": BROKEN, "copy": form("Copy"), "behind": form("Old", "LF_b")})
    read: list[str] = []
    real = catalog_module.load
    monkeypatch.setattr(catalog_module, "load", lambda *args: read.append(args[0]) or real(*args))
    catalog = new_catalog(installation, KEY="k")
    catalog.all()
    installation.form("behind", form("New", "LF_b"))
    catalog.all()
    installation.form("behind", form("Old", "LF_b"))
    for _ in range(5):
        catalog.all()
        catalog.get("broken")
    assert sorted(read) == ["behind", "behind", "broken", "copy", "quote"]


@pytest.mark.usefixtures("always_due")
def test_readers_and_writers_do_not_meet(install: Install) -> None:
    """Eight threads read while a file is written in place, renamed over and cut short."""
    installation = install({"quote": form("Title 0"), "other": form("Other", "LF_other")}, KEY="k")
    path = installation.root / "forms" / "quote.yaml"
    catalog = new_catalog(installation)
    catalog.all()
    wrong: list[str | None] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            title = shown(catalog)
            if title is None or not title.startswith("Title "):
                wrong.append(title)
            if shown(catalog, "other") != "Other" or not isinstance(catalog.by_web_key("LF_one"), Form):
                wrong.append("other")

    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers:
        reader.start()
    for number in range(1, 31):
        text = form(f"Title {number}")
        if number % 3 == 0:
            path.write_text(text)
        elif number % 3 == 1:
            draft = path.with_name("draft")
            draft.write_text(text)
            draft.replace(path)
        else:
            path.write_text(text[: len(text) // 2])
            path.write_text(text)
        catalog.get("other")
    done.set()
    for reader in readers:
        reader.join()
    assert wrong == []
    assert shown(catalog) == "Title 30"
    assert shown(new_catalog(installation)) == "Title 30"


# --- the store ---


@pytest.mark.usefixtures("always_due")
def test_forms_are_served_while_the_store_is_away(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise StoreError("the disk is full")

    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    assert shown(catalog) == "One"
    with monkeypatch.context() as away:
        for method in ("last_version_number", "newest_versions", "find_version", "publish"):
            away.setattr(installation.store, method, fail)
        assert shown(catalog) == "One"
        installation.form("quote", form("Two"))
        installation.form("new", form("New", "LF_new"))
        assert shown(catalog) == "One"  # no lead may name a version that nobody can look up
        assert shown(new_catalog(installation)) == "Two"  # but where there is nothing else, better this than nothing
    assert (shown(catalog), shown(catalog, "new")) == ("Two", "New")
    assert set(versions(installation)) == {"quote", "new"}


# --- destinations and their secrets ---


def test_a_worker_that_serves_no_page_delivers_as_the_form_says_today(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    first = new_catalog(installation).get("quote")
    assert isinstance(first, Form)
    installation.form("quote", form().replace('web_key: "${KEY}"', 'web_key: "${KEY}", wait: 3'))
    found = new_catalog(installation).destination("quote", first.version, "vendor", "clienttether")
    assert found is not None
    assert found.wait == 3


def test_a_lead_for_a_vendor_that_the_form_has_left_goes_there_still(install: Install) -> None:
    installation = install({"quote": form()}, KEY="k")
    catalog = new_catalog(installation)
    first = catalog.get("quote")
    assert isinstance(first, Form)
    installation.form("quote", "fields: [{name: a}]\nvendor: {name: webhook, url: 'https://x.example'}\n")
    assert isinstance(catalog.get("quote"), Form)
    found = catalog.destination("quote", first.version, "vendor", "clienttether")
    assert found is not None
    assert found.adapter == "clienttether"
    (installation.root / "forms" / "quote.yaml").unlink()
    assert catalog.get("quote") is None
    assert catalog.destination("quote", first.version, "vendor", "clienttether")
    assert catalog.destination("quote", first.version, "also-1", "clienttether") is None
    assert catalog.destination("quote", "0" * 12, "vendor", "clienttether") is None


def test_a_credential_in_the_file_is_found_by_its_masked_name(install: Install) -> None:
    literal = form().replace('"${KEY}"', "CT_literal")
    leads = "fields: [{name: email}]\nvendor: {name: leadconduit, url: 'https://x.example/flows/f1/submit'}\n"
    installation = install({"quote": literal, "flow": leads}, KEY="k")
    catalog = new_catalog(installation)
    first = catalog.get("quote")
    assert isinstance(first, Form)
    assert catalog.secret("quote.vendor.web_key") == "CT_literal"
    assert catalog.secret("flow.vendor.url") == "https://x.example/flows/f1/submit"
    assert catalog.secret("quote.vendor.nothing") is None
    assert catalog.secret("KEY") == "k"
    installation.form("quote", "fields: [{name: a}]\nvendor: {name: webhook, url: 'https://x.example'}\n")
    later = new_catalog(installation)
    assert later.destination("quote", first.version, "vendor", "clienttether")
    assert later.secret("quote.vendor.web_key") == "CT_literal"
