"""Settings: the one reader of the environment."""

from __future__ import annotations

import os
import re
import secrets
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values

from leadferry.redirects import web_address

KEPT_BACK = frozenset({"SECRET_KEY", "DATABASE_URL", "RATELIMIT_STORAGE_URI", "SENSITIVE_KEY", "SMTP_URL"})
"""The server's own secrets, which no form file may name: whoever writes one could have them sent anywhere."""

LEAST_SECRET = 16
"""Characters of the keys that sign tokens and seal answers."""


class SettingsError(Exception):
    """A setting that is wrong or missing; the message is one line that names it and says how to mend it."""


@dataclass(frozen=True)
class Settings:
    """What the environment says, checked. Secrets of form files are looked up by name and never listed.

    ``post_limit`` is (posts, seconds), or None for no limit. ``root`` is where relative paths start.
    """

    root: Path
    secret_key: str = field(repr=False)
    database_url: str = field(repr=False)
    forms_dir: Path
    public_url: str | None = None
    trusted_proxies: int = 0
    delivery: Literal["embedded", "off"] = "embedded"
    allow_private_vendors: bool = False
    console: bool = True
    given_sensitive_key: str | None = field(default=None, repr=False)
    country_header: str | None = None
    post_limit: tuple[int, int] | None = (60, 60)
    ratelimit_storage_uri: str = field(default="memory://", repr=False)
    alert_webhook_url: str | None = field(default=None, repr=False)
    alert_email: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def sensitive_key(self) -> str:
        """What sensitive answers are sealed with; made and kept in `var` when it is first asked for.

        Raises:
            SettingsError: none is set, and none can be kept.
        """
        return self.given_sensitive_key or _kept_secret("SENSITIVE_KEY", self.root)

    def secret(self, name: str) -> str | None:
        """The value of ``NAME``, or of the file that ``NAME_FILE`` points to; None where there is neither."""
        if name in KEPT_BACK:
            return None
        try:
            return _Environment(self.environ, self.root).read(name)
        except SettingsError:  # the file may appear later
            return None


def load(environ: Mapping[str, str] | None = None, root: Path | None = None) -> Settings:
    """Reads the settings from ``environ`` over the `.env` file in ``root``.

    Raises:
        SettingsError: a setting is wrong.
    """
    root = root or Path.cwd()
    env = _Environment(_layered(os.environ if environ is None else environ, _env_file(root)), root)
    return Settings(
        root=root,
        secret_key=_long_secret(env, "SECRET_KEY") or _kept_secret("SECRET_KEY", root),
        database_url=_database_url(env),
        forms_dir=_forms_dir(env),
        public_url=_public_url(env),
        trusted_proxies=_trusted_proxies(env),
        delivery="off" if _one_of(env, "DELIVERY", ("embedded", "off")) == "off" else "embedded",
        allow_private_vendors=_one_of(env, "ALLOW_PRIVATE_VENDORS", ("0", "1")) == "1",
        console=_one_of(env, "CONSOLE", ("on", "off")) == "on",
        given_sensitive_key=_long_secret(env, "SENSITIVE_KEY"),
        country_header=_country_header(env),
        post_limit=_post_limit(env),
        ratelimit_storage_uri=_ratelimit_storage_uri(env),
        alert_webhook_url=_alert_webhook_url(env),
        alert_email=_alert_email(env),
        smtp_url=_smtp_url(env),
        environ=env.values,
    )


# --- where a value comes from ---


@dataclass(frozen=True)
class _Environment:
    values: Mapping[str, str]
    root: Path

    def read(self, name: str) -> str | None:
        """Without the white space around it; None where it is not set, or set to nothing."""
        value = self.values.get(name, "").strip()
        path = self.values.get(f"{name}_FILE", "").strip()
        if value or not path:
            return value or None
        try:
            return (self.root / path).read_text("utf-8").strip() or None
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or "it is not UTF-8 text"
            message = f"{name}_FILE: {path} cannot be read ({why}); point it at a readable text file"
            raise SettingsError(message) from None


