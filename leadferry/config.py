"""Settings: the one reader of the environment."""

from __future__ import annotations

import os
import re
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

from dotenv import dotenv_values

KEPT_BACK = frozenset({"SECRET_KEY", "DATABASE_URL", "RATELIMIT_STORAGE_URI", "SMTP_URL"})
"""The server's own secrets, which no form file may name: whoever writes one could have them sent anywhere."""


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
    post_limit: tuple[int, int] | None = (60, 60)
    ratelimit_storage_uri: str = field(default="memory://", repr=False)
    alert_webhook_url: str | None = field(default=None, repr=False)
    alert_email: str | None = None
    smtp_url: str | None = field(default=None, repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def secret(self, name: str) -> str | None:
        """The value of ``NAME``, or of the file that ``NAME_FILE`` points to; None where neither is set."""
        return _read(self.environ, name)


def load(environ: Mapping[str, str] | None = None, root: Path | None = None) -> Settings:
    """Reads the settings from ``environ`` over the `.env` file in ``root``.

    Raises:
        SettingsError: a setting is wrong.
    """
    root = root or Path.cwd()
    if environ is None:
        environ = os.environ
    env = {**{k: v for k, v in dotenv_values(root / ".env").items() if v is not None}, **environ}
    return Settings(
        root=root,
        secret_key=_secret_key(env, root),
        database_url=_database_url(env, root),
        forms_dir=root / env.get("FORMS_DIR", "forms"),
        public_url=_optional(env, "PUBLIC_URL", _web_address),
        trusted_proxies=_whole_number(env, "TRUSTED_PROXIES", "0"),
        delivery=_delivery(env),
        allow_private_vendors=_flag(env, "ALLOW_PRIVATE_VENDORS", "0"),
        post_limit=_rate(env, "POST_LIMIT", "60/minute"),
        ratelimit_storage_uri=_read(env, "RATELIMIT_STORAGE_URI") or "memory://",
        alert_webhook_url=_optional(env, "ALERT_WEBHOOK_URL", _web_address),
        alert_email=_optional(env, "ALERT_EMAIL", _email),
        smtp_url=_optional(env, "SMTP_URL", _smtp),
        environ=env,
    )


def share_metrics(root: Path | None = None) -> Path:
    """Names the folder in which the processes of a host count together; before the first counter is made."""
    folder = (root or Path.cwd()) / "var" / "metrics"
    folder.mkdir(parents=True, exist_ok=True)
    return Path(os.environ.setdefault("PROMETHEUS_MULTIPROC_DIR", str(folder)))


def metrics_are_shared() -> bool:
    return "PROMETHEUS_MULTIPROC_DIR" in os.environ


def _read(env: Mapping[str, str], name: str) -> str | None:
    if env.get(name):
        return env[name].strip()
    path = env.get(f"{name}_FILE")
    if not path:
        return None
    try:
        return Path(path).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise SettingsError(f"{name}_FILE: {path} cannot be read ({error}); point it at a readable text file") from None


def _secret_key(env: Mapping[str, str], root: Path) -> str:
    given = _read(env, "SECRET_KEY")
    if given is not None:
        if len(given) < 16:
            raise SettingsError(
                "SECRET_KEY: shorter than 16 characters; use a long random text, the same on every machine"
            )
        return given
    return _kept_secret(root / "var" / "secret_key")


def _kept_secret(path: Path) -> str:
    """Made once by whichever process comes first, then read by all. The link makes it appear whole or not at all."""
    path.parent.mkdir(parents=True, exist_ok=True)
    if not path.exists():
        draft = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_urlsafe(48), "utf-8")
        try:
            path.hardlink_to(draft)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_text("utf-8").strip()


def _database_url(env: Mapping[str, str], root: Path) -> str:
    text = _read(env, "DATABASE_URL") or "sqlite:///var/leadferry.db"
    scheme, separator, rest = text.partition("://")
    if scheme == "sqlite" and separator:
        path = rest.removeprefix("/")
        if not path or path.startswith(":memory:"):
            raise SettingsError("DATABASE_URL: leads must be kept in a file; write sqlite:///var/leadferry.db")
        return f"sqlite:///{root / path}"
    if scheme in {"postgresql", "postgres", "postgresql+psycopg"} and rest:
        return f"postgresql+psycopg://{rest}"
    raise SettingsError("DATABASE_URL: write sqlite:///PATH or postgresql+psycopg://USER:PASSWORD@HOST/NAME")


def _optional(env: Mapping[str, str], name: str, check: Callable[[str, str], str]) -> str | None:
    text = _read(env, name)
    return check(name, text) if text else None


def _web_address(name: str, text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise SettingsError(f"{name}: {text!r} is not a web address; write it whole, such as https://forms.example.com")
    return text.rstrip("/")


def _email(name: str, text: str) -> str:
    if not re.fullmatch(r"[^@\s,]+@[^@\s,]+(\s*,\s*[^@\s,]+@[^@\s,]+)*", text):
        raise SettingsError(f"{name}: {text!r} is not an e-mail address; separate several with commas")
    return text


def _smtp(name: str, text: str) -> str:
    if urlsplit(text).scheme not in {"smtp", "smtps"} or not urlsplit(text).hostname:
        raise SettingsError(f"{name}: not a mail server; write smtp://USER:PASSWORD@HOST:587 or smtps://…:465")
    return text


def _whole_number(env: Mapping[str, str], name: str, default: str) -> int:
    text = env.get(name) or default
    if not (text.isascii() and text.isdigit()):
        raise SettingsError(f"{name}: {text!r} is not a whole number, such as {default}")
    return int(text)


def _flag(env: Mapping[str, str], name: str, default: str) -> bool:
    text = env.get(name) or default
    if text not in {"0", "1"}:
        raise SettingsError(f"{name}: {text!r} is neither 0 nor 1")
    return text == "1"


def _delivery(env: Mapping[str, str]) -> Literal["embedded", "off"]:
    text = env.get("DELIVERY") or "embedded"
    if text == "embedded":
        return "embedded"
    if text == "off":
        return "off"
    raise SettingsError(f"DELIVERY: {text!r} is neither embedded nor off")


_SECONDS = {"second": 1, "minute": 60, "hour": 3600, "day": 86400}


def _rate(env: Mapping[str, str], name: str, default: str) -> tuple[int, int] | None:
    text = env.get(name) or default
    if text == "0":
        return None
    match = re.fullmatch(r"([1-9][0-9]{0,8})\s*/\s*(second|minute|hour|day)", text)
    if not match:
        raise SettingsError(f"{name}: {text!r} is not a rate; write 60/minute, or 0 for no limit")
    return int(match[1]), _SECONDS[match[2]]
