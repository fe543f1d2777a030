"""A repository's cached counters and its issue numbers, changed by SQL, never from values read.

A :class:`Repository` that the session holds already does not see these changes; read it again.
"""

from __future__ import annotations

import enum
import uuid
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session, aliased

from wit_admin.db.models.issues import Issue, IssueState
from wit_admin.db.models.pull_requests import PullRequest, PullRequestState
from wit_admin.db.models.repositories import Repository, Star, Watch
from wit_admin.errors import NotFoundError


class Counter(enum.StrEnum):
    """A column of ``repositories`` that counts rows elsewhere."""

    STARS = "stars_count"
    WATCHERS = "watchers_count"
    FORKS = "forks_count"
    OPEN_ISSUES = "open_issues_count"
    OPEN_PRS = "open_prs_count"

    @property
    def column(self) -> InstrumentedAttribute[int]:
        """The column of the counter."""
        found: InstrumentedAttribute[int] = getattr(Repository, self.value)
        return found


@dataclass(frozen=True, slots=True)
class Drift:
    """A cached number that differed from the number of rows."""

    repo_id: uuid.UUID
    column: str
    cached: int
    actual: int


def bump(session: Session, repo_id: uuid.UUID, counter: Counter, by: int) -> None:
    """Change a counter and nothing else of the repository, not even ``updated_at``."""
    session.execute(
        update(Repository)
        .where(Repository.id == repo_id)
        .values({counter.column: counter.column + by, Repository.updated_at: Repository.updated_at})
        .execution_options(synchronize_session=False)
    )


def take_number(session: Session, repo_id: uuid.UUID, counter: Counter) -> int:
    """Take the repository's next number for a row that ``counter`` counts.

    Others who want a number wait until this transaction ends, and get this one if it fails.

    Raises:
        NotFoundError: There is no such live repository.
    """
    number = session.scalars(
        update(Repository)
        .where(Repository.id == repo_id, Repository.deleted_at.is_(None))
        .values(
            {
                Repository.next_number: Repository.next_number + 1,
                counter.column: counter.column + 1,
                Repository.updated_at: Repository.updated_at,
            }
        )
        .returning(Repository.next_number - 1)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if number is None:
        raise NotFoundError("There is no such repository.")
    return number


def recount(
    session: Session, repo_id: uuid.UUID | None = None, *, mend: bool = True
) -> tuple[Drift, ...]:
    """Return which counters of one repository, or of all, are wrong, and correct them.

    Counting and writing see the same moment: with ``mend`` the repositories that looked wrong
    are locked and counted again before they are changed.
    """
    drift = _find_drift(session, () if repo_id is None else (repo_id,))
    if not mend or not drift:
        return drift
    suspects = sorted({found.repo_id for found in drift})
    session.execute(
        select(Repository.id)
        .where(Repository.id.in_(suspects))
        .order_by(Repository.id)
        .with_for_update(key_share=True)
    )
    drift = _find_drift(session, suspects)
    for found in drift:
        session.execute(
            update(Repository)
            .where(Repository.id == found.repo_id)
            .values({found.column: found.actual, "updated_at": Repository.updated_at})
            .execution_options(synchronize_session=False)
        )
    return drift


def _find_drift(session: Session, repo_ids: Sequence[uuid.UUID]) -> tuple[Drift, ...]:
    # One statement has one snapshot, in which a counter and its rows change together.
    actual = _actual_numbers()
    columns = {name: getattr(Repository, name) for name in actual}
    query = (
        select(Repository.id, *columns.values(), *actual.values())
        .where(or_(*(columns[name] != count for name, count in actual.items())))
        .order_by(Repository.id)
    )
    if repo_ids:
        query = query.where(Repository.id.in_(repo_ids))
    return tuple(
        Drift(row[0], name, cached, counted)
        for row in session.execute(query)
        for name, cached, counted in zip(
            actual, row[1 : len(actual) + 1], row[len(actual) + 1 :], strict=True
        )
        if cached != counted
    )


def _actual_numbers() -> dict[str, ColumnElement[int]]:
    fork = aliased(Repository)
    lives = (
        (Counter.STARS, Star.repo_id == Repository.id),
        (Counter.WATCHERS, Watch.repo_id == Repository.id),
        (Counter.FORKS, (fork.forked_from_id == Repository.id) & fork.deleted_at.is_(None)),
        (
            Counter.OPEN_ISSUES,
            (Issue.repo_id == Repository.id)
            & (Issue.state == IssueState.OPEN)
            & Issue.deleted_at.is_(None),
        ),
        (
            Counter.OPEN_PRS,
            (PullRequest.repo_id == Repository.id)
            & (PullRequest.state == PullRequestState.OPEN)
            & PullRequest.deleted_at.is_(None),
        ),
    )
    numbers: dict[str, ColumnElement[int]] = {
        counter.value: select(func.count()).where(condition).scalar_subquery()
        for counter, condition in lives
    }
    return {**numbers, "next_number": _least_next_number()}


def _least_next_number() -> ColumnElement[int]:
    """Return the number after the highest in use, or the present one if that is higher."""
    highest = [
        func.coalesce(
            select(func.max(model.number)).where(model.repo_id == Repository.id).scalar_subquery(),
            0,
        )
        for model in (Issue, PullRequest)
    ]
    top = case((highest[0] > highest[1], highest[0]), else_=highest[1])
    return case((Repository.next_number > top, Repository.next_number), else_=top + 1)
