"""Rows for tests, made by the same queries that the product uses."""

from __future__ import annotations

import itertools
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from wit_admin.db.models.issues import Issue
from wit_admin.db.models.pull_requests import PullRequest
from wit_admin.db.models.repositories import Repository
from wit_admin.db.queries import issues, pull_requests, repositories, users
from wit_admin.db.queries.issues import NewIssue
from wit_admin.db.queries.pull_requests import NewPullRequest
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.services.plans import Applied, Task

NOW = datetime(2026, 1, 2, 3, 4, 5, 678901, tzinfo=UTC)
LATER = NOW + timedelta(hours=1)

_numbers = itertools.count()


def make_user(session: Session, name: str = "alice") -> uuid.UUID:
    """Make an account with an address of its own."""
    user = users.create_user(session, name, email=f"{name}@example.test", now=NOW)
    return user.id


def make_repository(
    session: Session, owner_id: uuid.UUID, name: str = "demo", **values: Any
) -> uuid.UUID:
    """Make a repository's row; nothing is made on disk."""
    path = f"{next(_numbers)}.git"
    new = NewRepository(owner_id=owner_id, name=name, disk_path=path, **values)
    return repositories.create_repository(session, new, now=NOW).id


def make_demo(session: Session) -> tuple[uuid.UUID, uuid.UUID]:
    """Make ``alice`` and ``alice/demo``, and return their ids."""
    user_id = make_user(session)
    return user_id, make_repository(session, user_id)


def make_issue(
    session: Session,
    repo_id: uuid.UUID,
    author_id: uuid.UUID,
    title: str = "Something",
    *,
    now: datetime = NOW,
    **values: Any,
) -> Issue:
    """Make an open issue."""
    new = NewIssue(repo_id=repo_id, author_id=author_id, title=title, **values)
    return issues.create_issue(session, new, now=now)


def make_pull_request(
    session: Session,
    repo_id: uuid.UUID,
    author_id: uuid.UUID,
    title: str = "A change",
    *,
    now: datetime = NOW,
    **values: Any,
) -> PullRequest:
    """Make an open pull request from ``topic`` into ``main``."""
    defaults = {
        "source_branch": "topic",
        "target_branch": "main",
        "head_sha": "1" * 40,
        "base_sha": "2" * 40,
    }
    new = NewPullRequest(
        repo_id=repo_id, author_id=author_id, title=title, **{**defaults, **values}
    )
    return pull_requests.create_pull_request(session, new, now=now)


def read_repository(session: Session, repo_id: uuid.UUID) -> Repository:
    """Return the repository as it is in the database now."""
    return session.get_one(Repository, repo_id, populate_existing=True)


def apply_task(task: Task[Any]) -> Applied:
    """Plan and apply under the lock; a failed action is an error."""
    with task.lock.hold():
        applied = task.apply(task.build())
    applied.raise_for_failures()
    return applied


def run_at_once(tasks: list[Callable[[], object]]) -> list[BaseException | None]:
    """Run each task in a thread of its own, all let go at one moment; return what each raised."""
    gate = threading.Barrier(len(tasks))
    raised: list[BaseException | None] = [None] * len(tasks)

    def run(index: int, task: Callable[[], object]) -> None:
        gate.wait()
        try:
            task()
        except Exception as error:  # noqa: BLE001 - handed to the test
            raised[index] = error

    threads = [threading.Thread(target=run, args=(index, task)) for index, task in enumerate(tasks)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return raised
