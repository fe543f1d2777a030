"""What git refuses by a repository's settings is foretold as git then does it."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.support.repositories import commit, git_bytes, new_work
from tests.support.server import git_environment, run_git
from wit_admin.git.pushes.receive_settings import refusal_by_settings

NO_UTF8 = b"refs/heads/caf\xe9"


@pytest.mark.parametrize(
    ("key", "value", "ref", "is_refused"),
    [
        ("denyDeletes", "true", b"refs/heads/side", True),
        ("denyDeletes", "true", b"refs/tags/v1", False),
        ("denyDeletes", "no", b"refs/heads/side", False),
        ("denyDeleteCurrent", "refuse", NO_UTF8, True),
        ("denyDeleteCurrent", "", NO_UTF8, False),
        ("denyDeleteCurrent", "ignore", NO_UTF8, False),
    ],
)
def test_deletions_are_foretold(
    tmp_path: Path, key: str, value: str, ref: bytes, is_refused: bool
) -> None:
    work, bare = new_work(tmp_path / "work"), tmp_path / "bare.git"
    commit(work, "first")
    run_git(tmp_path, "clone", "--quiet", "--bare", str(work), str(bare))
    run_git(bare, "config", f"receive.{key}", value)
    git_bytes(bare, "update-ref", ref, "refs/heads/main")
    if key == "denyDeleteCurrent":
        (bare / "HEAD").write_bytes(b"ref: %b\n" % ref)

    foretold = refusal_by_settings(bare, ref, deletes=True, forces=False)
    push = [b"git", b"-C", bytes(work), b"push", bytes(bare), b":" + ref]
    pushed = subprocess.run(push, capture_output=True, check=False, env=git_environment())

    assert (pushed.returncode != 0, foretold is not None) == (is_refused, is_refused)
