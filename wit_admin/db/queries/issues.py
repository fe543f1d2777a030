"""Issues: created, found, listed, updated, closed, reopened and deleted."""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass, replace
from datetime import datetime
from typing import TypedDict, Unpack

from sqlalchemy import func, select
from sqlalchemy.orm import Session, aliased

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.issues import Issue, IssueComment, IssueState
from wit_admin.db.paging import FIRST_PAGE, AnySelect, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries import numbered
from wit_admin.db.queries.counters import Counter, take_number
from wit_admin.db.queries.labels import has_labels, label_names
from wit_admin.names import name_key

_AUTHOR = aliased(Owner)
_ASSIGNEE = aliased(Owner)


@dataclass(frozen=True, slots=True)
class NewIssue:
    """What an issue begins with."""

    repo_id: uuid.UUID
    author_id: uuid.UUID
    title: str
    body: str | None = None
    assignee_id: uuid.UUID | None = None


class IssueEdit(TypedDict, total=False):
    """What may be changed of an issue in any state."""

    title: str
    body: str | None
    assignee_id: uuid.UUID | None


class IssueSort(enum.Enum):
    """How a list of issues is sorted."""

    NEWEST = Order("issues.newest", (Issue.number,), descending=True)
    OLDEST = Order("issues.oldest", (Issue.number,))
    UPDATED = Order("issues.updated", (Issue.updated_at, Issue.id), descending=True)


@dataclass(frozen=True, slots=True)
class IssueFilter:
    """Which issues are wanted; all conditions must hold; ``None`` is no condition."""

    state: IssueState | None = None
    author: str | None = None
    assignee: str | None = None
    labels: tuple[str, ...] = ()
    """Names; an issue must have each."""
    title: str | None = None
    """Text in the title; the case of ASCII letters does not matter."""


@dataclass(frozen=True, slots=True)
class IssueRow:
    """One issue in a list, with names for ids."""

    id: uuid.UUID
    number: int
    title: str
    state: IssueState
    author: str
    assignee: str | None
    comments: int
    created_at: datetime
    updated_at: datetime
    closed_at: datetime | None
    labels: tuple[str, ...] = ()


def create_issue(session: Session, new: NewIssue, *, now: datetime) -> Issue:
    """Create an open issue with the repository's next number.

    Raises:
        NotFoundError: There is no such repository.
    """
    # The savepoint gives the number back if the row is refused and the caller goes on.
    with session.begin_nested():
        issue = Issue(
            number=take_number(session, new.repo_id, Counter.OPEN_ISSUES),
            repo_id=new.repo_id,
            author_id=new.author_id,
            title=new.title,
            body=new.body,
            assignee_id=new.assignee_id,
            created_at=now,
            updated_at=now,
        )
        session.add(issue)
    return issue


def find_issue(session: Session, issue_id: uuid.UUID) -> Issue | None:
    """Return the live issue of that id."""
    return numbered.find_by_id(session, Issue, issue_id)


def find_issue_by_number(session: Session, repo_id: uuid.UUID, number: int) -> Issue | None:
    """Return the repository's live issue of that number; a pull request's number finds none."""
    return numbered.find_by_number(session, Issue, repo_id, number)


def list_issues(
    session: Session,
    repo_id: uuid.UUID,
    wanted: IssueFilter | None = None,
    *,
    sort: IssueSort = IssueSort.NEWEST,
    at: PageRequest = FIRST_PAGE,
) -> Page[IssueRow]:
    """Return a page of a repository's live issues."""
    query = _narrowed(_listing(repo_id), wanted or IssueFilter())
    page = fetch_page(session, query, sort.value, at, IssueRow)
    names = label_names(session, Issue, [found.id for found in page.items])
    items = tuple(replace(found, labels=names.get(found.id, ())) for found in page.items)
    return Page(items, page.next_cursor)


def update_issue(
    session: Session, issue_id: uuid.UUID, *, now: datetime, **edit: Unpack[IssueEdit]
) -> Issue:
    """Change title, text or assignee.

    Raises:
        NotFoundError: There is no such issue.
    """
    return numbered.edit(session, Issue, issue_id, now=now, **edit)


def close_issue(
    session: Session, issue_id: uuid.UUID, *, by: uuid.UUID | None, now: datetime
) -> Issue:
    """Close an open issue.

    Raises:
        NotFoundError: There is no such issue.
        ConflictError: It is closed already.
    """
    step = (IssueState.OPEN, IssueState.CLOSED)
    return numbered.move(
        session, Issue, issue_id, step=step, now=now, closed_at=now, closed_by_id=by
    )


def reopen_issue(session: Session, issue_id: uuid.UUID, *, now: datetime) -> Issue:
    """Open a closed issue again.

    Raises:
        NotFoundError: There is no such issue.
        ConflictError: It is open already.
    """
    step = (IssueState.CLOSED, IssueState.OPEN)
    return numbered.move(
        session, Issue, issue_id, step=step, now=now, closed_at=None, closed_by_id=None
    )


def delete_issue(session: Session, issue_id: uuid.UUID, *, now: datetime) -> bool:
    """Hide an issue for good; return false if there was none."""
    return numbered.soft_delete(session, Issue, issue_id, now=now)


def _listing(repo_id: uuid.UUID) -> AnySelect:
    comments = select(func.count()).where(IssueComment.issue_id == Issue.id).scalar_subquery()
    return (
        select(
            Issue.id,
            Issue.number,
            Issue.title,
            Issue.state,
            _AUTHOR.name,
            _ASSIGNEE.name,
            comments,
            Issue.created_at,
            Issue.updated_at,
            Issue.closed_at,
        )
        .join(_AUTHOR, _AUTHOR.id == Issue.author_id)
        .outerjoin(_ASSIGNEE, _ASSIGNEE.id == Issue.assignee_id)
        .where(Issue.repo_id == repo_id, Issue.deleted_at.is_(None))
    )


def _narrowed(query: AnySelect, wanted: IssueFilter) -> AnySelect:
    if wanted.state is not None:
        query = query.where(Issue.state == wanted.state)
    if wanted.author is not None:
        query = query.where(_AUTHOR.name_key == name_key(wanted.author))
    if wanted.assignee is not None:
        query = query.where(_ASSIGNEE.name_key == name_key(wanted.assignee))
    if wanted.title is not None:
        query = query.where(Issue.title.icontains(wanted.title, autoescape=True))
    return query.where(*has_labels(Issue, wanted.labels))
