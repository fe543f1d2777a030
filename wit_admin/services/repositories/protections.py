"""Protected refs of a repository: added, listed, removed; ``ref_permissions`` applies them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries import protections, repositories
from wit_admin.db.queries.protections import NewProtection, Protection
from wit_admin.errors import InvalidInputError, NotFoundError
from wit_admin.git.refs.pattern import RefPattern
from wit_admin.names import RepoName, TeamName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_repository_id, get_team, get_user

_MAX_BLOB_BYTES = 2**63 - 1
_CHECK = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,99}", re.ASCII)


@dataclass(frozen=True, slots=True)
class ProtectionOrder:
    """The rules for the refs that a pattern matches."""

    pattern: str
    permission: Permission = Permission.WRITE
    """The lowest permission that may push."""
    allow_force: bool = False
    allow_delete: bool = False
    pushers: Sequence[str] = ()
    """Users, and teams as ``organization/team``, who alone may push; empty for no limit."""
    max_blob_bytes: int | None = None
    check: str | None = None
    """The name of a program in the operator's folder of checks."""


def add_protection(
    sessions: sessionmaker[Session],
    repository: RepoName,
    order: ProtectionOrder,
    *,
    by: Origin = SYSTEM,
) -> Protection:
    """Protect refs; this replaces the earlier rules of the same pattern.

    Raises:
        InvalidInputError: The pattern can match no ref, the name of a check or team is invalid, the
            permission does not allow pushes at all, or the size is too large for a row.
        NotFoundError: There is no such repository, user or team.
    """
    pattern = RefPattern.parse(order.pattern).text
    if order.check is not None and not _CHECK.fullmatch(order.check):
        raise InvalidInputError(
            f"{order.check!r} cannot name a check.", hint="Give the name of a file, without a path."
        )
    if order.permission is Permission.READ:
        raise InvalidInputError(
            "Read permission is not enough to push.", hint="Give write or admin."
        )
    if order.max_blob_bytes is not None and order.max_blob_bytes > _MAX_BLOB_BYTES:
        raise InvalidInputError("The largest file is larger than any.", hint="Write 500k or 10m.")
    with sessions.begin() as session:
        repo_id = _hold(session, repository)
        names = [name for name in order.pushers if "/" in name]
        new = NewProtection(
            pattern,
            order.permission,
            order.allow_force,
            order.allow_delete,
            limits_pushers=bool(order.pushers),
            max_blob_bytes=order.max_blob_bytes,
            check_name=order.check,
            user_ids=[get_user(session, name).id for name in order.pushers if "/" not in name],
            team_ids=[get_team(session, TeamName.parse(name)).id for name in names],
        )
        before = protections.find_protection(session, repo_id, pattern)
        protections.set_protection(session, repo_id, new, now=utc_now())
        made = protections.find_protection(session, repo_id, pattern)
        assert made is not None  # noqa: S101  it was set a line above
        if made != before:
            was = None if before is None else _fields(before)
            name, fields = str(repository), _fields(made)
            event = Event("protection.set", "repository", repo_id, name, was, fields)
            record(session, event, by=by)
    return made


def list_protections(sessions: sessionmaker[Session], repository: RepoName) -> list[Protection]:
    """Return the protections of a repository's refs, sorted by pattern.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        repo_id = get_repository_id(session, repository)
        return protections.list_protections(session, repo_id)


def remove_protection(
    sessions: sessionmaker[Session], repository: RepoName, pattern: str, *, by: Origin = SYSTEM
) -> Protection:
    """Remove the protection with this pattern, and return it.

    Raises:
        InvalidInputError: The pattern can match no ref.
        NotFoundError: There is no such repository, or it has no protection with this pattern.
    """
    text = RefPattern.parse(pattern).text
    with sessions.begin() as session:
        repo_id = _hold(session, repository)
        before = protections.find_protection(session, repo_id, text)
        if before is None or not protections.remove_protection(session, repo_id, text):
            raise NotFoundError(
                f"{repository} has no protection {text}.",
                hint=f"See 'wit-admin protect list {repository}'.",
            )
        event = Event(
            "protection.remove",
            "repository",
            repo_id,
            str(repository),
            before=_fields(before),
        )
        record(session, event, by=by)
    return before


def _hold(session: Session, repository: RepoName) -> uuid.UUID:
    """Lock a repository and return its id, so that no other transaction changes protections."""
    repo_id = get_repository_id(session, repository)
    repositories.lock_repository(session, repo_id)
    return repo_id


def _fields(protection: Protection) -> dict[str, object]:
    fields = {
        "pattern": protection.pattern,
        "permission": protection.push_permission,
        "allow_force": protection.allow_force,
        "allow_delete": protection.allow_delete,
        "pushers": list(protection.pushers) if protection.limits_pushers else None,
        "max_blob_bytes": protection.max_blob_bytes,
        "check": protection.check_name,
    }
    # As one value, because the trail leaves out values that did not change.
    return {"protection": fields}
