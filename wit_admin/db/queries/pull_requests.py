"""Pull requests: created, found, listed, updated, closed, reopened, merged and deleted."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.pull_requests import PullRequest, PullRequestState
from wit_admin.db.paging import FIRST_PAGE, AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries import numbered
from wit_admin.db.queries.counters import Counter, take_number
from wit_admin.db.queries.labels import has_labels, label_names
from wit_admin.db.statements import equalities
from wit_admin.names import name_key

_AUTHOR = aliased(Owner)


@dataclass(frozen=True, slots=True)
class NewPullRequest:
    """What a pull request begins with; ids of commits are hex."""

    repo_id: uuid.UUID
    author_id: uuid.UUID
    title: str
    source_branch: str
    target_branch: str
    head_sha: str
    base_sha: str
    body: str | None = None
    source_repo_id: uuid.UUID | None = None
    """The fork that the source branch is in; ``None`` for the same repository."""
    is_draft: bool = False


class PullRequestEdit(TypedDict, total=False):
    """What may be changed of a pull request in any state."""

    title: str
    body: str | None
    target_branch: str
    head_sha: str
    base_sha: str
    is_draft: bool
    is_mergeable: bool | None


class PullRequestSort(enum.Enum):
    """How a list of pull requests is sorted."""

    NEWEST = Order("prs.newest", (PullRequest.number,), descending=True)
    OLDEST = Order("prs.oldest", (PullRequest.number,))
    UPDATED = Order("prs.updated", (PullRequest.updated_at, PullRequest.id), descending=True)


@dataclass(frozen=True, slots=True)
class PullRequestFilter:
    """Which pull requests are wanted; all conditions must hold; ``None`` is no condition."""

    state: PullRequestState | None = None
    author: str | None = None
    labels: tuple[str, ...] = ()
    """Names; a pull request must have each."""
    title: str | None = None
    """Text in the title; the case of ASCII letters does not matter."""
    is_draft: bool | None = None
    source_branch: str | None = None
    target_branch: str | None = None


@dataclass(frozen=True, slots=True)
class PullRequestRow:
    """One pull request in a list, with names for ids."""

    id: uuid.UUID
    number: int
    title: str
    state: PullRequestState
    is_draft: bool
    author: str
    source_branch: str
    target_branch: str
    head_sha: str
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    merged_at: datetime | None
    labels: tuple[str, ...] = ()


def create_pull_request(session: Session, new: NewPullRequest, *, now: datetime) -> PullRequest:
    """Create an open pull request with the repository's next number.

    Raises:
        NotFoundError: There is no such repository.
    """
    # The savepoint gives the number back if the row is refused and the caller goes on.
    with session.begin_nested():
        pull_request = PullRequest(
            number=take_number(session, new.repo_id, Counter.OPEN_PRS),
            repo_id=new.repo_id,
            author_id=new.author_id,
            title=new.title,
            body=new.body,
            source_branch=new.source_branch,
            target_branch=new.target_branch,
            source_repo_id=new.source_repo_id,
            head_sha=new.head_sha,
            base_sha=new.base_sha,
            is_draft=new.is_draft,
            created_at=now,
            updated_at=now,
        )
        session.add(pull_request)
    return pull_request


def find_pull_request_by_number(
    session: Session, repo_id: uuid.UUID, number: int
) -> PullRequest | None:
    """Return the repository's live pull request of that number; an issue's number finds none."""
    return numbered.find_by_number(session, PullRequest, repo_id, number)


def list_pull_requests(
    session: Session,
    repo_id: uuid.UUID,
    wanted: PullRequestFilter | None = None,
    *,
    sort: PullRequestSort = PullRequestSort.NEWEST,
    at: PageRequest = FIRST_PAGE,
) -> Page[PullRequestRow]:
    """Return a page of a repository's live pull requests."""
    query = _narrowed(_listing(repo_id), wanted or PullRequestFilter())
    page = fetch_page(session, query, sort.value, at, PullRequestRow)
    names = label_names(session, PullRequest, [found.id for found in page.items])
    items = tuple(replace(found, labels=names.get(found.id, ())) for found in page.items)
    return Page(items, page.next_cursor)


def update_pull_request(
    session: Session, pr_id: uuid.UUID, *, now: datetime, **edit: Unpack[PullRequestEdit]
) -> PullRequest:
    """Change what neither number nor state depends on.

    Raises:
        NotFoundError: There is no such pull request.
    """
    return numbered.edit(session, PullRequest, pr_id, now=now, **edit)


def close_pull_request(session: Session, pr_id: uuid.UUID, *, now: datetime) -> PullRequest:
    """Close an open pull request without merging it.

    Raises:
        NotFoundError: There is no such pull request.
        ConflictError: It is closed or merged already.
    """
    step = (PullRequestState.OPEN, PullRequestState.CLOSED)
    return numbered.move(session, PullRequest, pr_id, step=step, now=now, closed_at=now)


def reopen_pull_request(session: Session, pr_id: uuid.UUID, *, now: datetime) -> PullRequest:
    """Open a closed pull request again; a merged one stays merged.

    Raises:
        NotFoundError: There is no such pull request.
        ConflictError: It is open, or merged.
    """
    step = (PullRequestState.CLOSED, PullRequestState.OPEN)
    return numbered.move(session, PullRequest, pr_id, step=step, now=now, closed_at=None)


def merge_pull_request(
    session: Session, pr_id: uuid.UUID, *, by: uuid.UUID, merge_sha: str, now: datetime
) -> PullRequest:
    """Record that an open pull request was merged as commit ``merge_sha``.

    Raises:
        NotFoundError: There is no such pull request.
        ConflictError: It is closed, merged already, or a draft.
    """
    return numbered.move(
        session,
        PullRequest,
        pr_id,
        PullRequest.is_draft.is_(False),
        step=(PullRequestState.OPEN, PullRequestState.MERGED),
        now=now,
        merged_at=now,
        merged_by_id=by,
        merge_sha=merge_sha,
    )


def delete_pull_request(session: Session, pr_id: uuid.UUID, *, now: datetime) -> bool:
    """Hide a pull request for good; return false if there was none."""
    return numbered.soft_delete(session, PullRequest, pr_id, now=now)


def _listing(repo_id: uuid.UUID) -> AnySelect:
    return (
        select(
            PullRequest.id,
            PullRequest.number,
            PullRequest.title,
            PullRequest.state,
            PullRequest.is_draft,
            _AUTHOR.name,
            PullRequest.source_branch,
            PullRequest.target_branch,
            PullRequest.head_sha,
            PullRequest.created_at,
            PullRequest.updated_at,
            PullRequest.closed_at,
            PullRequest.merged_at,
        )
        .join(_AUTHOR, _AUTHOR.id == PullRequest.author_id)
        .where(PullRequest.repo_id == repo_id, PullRequest.deleted_at.is_(None))
    )


def _narrowed(query: AnySelect, wanted: PullRequestFilter) -> AnySelect:
    exact = {
        PullRequest.state: wanted.state,
        PullRequest.is_draft: wanted.is_draft,
        PullRequest.source_branch: wanted.source_branch,
        PullRequest.target_branch: wanted.target_branch,
    }
    query = query.where(*equalities(exact))
    if wanted.author is not None:
        query = query.where(_AUTHOR.name_key == name_key(wanted.author))
    if wanted.title is not None:
        query = query.where(PullRequest.title.icontains(wanted.title, autoescape=True))
    return query.where(*has_labels(PullRequest, wanted.labels))
