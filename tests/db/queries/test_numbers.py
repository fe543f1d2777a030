"""Numbers that issues and pull requests of a repository share."""

from __future__ import annotations

import uuid
from collections.abc import Callable

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    NOW,
    make_demo,
    make_issue,
    make_pull_request,
    make_repository,
    read_repository,
    run_at_once,
)
from wit_admin.db.engine import EngineOptions, make_sessions, open_engine
from wit_admin.db.models.issues import Issue
from wit_admin.db.models.pull_requests import PullRequest
from wit_admin.db.queries import repositories
from wit_admin.errors import NotFoundError

CREATORS = 32


def numbers(session: Session, repo_id: uuid.UUID) -> list[int]:
    found = [
        number
        for model in (Issue, PullRequest)
        for number in session.scalars(sa.select(model.number).where(model.repo_id == repo_id))
    ]
    return sorted(found)


def test_many_creators_at_once_get_each_number_once(engine: Engine) -> None:
    wide = open_engine(engine.url, EngineOptions(pool_size=CREATORS, pool_timeout_s=60))
    sessions = make_sessions(wide)
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)

    def create(index: int) -> None:
        with sessions.begin() as session:
            make = make_issue if index % 2 else make_pull_request
            make(session, repo_id, user_id)

    raised = run_at_once([lambda index=index: create(index) for index in range(CREATORS)])  # type: ignore[misc]

    with sessions() as session:
        repository = read_repository(session, repo_id)
        assert raised == [None] * CREATORS
        assert numbers(session, repo_id) == list(range(1, CREATORS + 1))
        assert repository.next_number == CREATORS + 1
        assert repository.open_issues_count == CREATORS // 2
        assert repository.open_prs_count == CREATORS // 2
    wide.dispose()


def test_a_refused_row_leaves_no_gap(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)

    with pytest.raises(IntegrityError), sessions.begin() as session:
        make_issue(session, repo_id, author_id=uuid.uuid4())
    with sessions.begin() as session:
        issue = make_issue(session, repo_id, user_id)

    assert issue.number == 1


@pytest.mark.parametrize("make", [make_issue, make_pull_request])
def test_a_refused_row_leaves_no_gap_even_if_the_transaction_goes_on(
    sessions: sessionmaker[Session], make: Callable[..., object]
) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        with pytest.raises(IntegrityError):
            make(session, repo_id, author_id=uuid.uuid4())
        issue = make_issue(session, repo_id, user_id)

    with sessions() as session:
        assert issue.number == 1
        repository = read_repository(session, repo_id)
        assert (repository.open_issues_count, repository.open_prs_count) == (1, 0)


def test_each_repository_counts_for_itself(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, first = make_demo(session)
        second = make_repository(session, user_id, "other")
        made = [make_issue(session, repo_id, user_id) for repo_id in (first, first, second)]

    assert [issue.number for issue in made] == [1, 2, 1]


def test_a_deleted_repository_gives_no_numbers(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)
        repositories.delete_repository(session, repo_id, trash_path="trash/1", now=NOW)

    with pytest.raises(NotFoundError), sessions.begin() as session:
        make_issue(session, repo_id, user_id)
