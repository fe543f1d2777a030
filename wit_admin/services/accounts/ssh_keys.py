"""Public keys of accounts: added, listed, removed."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.accounts import SshKey
from wit_admin.db.queries import ssh_keys
from wit_admin.db.queries.ssh_keys import NewSshKey
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.services.accounts.profiles import check_profile
from wit_admin.services.accounts.public_keys import PublicKey, parse_public_key
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_user


@dataclass(frozen=True, slots=True)
class SshKeyRow:
    """One key in a list."""

    id: uuid.UUID
    name: str
    fingerprint: str
    public_key: str
    created_at: datetime
    last_used_at: datetime | None


def add_ssh_key(  # noqa: PLR0913  what a key is called, and that it may be there
    sessions: sessionmaker[Session],
    username: str,
    text: str,
    *,
    name: str | None = None,
    may_exist: bool = False,
    by: Origin = SYSTEM,
) -> SshKeyRow:
    """Add the key of a ``.pub`` file to an account; ``name`` is its comment unless given.

    With ``may_exist`` a key that the account has already is returned unchanged.

    Raises:
        InvalidInputError: The key is not accepted, or its name.
        NotFoundError: There is no such account.
        ConflictError: The key is in use already.
    """
    key = parse_public_key(text)
    title = name or key.comment or key.fingerprint
    check_profile({"name": title})
    try:
        return _add(sessions, username, key, title, by)
    except ConflictError:
        for row in list_ssh_keys(sessions, username):
            if may_exist and row.fingerprint == key.fingerprint:
                return row
        raise


def list_ssh_keys(sessions: sessionmaker[Session], username: str) -> list[SshKeyRow]:
    """Return an account's keys, oldest first.

    Raises:
        NotFoundError: There is no such account.
    """
    with sessions() as session:
        user = get_user(session, username)
        return [_row(key) for key in ssh_keys.list_ssh_keys(session, user.id)]


def remove_ssh_key(
    sessions: sessionmaker[Session],
    username: str,
    key_id: uuid.UUID,
    *,
    by: Origin = SYSTEM,
) -> None:
    """Remove a key from an account.

    Raises:
        NotFoundError: There is no such account, or it has no such key.
    """
    with sessions.begin() as session:
        user = get_user(session, username)
        keys = ssh_keys.list_ssh_keys(session, user.id)
        key = next((key for key in keys if key.id == key_id), None)
        if key is None or not ssh_keys.remove_ssh_key(session, user.id, key_id):
            raise NotFoundError(
                f"{user.name} has no key {key_id}.",
                hint=f"See 'wit-admin ssh-key list {user.name}'.",
            )
        was = {"user": user.name, "fingerprint": key.fingerprint}
        record(session, Event("ssh_key.delete", "ssh_key", key_id, key.name, was), by=by)


def _add(
    sessions: sessionmaker[Session], username: str, key: PublicKey, title: str, by: Origin
) -> SshKeyRow:
    with sessions.begin() as session:
        user = get_user(session, username)
        new = NewSshKey(user.id, title, key.line, key.fingerprint)
        row = _row(ssh_keys.add_ssh_key(session, new, now=utc_now()))
        made = {"user": user.name, "fingerprint": row.fingerprint}
        record(session, Event("ssh_key.create", "ssh_key", row.id, title, after=made), by=by)
        return row


def _row(key: SshKey) -> SshKeyRow:
    return SshKeyRow(
        key.id, key.name, key.fingerprint, key.public_key, key.created_at, key.last_used_at
    )
