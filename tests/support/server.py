"""A real ``wit-admin serve`` on loopback, and a real git client to try it with."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support import forker
from tests.support.processes import children_of

START_S = 60.0
_STOP_S = 60.0
_GIT_S = 180.0
"""Some commands take in or give out 100 MB, on a machine that has more to do."""
_SHOWN_OF_LOG = 20_000
_started: list[tuple[subprocess.Popen[bytes], Path]] = []
"""The servers of this process, with their logs."""


@dataclass(frozen=True, slots=True)
class RunningServer:
    """A server, and the command line that administers the same forge."""

    url: str
    home: Path
    process: subprocess.Popen[bytes]
    environment: dict[str, str]

    def admin(self, *arguments: str, stdin: str = "") -> str:
        """Run ``wit-admin`` and return what it prints; a failure is an error."""
        result = forker.run(arguments, self.environment, stdin)
        assert result.returncode == 0, result.stderr
        return result.stdout.strip()

    def remote(self, path: str, *, token: str | None = None) -> str:
        """Return the URL of a repository, with a token as the user name if given."""
        host = self.url.removeprefix("http://").rstrip("/")
        return f"http://{token}@{host}/{path}" if token else f"http://{host}/{path}"


def run_git(
    folder: Path,
    *arguments: str,
    check: bool = True,
    variables: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the real git with nothing of the developer's own settings."""
    result = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**git_environment(), **(variables or {})},
        timeout=_GIT_S,
    )
    assert not check or result.returncode == 0, result.stderr
    return result


def git_environment() -> dict[str, str]:
    """Return an environment in which every git run is the same."""
    return {
        "PATH": os.environ["PATH"],
        "HOME": "/nonexistent",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_AUTHOR_NAME": "Ann",
        "GIT_AUTHOR_EMAIL": "ann@example.org",
        "GIT_COMMITTER_NAME": "Ann",
        "GIT_COMMITTER_EMAIL": "ann@example.org",
        "GIT_AUTHOR_DATE": "2026-01-01T00:00:00Z",
        "GIT_COMMITTER_DATE": "2026-01-01T00:00:00Z",
    }


@contextlib.contextmanager
def running_server(
    home: Path,
    *flags: str,
    variables: Sequence[tuple[str, str]] = (),
    launcher: Sequence[str] = (),
) -> Iterator[RunningServer]:
    """Start ``wit-admin serve`` on a free port and stop it by its own process id.

    ``launcher`` is a command line that replaces itself by the one it is given.
    """
    environment = {"PATH": os.environ["PATH"], "WIT_HOME": str(home), **dict(variables)}
    log = home.with_suffix(".log")
    with log.open("wb") as output:
        process = subprocess.Popen(
            [*launcher, sys.executable, "-m", "wit_admin", "serve", "--port", "0", *flags],
            stdout=output,
            stderr=output,
            env={"PYTHONFAULTHANDLER": "1", **environment},
        )
    _started.append((process, log))
    try:
        yield RunningServer(_wait_for_url(process, log), home, process, environment)
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
        _await_end(process)


def forget_ended_servers() -> None:
    """Leave out of :func:`logs_of_servers` those that ended before this."""
    _started[:] = [(process, log) for process, log in _started if process.poll() is None]


def logs_of_servers() -> list[tuple[str, str]]:
    """Return the names and the ends of what running and just ended servers wrote."""
    texts = [(log, log.read_text("utf-8", "replace")) for _, log in _started if log.exists()]
    return [(str(log), text[-_SHOWN_OF_LOG:]) for log, text in texts]


def _await_end(process: subprocess.Popen[bytes]) -> None:
    try:
        process.wait(timeout=_STOP_S)
    except subprocess.TimeoutExpired:
        # They write into their log where they are.
        for pid in (*children_of(process.pid), process.pid):
            os.kill(pid, signal.SIGABRT)
        process.wait(timeout=_STOP_S)
        raise


def _wait_for_url(process: subprocess.Popen[bytes], log: Path) -> str:
    deadline = time.monotonic() + START_S
    while time.monotonic() < deadline:
        # Without what follows it, an address may lack its last digits.
        shown = log.read_text(encoding="utf-8")
        found = re.search(r"Serving ((?:https?://|unix:)[^\s\"]+)[\s\"]", shown)
        if found:
            return found[1]
        assert process.poll() is None, log.read_text(encoding="utf-8")
        time.sleep(0.02)
    raise AssertionError(f"The server did not start: {log.read_text(encoding='utf-8')}")
