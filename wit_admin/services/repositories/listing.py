"""Repositories and their activity, as an operator lists them."""

from __future__ import annotations

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.paging import Page, PageRequest, collect_pages
from wit_admin.db.queries import activities, repository_lists
from wit_admin.db.queries.repository_details import RepositoryDetail, find_detail
from wit_admin.db.queries.repository_lists import RepositoryFilter, RepositoryRow, RepositorySort
from wit_admin.errors import NotFoundError
from wit_admin.names import RepoName
from wit_admin.services.lookups import get_repository_id


def list_repositories(
    sessions: sessionmaker[Session],
    wanted: RepositoryFilter | None = None,
    *,
    sort: RepositorySort = RepositorySort.NAME,
    limit: int | None = None,
    after: str | None = None,
) -> Page[RepositoryRow]:
    """Return the repositories that are ``wanted`` and not deleted, all or ``limit`` of them.

    ``after`` is the cursor of the previous page. No transaction is open between pages.

    Raises:
        InvalidInputError: The cursor is not one of this list.
    """

    def fetch(at: PageRequest) -> Page[RepositoryRow]:
        with sessions() as session:
            return repository_lists.search_repositories(session, wanted, sort=sort, at=at)

    return collect_pages(fetch, limit=limit, after=after)


def show_repository(sessions: sessionmaker[Session], name: RepoName) -> RepositoryDetail:
    """Return all that is known of a repository.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        detail = find_detail(session, get_repository_id(session, name))
    if detail is None:
        raise NotFoundError(f"There is no repository {name} any more.")
    return detail


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
