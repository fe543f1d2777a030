"""``wit-admin sync``: a round of jobs for cron, one at a time, of which none stops the others."""

from __future__ import annotations

import json
import os
import pty
from pathlib import Path

import pytest

from tests.support import forker
from tests.support.jj_writer import JjWriter
from tests.support.processes import wait_until
from tests.support.terminal import read_until, start
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.git.repositories import storage
from wit_admin.services.locks import Lock

JOBS = [
    "journal",
    "sync-repos",
    "changes",
    "watch",
    "expiry",
    "trash",
    "gc",
    "counters",
    "leftovers",
]


@pytest.fixture
def root(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root with one repository that the database does not know."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    storage.create_bare(tmp_path / "wit/repos", "alice/demo.git")
    return tmp_path / "wit/repos"


def sync(*arguments: str, code: int = 0) -> tuple[str, str]:
    ended = forker.run(["sync", *arguments], os.environ)
    assert ended.returncode == code, ended.stderr
    return ended.stdout, ended.stderr


def test_jobs_are_listed_without_doing_any(root: Path) -> None:
    listed = json.loads(sync("--list", "--json")[0])

    assert [job["name"] for job in listed] == JOBS
    assert [line.split("\t")[0] for line in sync("--list")[0].splitlines()] == JOBS
    assert not (root / ".wit-root").exists()


def test_each_job_tells_what_it_did(root: Path) -> None:
    writer = JjWriter(root / "alice/demo")
    writer.publish(writer.view(writer.commit()))

    reports = json.loads(sync("--json")[0])["jobs"]

    assert [(report["name"], report["state"]) for report in reports] == [
        (name, "done") for name in JOBS
    ]
    counts = {report["name"]: report["counts"] for report in reports}
    assert counts["sync-repos"] == {"owner": 1, "adopt": 1}
    assert counts["watch"] == {"synced": 1}
    assert (
        sync("--only", "sync-repos", "--only", "trash")[0] == "sync-repos\tdone\t\ntrash\tdone\t\n"
    )


def test_job_that_fails_does_not_stop_the_others(root: Path) -> None:
    sync()
    root.rename(root.with_name("away"))

    out, said = sync("--json", code=5)

    reports = json.loads(out)["jobs"]
    assert [report["name"] for report in reports] == JOBS
    assert {report["name"]: report["error"] for report in reports if report["error"]}.keys() >= {
        "sync-repos"
    }
    assert reports[3]["state"] == "done"
    assert "failed, first sync-repos: There is no folder" in json.loads(said)["error"]["message"]


def test_second_at_the_same_time_says_so_and_ends_well(root: Path, database_url: str) -> None:
    engine = open_engine(database_url)
    sessions, run_dir = make_sessions(engine), root.parent / "run"
    with Lock(sessions, run_dir, "sync").hold():
        out, said = sync()
    with Lock(sessions, run_dir, "sync-repos").hold():
        reports = json.loads(sync("--json", "--only", "sync-repos")[0])["jobs"]
    engine.dispose()

    assert (out, said) == ("", "Another sync is running; this one has nothing to do.\n")
    assert [report["state"] for report in reports] == ["busy"]


def test_job_that_is_unknown_is_refused_with_those_there_are(root: Path) -> None:
    assert ", ".join(JOBS) in sync("--only", "nonsense", code=2)[1]


def test_dry_run_shows_what_jobs_would_do_and_does_nothing(root: Path) -> None:
    plan = json.loads(sync("--dry-run", "--json")[0])
    again = json.loads(sync("--dry-run", "--json", "--only", "sync-repos")[0])

    assert plan["counts"] == {"owner": 1, "adopt": 1}
    assert again["actions"] == plan["actions"]
    told = [remark["target"] for remark in plan["remarks"]]
    assert told == [name for name in JOBS if name not in {"sync-repos", "trash", "gc"}]
    assert not (root / ".wit-root").exists()


def test_person_is_asked_before_anything_is_removed_for_good(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sync()
    admin("repo", "delete", "alice/demo", "--yes")
    monkeypatch.setenv("WIT_TRASH_AGE", "1s")
    wait_until(lambda: "alice/demo" in sync("--only", "trash", "--dry-run")[0])

    ours, theirs = pty.openpty()
    with start(["sync", "--only", "trash"], stdin=theirs, env=os.environ) as process:
        asked = read_until(process.stderr, b"[y/N] ")
        os.write(ours, b"n\n")
        refused = process.wait(60)
    os.close(ours)
    os.close(theirs)
    unasked = sync("--only", "trash", "--no-input", code=2)[1]
    harmless = sync("--only", "counters", "--no-input")[0]

    assert b"alice/demo: " in asked
    assert b"Remove them for good?" in asked
    assert refused == 1
    assert "Add --yes." in unasked
    assert harmless == "counters\tdone\t\n"
    assert sync("--only", "trash", "--no-input", "--yes")[0] == "trash\tdone\tpurge=1\n"


def admin(*arguments: str) -> None:
    assert forker.run(arguments, os.environ).returncode == 0
