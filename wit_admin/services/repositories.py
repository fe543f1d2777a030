"""Repositories as an operator sees them."""

from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import activities, repositories
from wit_admin.names import RepoName
from wit_admin.services.lookups import get_repository_id


def list_repositories(sessions: sessionmaker[Session]) -> list[repositories.RepositoryRow]:
    """Return all live repositories by name."""
    with sessions() as session:
        return repositories.list_repositories(session)


def list_activity(
    sessions: sessionmaker[Session], *, repository: RepoName | None = None, limit: int = 50
) -> list[activities.ActivityRow]:
    """Return what happened, newest first, in one repository or in all.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        if repository:
            get_repository_id(session, repository)
        return activities.list_activity(session, repository=repository, limit=limit)
