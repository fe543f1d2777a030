"""What stock git pushes every day is taken without a git process, and recorded like the rest."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tests.support.accounts import make_account
from tests.support.repositories import commit, new_work, oid_of
from tests.support.server import run_git, running_server

pytestmark = pytest.mark.e2e


def test_commit_on_a_branch_needs_no_process(tmp_path: Path) -> None:
    calls, program = tmp_path / "calls", tmp_path / "git"
    calls.touch()
    program.write_text(f'#!/bin/sh\necho "$1" >> {calls}\nexec {shutil.which("git")} "$@"\n')
    program.chmod(0o755)
    work = new_work(tmp_path / "work")
    first = commit(work, "first")
    with running_server(tmp_path / "home", variables=[("WIT_GIT", str(program))]) as server:
        url = server.remote("alice/demo", token=make_account(server))
        run_git(work, "push", "--quiet", url, "main")
        calls.write_text("")

        pushed = []
        for number in range(3):
            pushed.append(commit(work, f"change {number}"))
            run_git(work, "push", "--quiet", url, "main")
        by_server = calls.read_text()
        run_git(work, "push", "--quiet", "--push-option=x", url, "main:other")
        rows = json.loads(server.admin("activity", "list", "alice/demo", "--json"))

    gitdir = tmp_path / "home/repos/alice/demo.git"
    assert by_server == ""
    assert "receive-pack" in calls.read_text()
    assert oid_of(gitdir, "refs/heads/main") == pushed[-1]
    run_git(gitdir, "fsck", "--full", "--strict")
    recorded = [row["after"] for row in rows if row["ref"] == "refs/heads/main"]
    assert recorded[::-1] == [first, *pushed]
