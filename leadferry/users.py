"""The people of the console: who they are, what they may do, and what they did."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, Row, delete, func, insert, select, update

from leadferry.languages import Sentence, sentence
from leadferry.models import audit as audit_table
from leadferry.models import console_token, console_user
from leadferry.store import Store, StoreError

ROLES = ("viewer", "editor", "operator")
"""Each may do all that those before it may."""

ROLE_LABELS: Mapping[str, Sentence] = {
    "viewer": sentence("viewer"),
    "editor": sentence("editor"),
    "operator": sentence("operator"),
}

LEAST_PASSWORD = 10
LONGEST_PASSWORD = 200
LONGEST_NAME = 80
INVITATION_SECONDS = 86_400.0

_HASHER = PasswordHasher()


class UserError(Exception):
    """What was asked cannot be done; ``sentence`` is for the person who asked."""

    def __init__(self, sentence: Sentence) -> None:
        super().__init__(str(sentence))
        self.sentence = sentence


@dataclass(frozen=True)
class User:
    """``epoch`` is part of each session: with the next one all of the user's sessions end."""

    id: int
    name: str
    role: str
    active: bool
    epoch: int
    created_at: float

    def may(self, role: str) -> bool:
        return role in ROLES[: ROLES.index(self.role) + 1]


@dataclass(frozen=True)
class Invitation:
    """A one-time link: for the first user without a name, later for a named one to choose a password."""

    name: str | None
    role: str
    expires_at: float


@dataclass(frozen=True)
class Deed:
    """One line of the audit list."""

    id: int
    at: float
    user: str
    action: Sentence
    object: str
    details: Mapping[str, Any]


# --- who ---


def is_ready(store: Store) -> bool:
    """Whether the schema has the console's tables: the version before has not."""
    try:
        with store.read() as connection:
            connection.execute(select(console_user.c.id).limit(1))
    except StoreError:
        return False
    return True


def everyone(store: Store) -> list[User]:
    with store.read() as connection:
        return [_user(row) for row in connection.execute(select(console_user).order_by(console_user.c.name))]


def find(store: Store, user_id: int) -> User | None:
    with store.read() as connection:
        row = connection.execute(select(console_user).where(console_user.c.id == user_id)).first()
    return _user(row) if row else None


def find_by_name(store: Store, name: str) -> User | None:
    with store.read() as connection:
        row = _row(connection, name)
    return _user(row) if row else None


def log_in(store: Store, name: str, password: str) -> User | None:
    """The user, if the password is theirs and they may still come in. Takes as long for a name that nobody has."""
    with store.read() as connection:
        row = _row(connection, name)
    right = _matches(row.password if row else _nobodys_hash(), password)
    return _user(row) if row and row.active and right else None


def add(store: Store, name: str, role: str, password: str) -> User:
    """Raises UserError: the name is taken or not usable, the password too short."""
    hashed = _hashed(password)
    with store.write() as connection:
        return _add(connection, name, role, hashed)


def set_password(store: Store, name: str, password: str) -> None:
    """A new password ends all sessions that the old one began."""
    _change(store, name, password=_hashed(password), epoch=console_user.c.epoch + 1)


def set_role(store: Store, name: str, role: str) -> None:
    """Raises UserError: it would leave nobody who may do everything."""
    _check_role(role)
    with store.write() as connection:
        _keep_an_operator(store, connection, name, losing=role != "operator")
        _update(connection, name, role=role)


def disable(store: Store, name: str) -> None:
    """Raises UserError: it would leave nobody who may do everything."""
    with store.write() as connection:
        _keep_an_operator(store, connection, name, losing=True)
        _update(connection, name, active=False, epoch=console_user.c.epoch + 1)


def enable(store: Store, name: str) -> None:
    _change(store, name, active=True)


def sign_out_everywhere(store: Store, name: str) -> None:
    _change(store, name, epoch=console_user.c.epoch + 1)


def _add(connection: Connection, name: str, role: str, hashed: str) -> User:
    name = " ".join(name.split())
    if not is_name(name):
        raise UserError(sentence("A name has 1 to {most} characters, and no slash.").of(most=LONGEST_NAME))
    _check_role(role)
    if _row(connection, name):
        raise UserError(sentence("There is a user called {name} already.").of(name=name))
    row = {
        "name": name,
        "folded": name.casefold(),
        "role": role,
        "password": hashed,
        "active": True,
        "epoch": 0,
        "created_at": time.time(),
    }
    return _user(connection.execute(insert(console_user).values(row).returning(console_user)).one())


def is_name(name: str) -> bool:
    return 0 < len(name) <= LONGEST_NAME and name.isprintable() and not set("/\\") & set(name) and name.strip(".") != ""


def _check_role(role: str) -> None:
    if role not in ROLES:
        *others, last = ROLE_LABELS.values()
        several = reduce(lambda one, other: sentence("{one}, {other}").of(one=one, other=other), others)
        raise UserError(
            sentence("{role} is no role; write {several} or {last}.").of(role=repr(role), several=several, last=last)
        )


def _change(store: Store, name: str, **values: Any) -> None:
    with store.write() as connection:
        _update(connection, name, **values)


