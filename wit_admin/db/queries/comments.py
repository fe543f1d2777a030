"""Comments on issues and pull requests, or on one line of a diff."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.issues import Issue, IssueComment
from wit_admin.db.models.pull_requests import (
    DiffSide,
    PrComment,
    PrReview,
    PullRequest,
    ReviewState,
)
from wit_admin.db.paging import FIRST_PAGE, Order, Page, PageRequest, fetch_page
from wit_admin.db.queries import numbered
from wit_admin.errors import NotFoundError

_ON_ISSUES = Order("issue-comments.oldest", (IssueComment.created_at, IssueComment.id))
_ON_PRS = Order("pr-comments.oldest", (PrComment.created_at, PrComment.id))


@dataclass(frozen=True, slots=True)
class DiffLine:
    """A place in a diff: a line of a file as it is on one side."""

    path: str
    line: int
    side: DiffSide
    commit_sha: str


@dataclass(frozen=True, slots=True)
class NewPrComment:
    """A comment on a pull request, alone or as part of a review."""

    pr_id: uuid.UUID
    user_id: uuid.UUID
    body: str
    place: DiffLine | None = None
    review_id: uuid.UUID | None = None
    reply_to_id: uuid.UUID | None = None


@dataclass(frozen=True, slots=True)
class CommentRow:
    """One comment in a list; the last four are set for comments on a diff."""

    id: uuid.UUID
    author: str
    body: str
    created_at: datetime
    updated_at: datetime
    reply_to_id: uuid.UUID | None = None
    path: str | None = None
    line: int | None = None
    side: DiffSide | None = None


def add_issue_comment(
    session: Session, issue_id: uuid.UUID, user_id: uuid.UUID, body: str, *, now: datetime
) -> IssueComment:
    """Add a comment to an issue.

    Raises:
        NotFoundError: There is no such issue.
    """
    numbered.edit(session, Issue, issue_id, now=now)
    comment = IssueComment(
        id=new_id(), issue_id=issue_id, user_id=user_id, body=body, created_at=now, updated_at=now
    )
    session.add(comment)
    return comment


def add_pr_comment(session: Session, new: NewPrComment, *, now: datetime) -> PrComment:
    """Add a comment to a pull request.

    Raises:
        NotFoundError: There is no such pull request, or no such comment in it to reply to.
    """
    numbered.edit(session, PullRequest, new.pr_id, now=now)
    if new.reply_to_id is not None:
        known = select(PrComment.id).where(
            PrComment.id == new.reply_to_id, PrComment.pr_id == new.pr_id
        )
        if session.scalars(known).one_or_none() is None:
            raise NotFoundError("There is no such comment to reply to.")
    comment = PrComment(
        id=new_id(),
        pr_id=new.pr_id,
        user_id=new.user_id,
        body=new.body,
        review_id=new.review_id,
        reply_to_id=new.reply_to_id,
        created_at=now,
        updated_at=now,
    )
    if new.place is not None:
        comment.path, comment.line = new.place.path, new.place.line
        comment.side, comment.commit_sha = new.place.side, new.place.commit_sha
    session.add(comment)
    return comment


def edit_comment(
    session: Session,
    model: type[IssueComment | PrComment],
    comment_id: uuid.UUID,
    body: str,
    *,
    now: datetime,
) -> None:
    """Replace what a comment says.

    Raises:
        NotFoundError: There is no such comment.
    """
    found = session.scalars(
        update(model)
        .where(model.id == comment_id)
        .values(body=body, updated_at=now)
        .returning(model.id)
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such comment.")


def delete_comment(
    session: Session, model: type[IssueComment | PrComment], comment_id: uuid.UUID
) -> bool:
    """Remove a comment; replies to it stay. Return false if there was none."""
    statement = delete(model).where(model.id == comment_id).returning(model.id)
    return session.scalars(statement).one_or_none() is not None


def list_issue_comments(
    session: Session, issue_id: uuid.UUID, *, at: PageRequest = FIRST_PAGE
) -> Page[CommentRow]:
    """Return a page of an issue's comments, oldest first."""
    query = (
        select(
            IssueComment.id,
            Owner.name,
            IssueComment.body,
            IssueComment.created_at,
            IssueComment.updated_at,
        )
        .join(Owner, Owner.id == IssueComment.user_id)
        .where(IssueComment.issue_id == issue_id)
    )
    return fetch_page(session, query, _ON_ISSUES, at, CommentRow)


def list_pr_comments(
    session: Session, pr_id: uuid.UUID, *, path: str | None = None, at: PageRequest = FIRST_PAGE
) -> Page[CommentRow]:
    """Return a page of a pull request's comments, oldest first; with ``path``, on that file.

    What belongs to a pending review is left out.
    """
    query = (
        select(
            PrComment.id,
            Owner.name,
            PrComment.body,
            PrComment.created_at,
            PrComment.updated_at,
            PrComment.reply_to_id,
            PrComment.path,
            PrComment.line,
            PrComment.side,
        )
        .join(Owner, Owner.id == PrComment.user_id)
        .outerjoin(PrReview, PrReview.id == PrComment.review_id)
        .where(
            PrComment.pr_id == pr_id,
            or_(PrReview.id.is_(None), PrReview.state != ReviewState.PENDING),
        )
    )
    if path is not None:
        query = query.where(PrComment.path == path)
    return fetch_page(session, query, _ON_PRS, at, CommentRow)
