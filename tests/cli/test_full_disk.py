"""A disk that takes nothing more: a sentence, what to do, exit code 4, and nothing half-done."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support import forker
from tests.support.builders import make_user
from tests.support.listing import contents_below
from wit_admin.db.models.repositories import Visibility
from wit_admin.names import RepoName
from wit_admin.services.repositories.creation import RepositoryOrder, create_repository

NEED_NO_DISK = ("user create bob", "repo delete alice/demo --yes")
"""Where the database is elsewhere. Deleting moves the folder first; run again it does the rest."""


@pytest.fixture
def home(database_url: str, sessions: sessionmaker[Session], tmp_path: Path) -> tuple[Path, str]:
    """A home with an account and a repository."""
    with sessions.begin() as session:
        make_user(session)
    order = RepositoryOrder(Visibility.PRIVATE)
    create_repository(sessions, tmp_path / "home/repos", RepoName("alice", "demo"), order)
    return tmp_path / "home", database_url


def environment(home: Path, url: str) -> dict[str, str]:
    return {**os.environ, "WIT_HOME": str(home), "DATABASE_URL": url}


def run_on_full_disk(home: Path, url: str, arguments: str) -> tuple[int, str]:
    """Run a command that may not write into files."""
    done = subprocess.run(
        ["sh", "-c", f'ulimit -f 0; exec "$0" -m wit_admin {arguments}', sys.executable],
        env=environment(home, url),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        "user create bob",
        "repo create alice/other",
        "repo rename alice/demo other",
        "repo visibility alice/demo public",
        "repo delete alice/demo --yes",
        "sync-repos",
    ],
)
def test_disk_that_is_full_is_told_and_leaves_nothing_half_done(
    home: tuple[Path, str], arguments: str
) -> None:
    folder, url = home
    before = dict(contents_below(folder / "repos"))

    code, said = run_on_full_disk(folder, url, arguments)
    after = dict(contents_below(folder / "repos"))
    again = forker.run(arguments.split(), environment(folder, url)).returncode

    if url.startswith("postgresql") and arguments in NEED_NO_DISK:
        assert code == 0, said
        return
    assert code == 4, said
    assert said.startswith("Error: ")
    assert "\nHint: " in said
    assert after == before or "delete" in arguments
    assert again == 0
