"""Runs ``wit-admin`` again and again without its start: for kills that are to hit its work."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from tests.support.processes import is_running, wait_until
from tests.support.terminal import ROOT

_PROGRAM = """
import json, os, signal, sys
import pygit2, psycopg
import wit_admin.cli.sync, wit_admin.cli.sync_repos, wit_admin.forge_jobs
from wit_admin.__main__ import main
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    pid = os.fork()
    if pid:
        print(pid, flush=True)
        continue
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    folder = sys.argv[1]
    log = os.open(f"{folder}/{os.getpid()}.log", os.O_WRONLY | os.O_CREAT)
    os.dup2(log, 1)
    os.dup2(log, 2)
    sys.argv = ["wit-admin", *json.loads(line)]
    try:
        main()
        code = 0
    except SystemExit as end:
        code = end.code or 0
    sys.stdout.flush()
    with open(f"{folder}/{os.getpid()}.exit", "w") as file:
        file.write(str(code))
    os._exit(0)
"""


@dataclass(frozen=True, slots=True)
class Forker:
    """A process that has loaded everything, and forks one for each command."""

    orders: IO[str]
    answers: IO[str]
    folder: Path

    def start(self, *arguments: str) -> int:
        """Start a command and return its process id."""
        self.orders.write(json.dumps(arguments) + "\n")
        self.orders.flush()
        return int(self.answers.readline())

    def finish(self, pid: int) -> tuple[int, str]:
        """Wait for a command to end; return its exit code and all that it printed."""
        wait_until(lambda: not is_running(pid))
        code = int((self.folder / f"{pid}.exit").read_text())
        return code, (self.folder / f"{pid}.log").read_text()

    def kill(self, pid: int, *, after_s: float) -> None:
        """Kill a command so long after its start, unless it has ended by then."""
        deadline = time.monotonic() + after_s
        with suppress(AssertionError):
            wait_until(lambda: not is_running(pid), within_s=deadline - time.monotonic())
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not is_running(pid))


@contextmanager
def forker(folder: Path, variables: Mapping[str, str]) -> Iterator[Forker]:
    """Start one; ``folder`` takes what commands print."""
    folder.mkdir()
    with subprocess.Popen(
        [sys.executable, "-c", _PROGRAM, str(folder)],
        cwd=ROOT,
        env={**os.environ, **variables},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Forker(process.stdin, process.stdout, folder)
        process.stdin.close()
        process.wait(30)
