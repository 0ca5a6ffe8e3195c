"""The forms that are served: the folder watched, the store's newest versions, the last good one kept."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from leadferry.config import Settings
from leadferry.folder import SUFFIX, Folder, FormFile, is_form_name, read_text
from leadferry.form_file import FormFileError, Problem, Surroundings, load
from leadferry.forms import Form
from leadferry.store import PublishedForm, Store, StoreError
from leadferry.vendors.base import Adapter, Destination, Secret, Template

log = logging.getLogger("leadferry.forms")

SECONDS_BETWEEN_LOOKS = 1.0


@dataclass(frozen=True)
class Broken:
    """A form that cannot be served, and why."""

    name: str
    problems: tuple[Problem, ...]
    web_key: str | None = None


@dataclass(frozen=True)
class _Judgement:
    """What came of reading one content. ``missing`` is what it wants from the environment."""

    form: Form | Broken
    missing: frozenset[str] = frozenset()


@dataclass(frozen=True)
class _State:
    """What is served; replaced as a whole."""

    forms: Mapping[str, Form | Broken] = field(default_factory=dict)
    by_web_key: Mapping[str, str] = field(default_factory=dict)
    takes_files: bool = False


class Catalog:
    """Finds forms by name and by web_key, always as they stand now."""

    def __init__(self, settings: Settings, store: Store, adapters: Mapping[str, Adapter]) -> None:
        self._settings = settings
        self._store = store
        self._around = Surroundings(adapters, settings.secret)
        self._folder = Folder(settings.forms_dir)
        self._published: Mapping[str, PublishedForm] = {}
        self._last_number = -1
        self._store_is_away = False
        self._known: set[tuple[str, str]] = set()
        self._judged: dict[tuple[str, str], _Judgement] = {}
        self._literals: dict[str, str] = {}
        self._said: dict[str, str] = {}
        self._state = _State()
        self._ready = False
        self._must_publish = False
        self._looked_at = 0.0
        self._took = 0.0
        self._lock = threading.Lock()
        self._stored = lru_cache(maxsize=512)(self._load_stored)

    def get(self, name: str) -> Form | Broken | None:
        self._look_if_due()
        if self._folder.has_changed(name):
            self._look()
        return self._state.forms.get(name)

    def by_web_key(self, web_key: str) -> Form | Broken | None:
        self._look_if_due()
        name = self._state.by_web_key.get(web_key)
        # A key that no form has may stand in a file saved just now. Strangers may try keys, so not too often.
        is_stale = self._folder.has_changed(name) if name else time.monotonic() > self._looked_at + 20 * self._took
        if is_stale:
            self._look()
            name = self._state.by_web_key.get(web_key)
        return self._state.forms.get(name) if name else None

    def all(self) -> Mapping[str, Form | Broken]:
        self._look_if_due()
        return self._state.forms

    def takes_files(self) -> bool:
        """Whether any form has a field for a file."""
        self._look_if_due()
        return self._state.takes_files

    def version(self, name: str, version: str) -> Form | None:
        """A form as it was in one version; None where that cannot be read any more."""
        current = self._state.forms.get(name)
        if isinstance(current, Form) and current.version == version:
            return current
        try:
            return self._stored(name, version)
        except (LookupError, FormFileError):
            return None

    def destination(self, name: str, version: str, destination: str, vendor: str) -> Destination | None:
        """Where a lead's delivery goes: as the form says today, or said then if it has gone over to another vendor."""
        self._look_if_due()
        current = self._state.forms.get(name)
        for form in (current if isinstance(current, Form) else None, self.version(name, version)):
            for each in form.destinations if form else ():
                if each.name == destination and each.adapter == vendor:
                    return each
        return None

    def secret(self, name: str) -> str | None:
        """The value of a secret that a destination names: from the environment, or from the form file itself."""
        return self._settings.secret(name) or self._literals.get(name)

    # --- looking ---

    def _look_if_due(self) -> None:
        """Everything is looked at once a second, by one thread; the others go on with what is at most so old."""
        if not self._ready:
            self._look()
        elif time.monotonic() - self._looked_at > SECONDS_BETWEEN_LOOKS and self._lock.acquire(blocking=False):
            try:
                self._refresh()
            finally:
                self._lock.release()

    def _look(self) -> None:
        """Returns when a look has ended that began after this was called."""
        asked = time.monotonic()
        with self._lock:
            if self._looked_at < asked:
                self._refresh()

    def _refresh(self) -> None:
        self._looked_at = time.monotonic()
        changes = [self._folder.look(), self._read_store(), self._forget_what_may_be_right_now()]
        if any(changes) or self._must_publish or not self._ready:
            self._serve()
            while self._publish_new():
                self._read_store()
                self._serve()
            self._bring_files_up()
        self._ready = True
        self._took = time.monotonic() - self._looked_at

    def _read_store(self) -> bool:
        """Takes up what other processes and machines have published; whether there was anything."""
        try:
            number = self._store.last_version_number()
            self._store_is_away = False
            if number == self._last_number:
                return False
            self._published = {each.form: each for each in self._store.newest_versions()}
        except StoreError:
            log.warning("the store cannot be read; forms are served as last known")
            self._store_is_away = True
            return False
        self._last_number = number
        return True

    def _forget_what_may_be_right_now(self) -> bool:
        """A secret may come from a file that appears later; a broken content is not read again for any other reason."""
        found = [key for key, each in self._judged.items() if any(self._settings.secret(name) for name in each.missing)]
        for key in found:
            del self._judged[key]
        return bool(found)

    # --- judging ---

    def _judge(self, name: str, version: str, text: str) -> _Judgement:
        found = self._judged.get((name, version))
        if found is None:
            found = self._judged[name, version] = self._read(name, text)
        return found

    def _read(self, name: str, text: str) -> _Judgement:
        path = str(self._folder.path(name))
        try:
            return _Judgement(load(name, text, path, self._around)[0])
        except FormFileError as error:
            self._say(name, str(error.problems[0]))
            return _Judgement(Broken(name, tuple(error.problems), error.web_key), error.missing)
        except Exception:  # one form's trouble must not be every form's
            log.exception("fault while reading a form file", extra={"form": name})
            return _Judgement(Broken(name, (Problem(path, 1, "file", "cannot be read; the server's log says why"),)))

    def _say(self, name: str, problem: str) -> None:
        """Once, and not at every look."""
        if self._said.get(name) != problem:
            self._said[name] = problem
            log.warning("form file not taken up", extra={"form": name, "problem": problem})

    # --- serving ---

    def _serve(self) -> None:
        """The newest version of every form whose file is there, and of those that the console ever published."""
        files = self._folder.files
        archived = {name for name, each in self._published.items() if each.is_archived}
        console = {name for name, each in self._published.items() if each.in_console}
        forms = {name: self._current(name, files.get(name)) for name in sorted((files.keys() | console) - archived)}
        holders: dict[str, str] = {}
        for name in sorted(forms, key=lambda name: self._claim(name, forms[name])):
            form = forms[name]
            holder = holders.setdefault(form.web_key, name) if form.web_key else name
            if isinstance(form, Form) and holder != name:
                forms[name] = Broken(name, (_taken(self._folder.path(name), self._text(name), holder),), form.web_key)
        self._state = _State(forms, holders, any(isinstance(form, Form) and form.has_file for form in forms.values()))
        self._tidy()

    def _current(self, name: str, file: FormFile | None) -> Form | Broken:
        """The newest published version, or the last good one; the file's own mistakes where nothing was published."""
        published = self._published.get(name)
        if published:
            form = self._judge(name, published.version, published.content).form
        else:
            assert file is not None, "a form is published, or has a file"
            form = self._judge(name, file.version, file.text).form
        last = self._state.forms.get(name)
        return last if isinstance(form, Broken) and isinstance(last, Form) else form

    def _claim(self, name: str, form: Form | Broken) -> tuple[bool, bool, int, str]:
        """Who keeps a web_key that two forms have: who holds it, else who was published first."""
        published = self._published.get(name)
        holds = self._state.by_web_key.get(form.web_key or "") == name
        return isinstance(form, Broken), not holds, published.number if published else 1 << 62, name

    def _text(self, name: str) -> str:
        published = self._published.get(name)
        return published.content if published else self._folder.files[name].text

    def _tidy(self) -> None:
        """Keeps what is in use: the judgement of each file and each published version, and the file's credentials."""
        used = {(name, file.version) for name, file in self._folder.files.items()}
        used |= {(name, each.version) for name, each in self._published.items()}
        self._judged = {key: each for key, each in self._judged.items() if key in used}
        for form in self._state.forms.values():
            if isinstance(form, Form):
                self._literals.update(_literals(form))

    # --- publishing ---

    def _publish_new(self) -> bool:
        """Publishes every good file with new content, unless its web_key is another form's; whether there was one."""
        self._must_publish = False
        claimed = dict(self._state.by_web_key)
        new = [name for name, file in self._folder.files.items() if self._can_publish(name, file, claimed)]
        return bool(new) and self._publish(new)

    def _publish(self, names: Sequence[str]) -> bool:
        """In one transaction; where that fails each in its own, so that one that cannot be stored stops no other."""
        done: list[str] = []
        try:
            self._store.publish_files(self._as_read(names, done))
        except StoreError:
            if len(names) > 1:
                alone = [self._publish([name]) for name in names]
                return any(alone)
            self._must_publish = True
            log.warning("a form version could not be stored", extra={"form": names[0]})
            return False
        for name in done:
            self._said.pop(name, None)
            log.info("form published", extra={"form": name, "version": self._folder.files[name].version})
        return bool(done)

    def _as_read(self, names: Sequence[str], done: list[str]) -> Iterator[tuple[str, str, str]]:
        """Looked at once more in the transaction: a newer content must not be followed by this one."""
        for name in names:
            file = self._folder.files[name]
            if self._folder.is_as_read(name):
                done.append(name)
                yield name, file.version, file.text
            else:
                self._must_publish = True

    def _can_publish(self, name: str, file: FormFile, claimed: dict[str, str]) -> bool:
        try:
            if self._is_known(name, file.version):
                return False
        except StoreError:
            self._must_publish = True
            return False
        form = self._judge(name, file.version, file.text).form
        if isinstance(form, Broken):
            return False
        if form.web_key and claimed.setdefault(form.web_key, name) != name:
            self._say(name, str(_taken(self._folder.path(name), file.text, claimed[form.web_key])))
            return False
        return True

    def _is_known(self, name: str, version: str) -> bool:
        """Whether the store has this content already, be it the newest or not."""
        newest = self._published.get(name)
        if newest and newest.version == version:
            return True
        if newest is None and not self._store_is_away:  # what is just being stored may be stored again
            return False
        if (name, version) not in self._known:
            if self._store.find_version(name, version) is None:
                return False
            self._known.add((name, version))
            self._say(name, "its content was published before; to publish it again, change anything in it")
        return True

    # --- what the console publishes ---

    def check(self, name: str, text: str) -> tuple[Form | None, list[Problem]]:
        """A content as it would be if it were published now: the form, and its problems, warnings among them."""
        self._look_if_due()
        path = str(self._folder.path(name))
        try:
            form, found = load(name, text, path, self._around)
        except FormFileError as error:
            return None, sorted([*error.problems, *error.warnings])
        holder = self._state.by_web_key.get(form.web_key or "", name)
        if holder != name:
            return None, sorted([*found, _taken(self._folder.path(name), text, holder)])
        return form, found

    def newest(self, name: str) -> PublishedForm | None:
        """What was last published of a form, as the store has it now."""
        self._look()
        return self._published.get(name)

    def file_text(self, name: str) -> str | None:
        """What stands in a form's file, right or not."""
        file = self._folder.files.get(name)
        return file.text if file else None

    def take_up(self, name: str) -> bool:
        """Serves what this process has just published, and writes its file; whether the file says the same now."""
        self._look()
        published, file = self._published.get(name), self._folder.files.get(name)
        if published is None or published.is_archived:
            return file is None
        if file is None:
            return self._folder.write(name, published.content)
        return file.version == published.version

    def _bring_files_up(self) -> None:
        """What the console published goes into the folder, unless its file was changed since: that is somebody's work.

        So each machine's file follows, and one whose process died between the store and the file.
        """
        written = False
        for name, file in self._folder.files.items():
            published = self._published.get(name)
            if published is None or published.origin == "file" or published.version == file.version:
                continue
            if self._folder.changed_at(name) < published.at and self._may_be_replaced(name, file.version):
                done = self._folder.remove(name) if published.is_archived else self._write(published)
                written = written or done
        if written:
            self._folder.look()

    def _may_be_replaced(self, name: str, version: str) -> bool:
        """Only what the store has too, and only as it was read."""
        try:
            known = self._store.find_version(name, version)
        except StoreError:
            return False
        return known is not None and self._folder.is_as_read(name)

    def _write(self, published: PublishedForm) -> bool:
        done = self._folder.write(published.form, published.content)
        if not done:
            self._say(published.form, "was published in the console, and the folder cannot be written")
        return done

    # --- what was ---

    def _load_stored(self, name: str, version: str) -> Form:
        found = self._store.find_version(name, version)
        if found is None:
            raise LookupError(f"{name} has no version {version}")
        form, _ = load(name, found.content, str(self._folder.path(name)), self._around)
        for masked, value in _literals(form).items():
            self._literals.setdefault(masked, value)  # today's goes before that of the past
        return form


