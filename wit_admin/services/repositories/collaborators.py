"""Collaborators of a repository: added, listed, removed."""

from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.organizations import Permission
from wit_admin.db.queries import collaborators
from wit_admin.db.queries.collaborators import CollaboratorRow
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_repository_id, get_user


def add_collaborator(
    sessions: sessionmaker[Session],
    repository: RepoName,
    username: str,
    permission: Permission,
    *,
    by: Origin = SYSTEM,
) -> CollaboratorRow:
    """Set the permission of a user on a repository.

    Raises:
        NotFoundError: There is no such repository or account.
    """
    with sessions.begin() as session:
        repo_id = get_repository_id(session, repository)
        user = get_user(session, username)
        old = collaborators.set_collaborator(session, repo_id, user.id, permission, now=utc_now())
        if old is not permission:
            was = None if old is None else {"user": user.name, "permission": old}
            given = {"user": user.name, "permission": permission}
            event = Event("collaborator.set", "repository", repo_id, str(repository), was, given)
            record(session, event, by=by)
        return CollaboratorRow(user.id, user.name, permission)


def list_collaborators(
    sessions: sessionmaker[Session], repository: RepoName
) -> list[CollaboratorRow]:
    """Return a repository's collaborators by name.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        repo_id = get_repository_id(session, repository)
        return collaborators.list_collaborators(session, repo_id)


def remove_collaborator(
    sessions: sessionmaker[Session],
    repository: RepoName,
    username: str,
    *,
    by: Origin = SYSTEM,
) -> None:
    """Remove a collaborator.

    Raises:
        NotFoundError: There is no such repository or account, or it is not a collaborator.
    """
    with sessions.begin() as session:
        repo_id = get_repository_id(session, repository)
        user = get_user(session, username)
        old = collaborators.remove_collaborator(session, repo_id, user.id)
        if old is None:
            raise NotFoundError(
                f"{user.name} is not a collaborator of {repository}.",
                hint=f"See 'wit-admin collab list {repository}'.",
            )
        taken = {"user": user.name, "permission": old}
        event = Event("collaborator.remove", "repository", repo_id, str(repository), before=taken)
        record(session, event, by=by)
