"""The folder of form files: which there are, what stands in them, and which of them changed."""

from __future__ import annotations

import os
import re
import stat
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from leadferry.form_file import version_of

REST = 0.05
"""Seconds for which a file must have been left alone: sooner, whoever writes it may be half way through."""

MAX_BYTES = 1024 * 1024
"""Of a file that are read: more than the largest form file has."""

SUFFIX = ".yaml"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,99}")

Stamp = tuple[int, int, int, int]


def is_form_name(name: str) -> bool:
    """Whether a form can be called so; a file of another name is not served."""
    return _NAME.fullmatch(name) is not None


@dataclass(frozen=True)
class FormFile:
    """A file as last read. Unless it is ``settled``, it may have changed since without a sign."""

    stamp: Stamp
    settled: bool
    text: str
    version: str


class Folder:
    """Reads a file when its stamp changes, and never again until then."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._prefix = f"{path}{os.sep}"
        self._files: Mapping[str, FormFile] = {}
        self._looked = False

    @property
    def files(self) -> Mapping[str, FormFile]:
        """By form name, as of the last look."""
        return self._files

    def path(self, name: str) -> Path:
        return self._path / f"{name}{SUFFIX}"

    def has_changed(self, name: str) -> bool:
        """Whether one file is not as last read: one look at the disk."""
        known = self._files.get(name)
        if known is None:
            return is_form_name(name) and self._stamp(name) is not None
        return not known.settled or self._stamp(name) != known.stamp

    def is_as_read(self, name: str) -> bool:
        known = self._files.get(name)
        return known is not None and self._stamp(name) == known.stamp

    def look(self) -> bool:
        """Reads what changed, and says whether the content of any file did."""
        stamps = dict(self._stamps())
        changed = {name for name, stamp in stamps.items() if not self._is_known(name, stamp)}
        if changed and self._looked:
            _wait_for_rest(max(stamps[name] for name in changed))
        files = {name: self._read(name) if name in changed else self._files[name] for name in stamps}
        found = {name: file for name, file in files.items() if file is not None}
        before, self._files, self._looked = self._files, found, True
        return _versions(found) != _versions(before)

    def changed_at(self, name: str) -> float:
        """When the file as last read was changed, by this machine's clock."""
        return self._files[name].stamp[0] / 1e9

    def write(self, name: str, text: str) -> bool:
        """Puts a whole file in the place of what was there; whether the folder lets itself be written."""
        path = self.path(name)
        new = path.with_name(f".{name}.{os.getpid()}-{threading.get_ident()}")
        try:
            mode = stat.S_IMODE(path.stat().st_mode) if path.exists() else 0o644
            with new.open("wb") as file:
                file.write(text.encode())
                file.flush()
                os.fsync(file.fileno())
            new.chmod(mode)
            new.replace(path)
        except OSError:
            with suppress(OSError):
                new.unlink(missing_ok=True)
            return False
        return True

    def remove(self, name: str) -> bool:
        """Whether the file is gone now."""
        try:
            self.path(name).unlink(missing_ok=True)
        except OSError:
            return False
        return True

    def _is_known(self, name: str, stamp: Stamp) -> bool:
        known = self._files.get(name)
        return known is not None and known.settled and known.stamp == stamp

    def _stamps(self) -> Iterator[tuple[str, Stamp]]:
        try:
            entries = os.listdir(self._path)  # noqa: PTH208  # as below
        except OSError:
            return
        for entry in sorted(entries):
            name = entry.removesuffix(SUFFIX)
            stamp = self._stamp(name) if name != entry and is_form_name(name) else None
            if stamp:
                yield name, stamp

    def _stamp(self, name: str) -> Stamp | None:
        """When it was changed, by the clock that no one sets back, and which file it is; None where there is none."""
        try:
            found = os.stat(f"{self._prefix}{name}{SUFFIX}")  # noqa: PTH116  # at each page view: a Path costs twice
        except OSError:
            return None
        if not stat.S_ISREG(found.st_mode):
            return None
        return found.st_ctime_ns, found.st_mtime_ns, found.st_size, found.st_ino

    def _read(self, name: str) -> FormFile | None:
        """A file that changes while it is read stays as it was, until the next look."""
        before = self._stamp(name)
        text = read_text(self.path(name))
        if before is None or before != self._stamp(name):
            return self._files.get(name)
        return FormFile(before, _age(before) >= REST, text, version_of(text))


def _versions(files: Mapping[str, FormFile]) -> dict[str, str]:
    return {name: file.version for name, file in files.items()}


def read_text(path: Path) -> str:
    """What is not UTF-8 becomes U+FFFD, which no form file may have; a file that cannot be read has nothing else."""
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES).decode("utf-8-sig", "replace")
    except OSError:
        return "\ufffd"


def _age(stamp: Stamp) -> float:
    """Seconds since the last change; much where the clock of the disk goes ahead of ours."""
    age = time.time() - stamp[0] / 1e9
    return age if age >= 0 else REST


def _wait_for_rest(stamp: Stamp) -> None:
    time.sleep(max(0.0, REST - _age(stamp)))