def _env_file(root: Path) -> dict[str, str]:
    path = root / ".env"
    try:
        return {name: value for name, value in dotenv_values(path).items() if value is not None}
    except (OSError, UnicodeDecodeError):
        raise SettingsError(f".env: {path} cannot be read; save it as UTF-8 text") from None


def _layered(environ: Mapping[str, str], file: Mapping[str, str]) -> dict[str, str]:
    """What the environment says goes before the file, so that a NAME_FILE there goes before a NAME in the file.

    `flask` puts the whole file into the environment before we are asked: what says the same as the file counts as
    said by the file.
    """
    by_file = {name.removesuffix("_FILE") for name, value in environ.items() if name.endswith("_FILE") and value}
    hidden = {name for name in by_file if environ.get(name) in {None, file.get(name)}}
    return {name: value for name, value in {**file, **environ}.items() if name not in hidden}


# --- the settings ---


def _long_secret(env: _Environment, name: str) -> str | None:
    given = env.read(name)
    if given is not None and len(given) < LEAST_SECRET:
        raise SettingsError(
            f"{name}: shorter than {LEAST_SECRET} characters; use a long random text, the same on every machine"
        )
    return given


def _kept_secret(name: str, root: Path) -> str:
    path = root / "var" / name.lower()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            _make_secret(path)
        kept = path.read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}: none is set, and {path} cannot be kept ({error}); set one") from None
    if len(kept) < LEAST_SECRET:
        raise SettingsError(f"{name}: {path} is damaged; remove it, or set {name}")
    return kept


