"""Cached counters stay true, and what drifted anyway is found and mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    LATER,
    NOW,
    make_demo,
    make_issue,
    make_pull_request,
    make_repository,
    make_user,
    read_repository,
    run_at_once,
)
from wit_admin.db.engine import EngineOptions, make_sessions, open_engine
from wit_admin.db.models.repositories import Repository, Star, Watch
from wit_admin.db.queries import issues, repositories, stars
from wit_admin.db.queries.counters import Drift, recount


@pytest.mark.parametrize(("mark", "column"), [(Star, "stars_count"), (Watch, "watchers_count")])
def test_a_mark_counts_once_and_moves_no_time(
    sessions: sessionmaker[Session], mark: stars.Mark, column: str
) -> None:
    counts, answers = [], []
    with sessions.begin() as session:
        user_id, repo_id = make_demo(session)

    for step in (stars.add_mark, stars.add_mark, stars.remove_mark, stars.remove_mark):
        with sessions.begin() as session:
            moment: dict[str, Any] = {"now": LATER} if step is stars.add_mark else {}
            answers.append(step(session, mark, repo_id, user_id, **moment))
            repository = read_repository(session, repo_id)
            counts.append(getattr(repository, column))

    assert answers == [True, False, True, False]
    assert counts == [1, 1, 0, 0]
    assert repository.updated_at == NOW


def test_many_who_star_at_once_are_all_counted_and_twice_is_once(engine: Engine) -> None:
    wide = open_engine(engine.url, EngineOptions(pool_size=16, pool_timeout_s=60))
    sessions = make_sessions(wide)
    with sessions.begin() as session:
        _, repo_id = make_demo(session)
        fans = [make_user(session, f"fan{number}") for number in range(8)]

    def star(index: int) -> None:
        with sessions.begin() as session:
            stars.add_mark(session, Star, repo_id, fans[index // 2], now=NOW)

    raised = run_at_once([lambda index=index: star(index) for index in range(16)])  # type: ignore[misc]

    with sessions() as session:
        assert raised == [None] * 16
        assert read_repository(session, repo_id).stars_count == 8
        assert len(stars.list_fans(session, Star, repo_id).items) == 8
    wide.dispose()


def test_stars_and_watches_are_listed_from_both_ends(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        alice, demo = make_demo(session)
        bob = make_user(session, "bob")
        other = make_repository(session, alice, "other")
        stars.add_mark(session, Star, demo, alice, now=NOW)
        stars.add_mark(session, Star, demo, bob, now=LATER)
        stars.add_mark(session, Star, other, bob, now=NOW)
        stars.add_mark(session, Watch, other, bob, now=NOW)

    with sessions() as session:
        fans = stars.list_fans(session, Star, demo).items
        starred = stars.list_marked(session, Star, bob).items
        watched = stars.list_marked(session, Watch, bob).items

    assert [row.username for row in fans] == ["bob", "alice"]
    assert [(row.owner, row.name) for row in starred] == [("alice", "demo"), ("alice", "other")]
    assert [row.name for row in watched] == ["other"]


def test_a_fork_counts_while_it_lives(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        _, demo = make_demo(session)
        bob = make_user(session, "bob")
        fork = make_repository(session, bob, "demo", forked_from_id=demo)
        alive = read_repository(session, demo).forks_count
        repositories.delete_repository(session, fork, trash_path="trash/1.git", now=NOW)

    with sessions() as session:
        assert alive == 1
        assert read_repository(session, demo).forks_count == 0
        assert read_repository(session, fork).is_fork


def busy_repository(session: Session) -> Any:
    """A repository in which everything that is counted occurs, and what is not counted too."""
    alice, demo = make_demo(session)
    bob = make_user(session, "bob")
    for user_id in (alice, bob):
        stars.add_mark(session, Star, demo, user_id, now=NOW)
    stars.add_mark(session, Watch, demo, bob, now=NOW)
    make_repository(session, bob, "demo", forked_from_id=demo)
    for number in range(3):
        make_issue(session, demo, alice)
        make_pull_request(session, demo, alice)
        if number:
            make_issue(session, demo, alice)
    issue = make_issue(session, demo, alice)
    issues.close_issue(session, issue.id, by=None, now=NOW)
    return demo


def test_counters_kept_by_queries_have_no_drift(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        demo = busy_repository(session)

    with sessions() as session:
        repository = read_repository(session, demo)
        assert recount(session, mend=False) == ()
        assert (repository.stars_count, repository.watchers_count) == (2, 1)
        assert (repository.forks_count, repository.open_issues_count) == (1, 5)
        assert (repository.open_prs_count, repository.next_number) == (3, 10)


def test_drift_is_found_and_mended_in_the_one_repository(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        demo = busy_repository(session)
        session.execute(
            sa.update(Repository)
            .where(Repository.id == demo)
            .values(
                stars_count=9,
                watchers_count=0,
                forks_count=-1,
                open_issues_count=7,
                open_prs_count=0,
                next_number=2,
                updated_at=NOW,
            )
        )

    with sessions.begin() as session:
        found = recount(session, mend=False)
        mended = recount(session)
        left = recount(session)
        repository = read_repository(session, demo)

    assert found == mended
    assert left == ()
    assert set(found) == {
        Drift(demo, "stars_count", 9, 2),
        Drift(demo, "watchers_count", 0, 1),
        Drift(demo, "forks_count", -1, 1),
        Drift(demo, "open_issues_count", 7, 5),
        Drift(demo, "open_prs_count", 0, 3),
        Drift(demo, "next_number", 2, 10),
    }
    assert (repository.stars_count, repository.next_number) == (2, 10)
    assert repository.updated_at == NOW


def test_a_counter_of_numbers_never_goes_back(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        _, repo_id = make_demo(session)
        session.execute(sa.update(Repository).values(next_number=50))

    with sessions.begin() as session:
        assert recount(session, repo_id) == ()
        assert read_repository(session, repo_id).next_number == 50


def test_recounting_beside_writers_loses_nothing(engine: Engine) -> None:
    wide = open_engine(engine.url, EngineOptions(pool_size=12, pool_timeout_s=60))
    sessions = make_sessions(wide)
    with sessions.begin() as session:
        alice, demo = make_demo(session)
        fans = [make_user(session, f"fan{number}") for number in range(8)]
        session.execute(sa.update(Repository).values(stars_count=5))

    def star(index: int) -> None:
        with sessions.begin() as session:
            stars.add_mark(session, Star, demo, fans[index], now=NOW)
            make_issue(session, demo, alice)

    def mend() -> None:
        with sessions.begin() as session:
            recount(session)

    tasks: list[Callable[[], object]] = [lambda index=index: star(index) for index in range(8)]  # type: ignore[misc]
    raised = run_at_once([*tasks, mend, mend, mend, mend])

    with sessions() as session:
        repository = read_repository(session, demo)
        assert raised == [None] * 12
        assert (repository.stars_count, repository.open_issues_count) == (8, 8)
    wide.dispose()
