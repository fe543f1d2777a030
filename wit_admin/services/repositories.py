"""Repositories as an operator sees them."""

from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.queries import administration
from wit_admin.names import RepoName


def list_repositories(sessions: sessionmaker[Session]) -> list[administration.RepositoryRow]:
    """Return all live repositories by name."""
    with sessions() as session:
        return administration.list_repositories(session)


def list_activity(
    sessions: sessionmaker[Session], *, repository: RepoName | None = None, limit: int = 50
) -> list[administration.ActivityRow]:
    """Return what happened, newest first, in one repository or in all."""
    with sessions() as session:
        return administration.list_activity(session, repository=repository, limit=limit)