def _make_secret(path: Path) -> None:
    """By whichever process comes first. The link makes it appear whole or not at all."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    draft.touch(mode=0o600)
    try:
        draft.write_text(secrets.token_urlsafe(48), "utf-8")
        path.hardlink_to(draft)
    except FileExistsError:
        pass
    finally:
        draft.unlink()


def _database_url(env: _Environment) -> str:
    text = env.read("DATABASE_URL") or "sqlite:///var/leadferry.db"
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator:
        path = rest.removeprefix("/")
        if not path or path.startswith(":memory:"):
            raise SettingsError("DATABASE_URL: leads must be kept in a file; write sqlite:///var/leadferry.db")
        if (env.root / path).is_dir():
            raise SettingsError(f"DATABASE_URL: {env.root / path} is a folder; name a file, which is made if need be")
        return f"sqlite:///{env.root / path}"
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"} and rest and _port_is_right(rest):
        return f"postgresql+psycopg://{rest}"
    raise SettingsError("DATABASE_URL: write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")


def _port_is_right(rest: str) -> bool:
    host = rest.rpartition("@")[2].partition("/")[0].partition("?")[0]
    return re.fullmatch(r"(?:\[[0-9a-fA-F:.]+\]|[^:\s]*)(?::[0-9]{1,5})?", host) is not None


def _forms_dir(env: _Environment) -> Path:
    text = env.read("FORMS_DIR") or "forms"
    path = env.root / text
    if text != "forms" and not path.is_dir():
        raise SettingsError(f"FORMS_DIR: {path} is not a folder; make it, or name the folder with the form files")
    return path


def _public_url(env: _Environment) -> str | None:
    text = env.read("PUBLIC_URL")
    if text and (not _is_web_address(text) or re.search("[?#]", text)):
        raise SettingsError(f"PUBLIC_URL: {text!r} is not a site's address; write it as https://forms.example.com")
    if text and urlsplit(text).path.strip("/"):
        raise SettingsError(
            f"PUBLIC_URL: {text!r} has a path; Leadferry has a host of its own: https://forms.example.com"
        )
    return text.rstrip("/") if text else None


def _is_web_address(text: str) -> bool:
    return bool(re.match(r"https?://", text, re.IGNORECASE)) and web_address(text) is not None


def _trusted_proxies(env: _Environment) -> int:
    text = env.read("TRUSTED_PROXIES") or "0"
    if not re.fullmatch(r"[0-9]{1,2}", text, re.ASCII):
        raise SettingsError(f"TRUSTED_PROXIES: {text!r} is not a number of proxies; write 0, 1 or 2")
    return int(text)


def _country_header(env: _Environment) -> str | None:
    text = env.read("COUNTRY_HEADER")
    if text and not re.fullmatch(r"[A-Za-z][A-Za-z0-9\-]{0,99}", text, re.ASCII):
        raise SettingsError(f"COUNTRY_HEADER: {text!r} is not the name of a header; write it as CF-IPCountry")
    if text and _trusted_proxies(env) == 0:
        raise SettingsError("COUNTRY_HEADER: only a proxy's word counts; say in TRUSTED_PROXIES how many there are")
    return text


def _one_of(env: _Environment, name: str, words: tuple[str, str]) -> str:
    """The first of the two words is the default."""
    text = env.read(name) or words[0]
    if text not in words:
        raise SettingsError(f"{name}: {text!r} is neither {words[0]} nor {words[1]}")
    return text


_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def _post_limit(env: _Environment) -> tuple[int, int] | None:
    text = env.read("POST_LIMIT") or "60/minute"
    if text == "0":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})\s*/\s*(second|minute|hour|day)", text, re.ASCII)
    if not match:
        raise SettingsError(f"POST_LIMIT: {text!r} is not a rate; write 60/minute, or 0 for no limit")
    return int(match[1]), _SECONDS[match[2]]


def _ratelimit_storage_uri(env: _Environment) -> str:
    text = env.read("RATELIMIT_STORAGE_URI") or "memory://"
    if not re.fullmatch(r"memory://|rediss?://[^\s/?#]+(?:[/?]\S*)?", text):
        raise SettingsError("RATELIMIT_STORAGE_URI: write memory://, or redis://HOST:6379 for several machines")
    return text


def _alert_webhook_url(env: _Environment) -> str | None:
    text = env.read("ALERT_WEBHOOK_URL")
    if text and not _is_web_address(text):
        raise SettingsError("ALERT_WEBHOOK_URL: is not a web address; write it whole, from https:// on")
    return text


def _alert_email(env: _Environment) -> str | None:
    text = env.read("ALERT_EMAIL")
    if text and not re.fullmatch(r"[^@\s,]+@[^@\s,]+(?:\s*,\s*[^@\s,]+@[^@\s,]+)*", text):
        raise SettingsError(f"ALERT_EMAIL: {text!r} is not an e-mail address; separate several with commas")
    if text and not env.read("SMTP_URL"):
        raise SettingsError("ALERT_EMAIL: nothing can be sent there without SMTP_URL; name a mail server in that")
    return text


def _smtp_url(env: _Environment) -> str | None:
    text = env.read("SMTP_URL")
    try:
        parts = urlsplit(text or "smtp://none")
        is_server = parts.scheme in {"smtp", "smtps"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        is_server = False
    if not is_server:
        raise SettingsError("SMTP_URL: is not a mail server; write smtp://USER:PASSWORD@HOST:587 or smtps://…:465")
    return text


# --- metrics ---


def share_metrics(root: Path | None = None) -> Path:
    """Names the folder in which the processes of a host count together; before the first counter is made."""
    folder = (root or Path.cwd()) / "var" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    return Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder)))


def metrics_folder() -> Path | None:
    """Where this process counts with others; None where it counts by itself."""
    folder = os.environ.get("PROMETHEUS_MULTIPROC_DIR")
    return Path(folder) if folder else None


def count_in_memory() -> None:
    """From now on this process counts by itself, in files that need no disk."""
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="leadferry-", dir="/dev/shm")
