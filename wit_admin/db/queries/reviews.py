"""Reviews of pull requests, and the current verdict of each reviewer."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import case, func, select, update
from sqlalchemy.orm import Session

from wit_admin.db.base import new_id
from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.pull_requests import PrReview, ReviewState
from wit_admin.db.paging import FIRST_PAGE, Order, Page, PageRequest, fetch_page
from wit_admin.errors import ConflictError

_OLDEST = Order("reviews.oldest", (PrReview.created_at, PrReview.id))
_DECISIVE = (ReviewState.APPROVED, ReviewState.CHANGES_REQUESTED)


@dataclass(frozen=True, slots=True)
class NewReview:
    """What a review says, of the pull request as it stood at one commit."""

    pr_id: uuid.UUID
    user_id: uuid.UUID
    state: ReviewState
    commit_sha: str
    body: str | None = None


@dataclass(frozen=True, slots=True)
class ReviewRow:
    """One review in a list."""

    id: uuid.UUID
    reviewer: str
    state: ReviewState
    body: str | None
    commit_sha: str
    created_at: datetime


def create_review(session: Session, new: NewReview, *, now: datetime) -> PrReview:
    """Write a review; a pending one is only shown to its author until it is submitted."""
    review = PrReview(
        id=new_id(),
        pr_id=new.pr_id,
        user_id=new.user_id,
        state=new.state,
        commit_sha=new.commit_sha,
        body=new.body,
        created_at=now,
        updated_at=now,
    )
    session.add(review)
    return review


def submit_review(
    session: Session, review_id: uuid.UUID, *, state: ReviewState, now: datetime
) -> PrReview:
    """Turn a pending review into one that counts, from this moment on.

    Raises:
        ConflictError: It is not pending.
    """
    review = session.scalars(
        update(PrReview)
        .where(PrReview.id == review_id, PrReview.state == ReviewState.PENDING)
        .values(state=state, created_at=now, updated_at=now)
        .returning(PrReview)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).one_or_none()
    if review is None:
        raise ConflictError("There is no such pending review.")
    return review


def list_reviews(
    session: Session, pr_id: uuid.UUID, *, at: PageRequest = FIRST_PAGE
) -> Page[ReviewRow]:
    """Return a page of a pull request's submitted reviews, oldest first."""
    query = (
        select(
            PrReview.id,
            Owner.name,
            PrReview.state,
            PrReview.body,
            PrReview.commit_sha,
            PrReview.created_at,
        )
        .join(Owner, Owner.id == PrReview.user_id)
        .where(PrReview.pr_id == pr_id, PrReview.state != ReviewState.PENDING)
    )
    return fetch_page(session, query, _OLDEST, at, ReviewRow)


def list_verdicts(session: Session, pr_id: uuid.UUID) -> dict[str, ReviewState]:
    """Return each reviewer's verdict by name: the latest counts.

    A mere comment does not take an approval or a demand for changes back.
    """
    rank = func.row_number().over(
        partition_by=PrReview.user_id,
        order_by=(
            case((PrReview.state.in_(_DECISIVE), 0), else_=1),
            PrReview.created_at.desc(),
            PrReview.id.desc(),
        ),
    )
    latest = (
        select(PrReview.user_id, PrReview.state, rank.label("rank"))
        .where(PrReview.pr_id == pr_id, PrReview.state != ReviewState.PENDING)
        .subquery()
    )
    rows = session.execute(
        select(Owner.name, latest.c.state)
        .join(latest, latest.c.user_id == Owner.id)
        .where(latest.c.rank == 1)
        .order_by(Owner.name_key)
    )
    return {row.name: row.state for row in rows}
