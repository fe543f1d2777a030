"""What is recorded of a push whose git child was killed before it could report."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.repositories import commit, new_work, oid_of
from tests.support.server import run_git
from wit_admin.git.children.environment import PUSH_ID_HOST
from wit_admin.git.pushes.report import PushReport
from wit_admin.services.pushes.ref_updates import RefUpdate, list_accepted

NO_REPORT = PushReport(is_complete=False, unpack=None, results=())
ZERO = "0" * 40
REF = "refs/heads/main"


@pytest.fixture
def oids(tmp_path: Path) -> list[str]:
    """Three commits, of which a first push brought one and a second push another."""
    work = new_work(tmp_path / "work")
    made = [commit(work, str(number)) for number in range(3)]
    run_git(tmp_path, "clone", "--quiet", "--bare", str(work), "demo.git")
    gitdir = tmp_path / "demo.git"
    run_git(gitdir, "config", "core.logAllRefUpdates", "always")
    run_git(gitdir, "update-ref", "-d", REF)
    for push, (old, new) in {"first": (ZERO, made[0]), "second": (made[0], made[1])}.items():
        who = {"GIT_COMMITTER_EMAIL": f"{push}@{PUSH_ID_HOST}"}
        run_git(gitdir, "update-ref", REF, new, old, variables=who)
    assert oid_of(gitdir, REF) == made[1]
    return made


def accepted(tmp_path: Path, before: str, after: str, push_id: str | None) -> bool:
    update = RefUpdate(REF, before, after)
    return list_accepted(tmp_path / "demo.git", [update], NO_REPORT, push_id=push_id) == [update]


def test_update_that_another_push_built_upon_is_recorded(tmp_path: Path, oids: list[str]) -> None:
    assert accepted(tmp_path, ZERO, oids[0], "first")


def test_value_that_another_push_brought_is_not_recorded(tmp_path: Path, oids: list[str]) -> None:
    assert accepted(tmp_path, oids[0], oids[1], "second")
    assert not accepted(tmp_path, oids[0], oids[1], "third")
    assert not accepted(tmp_path, oids[1], oids[2], "third")


def test_value_decides_where_no_log_tells_of_pushes(tmp_path: Path, oids: list[str]) -> None:
    assert accepted(tmp_path, oids[0], oids[1], None)
    assert not accepted(tmp_path, ZERO, oids[0], None)
