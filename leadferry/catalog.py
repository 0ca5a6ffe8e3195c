"""The forms that are served: the folder watched, the store's newest versions, the last good one kept."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from leadferry.config import Settings
from leadferry.form_file import FormFileError, Problem, Surroundings, load, version_of
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


@dataclass(frozen=True)
class _Seen:
    """A file as last looked at: its stamp tells whether to look again."""

    stamp: tuple[int, int, int]
    text: str


@dataclass
class _State:
    """What is served now; replaced as a whole."""

    forms: Mapping[str, Form | Broken] = field(default_factory=dict)
    by_web_key: Mapping[str, str] = field(default_factory=dict)


class Catalog:
    """Finds forms by name and by web_key, always as they stand now."""

    def __init__(self, settings: Settings, store: Store, adapters: Mapping[str, Adapter]) -> None:
        self._settings = settings
        self._store = store
        self._around = Surroundings(adapters, settings.secret)
        self._seen: dict[str, _Seen] = {}
        self._served: dict[str, Form] = {}
        self._published: dict[str, PublishedForm] = {}
        self._last_number = -1
        self._judged: dict[str, str] = {}
        self._complaints: dict[str, str] = {}
        self._state = _State()
        self._looked_at = 0.0
        self._lock = threading.Lock()
        self._load_version = lru_cache(maxsize=512)(self._load_stored)

    def get(self, name: str) -> Form | Broken | None:
        self._look(name)
        return self._state.forms.get(name)

    def by_web_key(self, web_key: str) -> Form | Broken | None:
        self._look()
        name = self._state.by_web_key.get(web_key)
        return self._state.forms.get(name) if name else None

    def all(self) -> Mapping[str, Form | Broken]:
        self._look()
        return self._state.forms

    def version(self, name: str, version: str) -> Form | None:
        """A form as it was in one version; None where that cannot be read any more."""
        current = self._state.forms.get(name)
        if isinstance(current, Form) and current.version == version:
            return current
        return self._load_version(name, version)

    def destination(self, name: str, version: str, destination: str, vendor: str) -> Destination | None:
        """Where a lead's delivery goes: as the form says today, or said then if it has gone over to another vendor."""
        current = self._state.forms.get(name)
        for form in (current if isinstance(current, Form) else None, self.version(name, version)):
            for each in form.destinations if form else ():
                if each.name == destination and each.adapter == vendor:
                    return each
        return None

    def secret(self, name: str) -> str | None:
        """The value of a secret that a destination names: from the environment, or from the form file itself."""
        return self._settings.secret(name) or self._literal(name)

    def _literal(self, name: str) -> str | None:
        form_name, _, rest = name.partition(".")
        form = self._state.forms.get(form_name)
        destination_name, _, key = rest.partition(".")
        for each in form.destinations if isinstance(form, Form) else ():
            value = each.settings.get(key)
            if each.name == destination_name and isinstance(value, Template):
                return next((part.literal for part in value.parts if isinstance(part, Secret)), None)
        return None

    # --- looking ---

    def _look(self, name: str | None = None) -> None:
        """Looks at one file at each request for it, and at everything once a second."""
        now = time.monotonic()
        due = now - self._looked_at > SECONDS_BETWEEN_LOOKS
        if not due and (name is None or not self._changed(name)):
            return
        if due and self._looked_at and self._lock.locked():
            return  # somebody is looking; what is served is at most a second old
        with self._lock:
            self._refresh()
            self._looked_at = time.monotonic()

    def _path(self, name: str) -> Path:
        return self._settings.forms_dir / f"{name}.yaml"

    def _changed(self, name: str) -> bool:
        seen = self._seen.get(name)
        if seen is None:
            return False
        return _stamp(self._path(name)) != seen.stamp

    def _refresh(self) -> None:
        files = self._read_folder()
        self._read_store()
        self._publish_new(files)
        forms: dict[str, Form | Broken] = {}
        web_keys: dict[str, str] = {}
        for name in sorted(files.keys() | self._console_forms(), key=lambda each: (each not in self._served, each)):
            form = self._form(name, files.get(name))
            if isinstance(form, Form) and form.web_key:
                holder = web_keys.setdefault(form.web_key, name)
                if holder != name:
                    form = Broken(
                        name, (_same_web_key(str(self._path(name)), files.get(name, ""), form.web_key, holder),)
                    )
            forms[name] = form
            if isinstance(form, Form):
                self._served[name] = form
        self._state = _State(forms, web_keys)

    def _read_folder(self) -> dict[str, str]:
        """The text of every form file; a file is read again only when its stamp changed."""
        found = {}
        folder = self._settings.forms_dir
        for path in sorted(folder.glob("*.yaml")) if folder.is_dir() else ():
            stamp = _stamp(path)
            seen = self._seen.get(path.stem)
            if seen is None or seen.stamp != stamp:
                seen = _Seen(stamp, _read(path))
                self._seen[path.stem] = seen
            found[path.stem] = seen.text
        for gone in self._seen.keys() - found.keys():
            del self._seen[gone]
            self._served.pop(gone, None)
        return found

    def _read_store(self) -> None:
        try:
            number = self._store.last_version_number()
            if number != self._last_number:
                self._published = {each.form: each for each in self._store.newest_versions()}
                self._last_number = number
        except StoreError:
            log.warning("the store cannot be read; forms are served as last known")

    def _console_forms(self) -> set[str]:
        return {name for name, each in self._published.items() if each.origin == "console"}

    def _publish_new(self, files: Mapping[str, str]) -> None:
        """A file with content that the store does not know is a new version, if it is a good one."""
        published = False
        for name, text in files.items():
            version = version_of(text)
            if self._judged.get(name) == version:
                continue
            try:
                load(name, text, str(self._path(name)), self._around)
                if self._store.find_version(name, version) is None:
                    self._store.publish(name, version, text, "file")
                    published = True
                self._judged[name] = version
            except FormFileError:
                continue  # looked at again: a secret that it names may come from a file
            except StoreError:
                log.warning("a new form version could not be stored", extra={"form": name})
        if published:
            self._read_store()

    def _form(self, name: str, text: str | None) -> Form | Broken:
        """The newest published version; the file's own mistakes only where nothing good was ever published."""
        published = self._published.get(name)
        content = published.content if published else text or ""
        served = self._served.get(name)
        if served and served.version == version_of(content):
            return served
        try:
            form, _ = load(name, content, str(self._path(name)), self._around)
        except FormFileError as error:
            if served:
                return served
            self._complain(name, str(error.problems[0]))
            return Broken(name, tuple(error.problems))
        self._complaints.pop(name, None)
        return form

    def _complain(self, name: str, problem: str) -> None:
        if self._complaints.get(name) != problem:
            self._complaints[name] = problem
            log.warning("form cannot be served", extra={"form": name, "problem": problem})

    def _load_stored(self, name: str, version: str) -> Form | None:
        found = self._store.find_version(name, version)
        if found is None:
            return None
        try:
            return load(name, found.content, str(self._path(name)), self._around)[0]
        except FormFileError:
            return None


