"""The real git client, with nothing of the developer's own settings."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.support.server import git_environment

CommandLine = Sequence[str | Path]
"""Arguments of git, without ``git`` itself."""

Settings = Sequence[tuple[str, str]]
"""Keys and values as for ``git -c``, passed in the environment: a token has no place in argv."""

_PATIENCE_S = 600


class GitFailedError(Exception):
    """A git command of the benchmark failed, so its time means nothing."""


def run_git(*arguments: str | Path, settings: Settings = (), stdin: bytes = b"") -> str:
    """Run one git and return what it prints.

    Raises:
        GitFailedError: It failed.
    """
    return run_git_for_bytes(*arguments, settings=settings, stdin=stdin).decode().strip()


def run_git_for_bytes(*arguments: str | Path, settings: Settings = (), stdin: bytes = b"") -> bytes:
    """Run one git whose output is no text; else like :func:`run_git`."""
    environment = git_environment() | {"GIT_CONFIG_COUNT": str(len(settings))}
    for number, (key, value) in enumerate(settings):
        environment[f"GIT_CONFIG_KEY_{number}"] = key
        environment[f"GIT_CONFIG_VALUE_{number}"] = value
    result = subprocess.run(
        ["git", *arguments],
        input=stdin,
        capture_output=True,
        check=False,
        env=environment,
        timeout=_PATIENCE_S,
    )
    if result.returncode != 0:
        line = " ".join(map(str, arguments))
        raise GitFailedError(f"git {line}: {result.stderr.decode('utf-8', 'replace').strip()}")
    return result.stdout


def run_all_at_once(command_lines: Sequence[CommandLine], settings: Settings) -> None:
    """Start all these gits together and wait for the last.

    Raises:
        GitFailedError: One failed.
    """
    with ThreadPoolExecutor(len(command_lines)) as pool:
        runs = [pool.submit(run_git, *line, settings=settings) for line in command_lines]
    for run in runs:
        run.result()
