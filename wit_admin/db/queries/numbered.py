"""What issues and pull requests share: a number in their repository, a state, soft deletion."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from wit_admin.db.models.issues import Issue, IssueState
from wit_admin.db.models.pull_requests import PullRequest, PullRequestState
from wit_admin.db.queries.counters import Counter, bump
from wit_admin.errors import ConflictError, NotFoundError, RefusedError

T = TypeVar("T", Issue, PullRequest)
State = IssueState | PullRequestState

_NOUNS: dict[type[Issue | PullRequest], str] = {
    Issue: "issue",
    PullRequest: "pull request",
}
_COUNTERS = {Issue: Counter.OPEN_ISSUES, PullRequest: Counter.OPEN_PRS}


def find_by_id(session: Session, model: type[T], row_id: uuid.UUID) -> T | None:
    """Return the live row of that id, as it is in the database now."""
    query = select(model).where(model.id == row_id, model.deleted_at.is_(None))
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def find_by_number(session: Session, model: type[T], repo_id: uuid.UUID, number: int) -> T | None:
    """Return the live row of that number, as it is in the database now."""
    query = select(model).where(
        model.repo_id == repo_id, model.number == number, model.deleted_at.is_(None)
    )
    return session.scalars(query, execution_options={"populate_existing": True}).one_or_none()


def move(
    session: Session,
    model: type[T],
    row_id: uuid.UUID,
    *guards: ColumnElement[bool],
    step: tuple[State, State],
    now: datetime,
    **values: Any,
) -> T:
    """Change the state of a live row, and its repository's counter with it.

    State and guards are checked by the UPDATE itself, so of two at once one wins.

    Raises:
        NotFoundError: There is no such row.
        ConflictError: It is in another state than ``step`` begins with, or a guard stops it.
    """
    start, end = step
    guards = (model.state == start, *guards)
    row = _update(session, model, row_id, *guards, state=end, now=now, **values)
    if row is None:
        raise _refusal(session, model, row_id, wanted=end)
    opened = (end.value == "open") - (start.value == "open")
    if opened:
        bump(session, row.repo_id, _COUNTERS[model], opened)
    return row


def edit(session: Session, model: type[T], row_id: uuid.UUID, *, now: datetime, **values: Any) -> T:
    """Change columns that neither state nor number depends on.

    Raises:
        NotFoundError: There is no such row.
    """
    row = _update(session, model, row_id, now=now, **values)
    if row is None:
        raise NotFoundError(f"There is no such {_NOUNS[model]}.")
    return row


def soft_delete(session: Session, model: type[T], row_id: uuid.UUID, *, now: datetime) -> bool:
    """Hide a row for good; its number is not given again. Return false if it was hidden already."""
    row = _update(session, model, row_id, now=now, deleted_at=now)
    if row is None:
        return False
    if row.state.value == "open":
        bump(session, row.repo_id, _COUNTERS[model], -1)
    return True


def _refusal(session: Session, model: type[T], row_id: uuid.UUID, *, wanted: State) -> RefusedError:
    """Return why a row did not move to ``wanted``."""
    found = session.execute(
        select(model.number, model.state).where(model.id == row_id, model.deleted_at.is_(None))
    ).one_or_none()
    if found is None:
        return NotFoundError(f"There is no such {_NOUNS[model]}.")
    number, state = found
    noun = _NOUNS[model].capitalize()
    if state is wanted:
        return ConflictError(f"{noun} #{number} is {state} already.")
    if state.value == "open":
        return ConflictError(f"{noun} #{number} is a draft.", hint="Mark it as ready first.")
    return ConflictError(f"{noun} #{number} is {state}, and so cannot become {wanted}.")


def _update(
    session: Session,
    model: type[T],
    row_id: uuid.UUID,
    *guards: ColumnElement[bool],
    now: datetime,
    **values: Any,
) -> T | None:
    statement = (
        update(model)
        .where(model.id == row_id, model.deleted_at.is_(None), *guards)
        .values(updated_at=now, **values)
        .returning(model)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return session.scalars(statement).one_or_none()