def _update(connection: Connection, name: str, **values: Any) -> None:
    changed = connection.execute(
        update(console_user).where(_is(name)).values(values).returning(console_user.c.id)
    ).first()
    if changed is None:
        raise UserError(sentence("There is no user called {name}.").of(name=name))


def _keep_an_operator(store: Store, connection: Connection, name: str, *, losing: bool) -> None:
    store.one_at_a_time(connection, "operators")  # or two could take each other's place away
    others = select(func.count()).where(console_user.c.role == "operator", console_user.c.active, ~_is(name))
    if losing and not connection.execute(others).scalar_one():
        row = _row(connection, name)
        if row and row.role == "operator" and row.active:
            raise UserError(sentence("{name} is the only operator left; make another one first.").of(name=name))


def _is(name: str) -> Any:
    return console_user.c.folded == " ".join(name.split()).casefold()


def _row(connection: Connection, name: str) -> Row[Any] | None:
    return connection.execute(select(console_user).where(_is(name))).first()


def _user(row: Row[Any]) -> User:
    return User(row.id, row.name, row.role, row.active, row.epoch, row.created_at)


def _hashed(password: str) -> str:
    if not LEAST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise UserError(
            sentence("A password has {least} to {most} characters.").of(least=LEAST_PASSWORD, most=LONGEST_PASSWORD)
        )
    return _HASHER.hash(password)


def _matches(hashed: str, password: str) -> bool:
    if len(password) > LONGEST_PASSWORD:
        password = ""
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False


@lru_cache(maxsize=1)
def _nobodys_hash() -> str:
    return _HASHER.hash(secrets.token_urlsafe(16))


# --- one-time links ---


def needs_first(store: Store) -> bool:
    """Whether the console has no user at all yet."""
    return is_ready(store) and not everyone(store)


def invite(store: Store, role: str = "operator", name: str | None = None) -> str:
    """A token, valid for a day, with which a person chooses a password; without a name, the first user's."""
    token = secrets.token_urlsafe(24)
    now = time.time()
    row = {"digest": _digest(token), "name": name, "role": role, "expires_at": now + INVITATION_SECONDS}
    with store.write() as connection:
        connection.execute(delete(console_token).where(console_token.c.expires_at < now))
        connection.execute(insert(console_token).values(row))
    return token


def link(token: str, public_url: str | None, otherwise: str = "http://127.0.0.1:8000") -> str:
    """The address with a token in it; ``otherwise`` is where the server listens, if nothing says what visitors use."""
    return f"{public_url or otherwise}/console/welcome/{token}"


def invitation(store: Store, token: str) -> Invitation | None:
    """What a token is good for; None once it is used, too old, or the first user's when there is one."""
    with store.read() as connection:
        return _invitation(connection, token)


def redeem(store: Store, token: str, name: str, password: str) -> User:
    """Makes the invited user, or gives the one of that name a new password; the link is used up.

    Raises:
        UserError: the link is not good any more, or the name or the password is not.
    """
    hashed = _hashed(password)
    with store.write() as connection:
        store.one_at_a_time(connection, "redeem")
        found = _invitation(connection, token)
        if found is None:
            raise UserError(sentence("This link is used up or too old."))
        connection.execute(delete(console_token).where(console_token.c.digest == _digest(token)))
        if found.name is None or _row(connection, found.name) is None:
            return _add(connection, found.name or name, found.role, hashed)
        _update(connection, found.name, password=hashed, epoch=console_user.c.epoch + 1)
        row = _row(connection, found.name)
    if row is None or not row.active:
        raise UserError(sentence("This user is switched off."))
    return _user(row)


def _invitation(connection: Connection, token: str) -> Invitation | None:
    row = connection.execute(select(console_token).where(console_token.c.digest == _digest(token))).first()
    if row is None or row.expires_at < time.time():
        return None
    if row.name is None and connection.execute(select(console_user.c.id).limit(1)).first():
        return None
    return Invitation(row.name, row.role, row.expires_at)


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode("utf-8", "replace")).hexdigest()


# --- what they did ---


def audit(
    store: Store, user: str, action: Sentence, object_: str = "", details: Mapping[str, Any] | None = None
) -> None:
    """Notes a change: who, what, to what. ``action`` is kept in English, to be told in the language of who reads it;
    ``details`` is plain JSON without anybody's personal data or secrets.
    """
    row = {"at": time.time(), "user": user, "action": str(action), "object": object_, "details": dict(details or {})}
    with store.write() as connection:
        connection.execute(insert(audit_table).values(row))


def deeds(store: Store, limit: int = 50, before: int | None = None, object_: str | None = None) -> Sequence[Deed]:
    """The audit list, newest first; ``before`` is an id."""
    columns = audit_table.c
    query = select(audit_table).order_by(columns.id.desc()).limit(limit)
    if before is not None:
        query = query.where(columns.id < before)
    if object_ is not None:
        query = query.where(columns.object == object_)
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [Deed(row.id, row.at, row.user, Sentence(row.action), row.object, row.details) for row in rows]
