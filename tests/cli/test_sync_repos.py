"""``wit-admin sync-repos``: what it prints, asks and ends with."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path

import pytest

from tests.support import forker
from wit_admin.git.repositories import storage


@pytest.fixture
def root(database_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Three repositories that the database does not know."""
    monkeypatch.setenv("DATABASE_URL", database_url)
    for name in "abc":
        storage.create_bare(tmp_path / "wit/repos", f"alice/{name}.git")
    return tmp_path / "wit/repos"


def sync(*arguments: str, code: int = 0) -> tuple[str, str]:
    ended = forker.run(["sync-repos", *arguments], os.environ)
    assert ended.returncode == code, ended.stderr
    return ended.stdout, ended.stderr


def test_dry_run_shows_each_action_and_does_nothing(root: Path) -> None:
    shown, _ = sync("--dry-run")
    plan = json.loads(sync("--dry-run", "--json")[0])

    assert [line.split("\t")[:2] for line in shown.splitlines()] == [
        ["owner", "alice"],
        ["adopt", "alice/a"],
        ["adopt", "alice/b"],
        ["adopt", "alice/c"],
    ]
    assert plan["counts"] == {"owner": 1, "adopt": 3}
    assert json.loads(sync("--json")[0])["done"] == {"owner": 1, "adopt": 3}


def test_pruning_asks_unless_it_is_told_not_to(root: Path) -> None:
    sync()
    shutil.rmtree(root / "alice/a.git")
    prune = ("--prune", "--max-prune", "50")

    assert "--yes" in sync(*prune, code=2)[1]
    assert "--yes" in sync(*prune, "--no-input", code=2)[1]
    assert sync(*prune, "--yes")[0] == "prune\t1\n"
    assert sync(*prune)[1] == "Nothing was changed.\n"


def test_guard_refuses_with_the_numbers(root: Path) -> None:
    sync()
    shutil.rmtree(root / "alice/a.git")

    _, said = sync("--prune", "--yes", "--json", code=1)

    assert "1 of 3" in json.loads(said)["error"]["message"]


def test_what_failed_is_told_and_the_rest_is_done(root: Path) -> None:
    config = root / "alice/b.git/config"
    config.unlink()
    config.symlink_to("HEAD")
    (root / os.fsdecode(b"alice/\xff.git")).mkdir()

    out, said = sync("--json", code=5)

    assert json.loads(out)["done"] == {"owner": 1, "adopt": 2}
    assert [remark["target"] for remark in json.loads(out)["remarks"]] == ["alice/b.git"]
    assert json.loads(said)["error"]["kind"] == "batch"