def _stamp(path: Path) -> tuple[int, int, int]:
    try:
        status = path.stat()
    except OSError:
        return (0, 0, 0)
    return (status.st_mtime_ns, status.st_size, status.st_ino)


def _read(path: Path) -> str:
    """A file that is not UTF-8 is read with marks in place of what is damaged, so that the check can name it."""
    try:
        return path.read_bytes().decode("utf-8-sig", "replace")
    except OSError:
        return ""


def _same_web_key(path: str, text: str, web_key: str, holder: str) -> Problem:
    line = next((i for i, each in enumerate(text.splitlines(), 1) if each.startswith("web_key:")), 1)
    return Problem(path, line, "web_key", f"{web_key!r} is the web_key of {holder} too; give each form its own")


def check_folder(folder: Path, around: Surroundings) -> list[Problem]:
    """Every problem of every form file of a folder, or of one file."""
    paths = sorted(folder.glob("*.yaml")) if folder.is_dir() else [folder]
    found: list[Problem] = []
    holders: dict[str, str] = {}
    for path in paths:
        text = _read(path)
        try:
            form, warnings = load(path.stem, text, str(path), around)
        except FormFileError as error:
            found.extend(error.problems)
            continue
        found.extend(warnings)
        if form.web_key:
            holder = holders.setdefault(form.web_key, form.name)
            if holder != form.name:
                found.append(_same_web_key(str(path), text, form.web_key, holder))
    return found
