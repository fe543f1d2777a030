"""Repositories for tests to push and serve, made with the real git."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.support.server import git_environment, run_git


def new_work(folder: Path, *options: str) -> Path:
    """Make a repository with a working tree on ``main``, without commits."""
    folder.mkdir(parents=True)
    run_git(folder, "init", "--quiet", "--initial-branch=main", *options)
    return folder


def commit(folder: Path, text: str, name: str = "file.txt") -> str:
    """Commit a file with this text, and return the commit's id."""
    (folder / name).write_text(text, encoding="utf-8")
    run_git(folder, "add", name)
    run_git(folder, "commit", "--quiet", "-m", text)
    return oid_of(folder, "HEAD")


def oid_of(folder: Path, revision: str) -> str:
    """Return the object id that a revision means."""
    return run_git(folder, "rev-parse", "--verify", revision).stdout.strip()


def all_refs(folder: Path) -> str:
    """Return each ref with its id, one a line, sorted by name."""
    return run_git(folder, "for-each-ref", "--format=%(objectname) %(refname)").stdout


def git_bytes(folder: Path, *arguments: str | bytes, stdin: bytes = b"") -> bytes:
    """Run git for names that are no text, and return what it prints."""
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=git_environment(),
        timeout=120,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout


def listing(location: str, *options: str, version: int = 2) -> bytes:
    """Return what ``git ls-remote`` prints of a URL or path, symbolic refs shown."""
    chosen = f"protocol.version={version}"
    return git_bytes(Path("/"), "-c", chosen, "ls-remote", "--symref", *options, location)