def _literals(form: Form) -> dict[str, str]:
    """The credentials that stand in the form file itself, by the names under which they are shown."""
    texts = [text for each in form.destinations for text in (each.url, *each.settings.values())]
    parts = [part for text in texts if isinstance(text, Template) for part in text.parts]
    return {part.name: part.literal for part in parts if isinstance(part, Secret) and part.literal}


def _taken(path: Path, text: str, holder: str) -> Problem:
    """The problem of a form with a web_key that another one has."""
    line = next((i for i, each in enumerate(text.splitlines(), 1) if re.match(r"""["']?web_key["']?\s*:""", each)), 1)
    return Problem(str(path), line, "web_key", f"is the web_key of {holder} too; give each form one of its own")


# --- checking ---


def check_folder(folder: Path, around: Surroundings) -> list[Problem]:
    """Every problem of every form file of a folder, or of one file."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else [folder]
    found: list[Problem] = []
    by_web_key: dict[str, list[Path]] = {}
    for path in paths:
        if folder.is_dir() and not _is_for_us(path):
            continue
        found += _check_name(path)
        problems, web_key = _check_file(path, around)
        found += problems
        if web_key:
            by_web_key.setdefault(web_key, []).append(path)
    for sharers in by_web_key.values():
        found += [_taken(path, read_text(path), other.stem) for path, other in _others(sharers)]
    return found


def _others(sharers: list[Path]) -> Iterator[tuple[Path, Path]]:
    """Each of several with the first of the others."""
    for path in sharers if len(sharers) > 1 else ():
        yield path, next(other for other in sharers if other != path)


def _is_for_us(path: Path) -> bool:
    """Hidden files are editors' own."""
    return path.suffix.lower() in {SUFFIX, ".yml"} and not path.name.startswith(".") and path.is_file()


def _check_name(path: Path) -> list[Problem]:
    right = re.sub(r"[^a-z0-9]+", "-", path.stem.lower()).strip("-") or "form"
    if path.suffix != SUFFIX:
        what = f"is not read, because only {SUFFIX} files are; rename it to {right}{SUFFIX}"
        return [Problem(str(path), 1, "file", what, warning=True)]
    if not is_form_name(path.stem):
        what = f"cannot be served at /f/{path.stem}; use only a to z, 0 to 9, - and _, as in {right}{SUFFIX}"
        return [Problem(str(path), 1, "file", what)]
    return []


def _check_file(path: Path, around: Surroundings) -> tuple[list[Problem], str | None]:
    try:
        form, warnings = load(path.stem, read_text(path), str(path), around)
    except FormFileError as error:
        return sorted([*error.problems, *error.warnings]), error.web_key
    return warnings, form.web_key
