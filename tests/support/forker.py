"""Runs ``wit-admin`` without its start: each is forked from a process that has loaded everything.

It is a process of its own, with its own arguments, environment and files. Loading takes longer than
most commands, which are here so that something is there; and kills hit the work. What comes of a
start is found by the tests of the command line, which start the program itself.
"""

from __future__ import annotations

import atexit
import functools
import json
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from threading import Lock
from typing import IO

from tests.support.processes import PATIENCE_S
from tests.support.terminal import ROOT

_one_at_a_time = Lock()
_PROGRAM = """
import importlib, json, os, pkgutil, signal, socket, sys, traceback
import argon2, psycopg, pygit2, sqlalchemy.dialects.postgresql.psycopg
import sqlalchemy.dialects.sqlite.pysqlite
import wit_admin
for module in pkgutil.walk_packages(wit_admin.__path__, "wit_admin."):
    if ".migrations." not in module.name and not module.name.endswith("__main__"):
        importlib.import_module(module.name)
from wit_admin.__main__ import main

# As in the tests' own process.
os.fsync = lambda _: None
door = socket.socket(fileno=int(sys.argv[1]))
signal.signal(signal.SIGCHLD, signal.SIG_IGN)
while True:
    order, files, _, _ = socket.recv_fds(door, 1 << 16, 4, socket.MSG_CMSG_CLOEXEC)
    if not order:
        break
    pid = os.fork()
    if pid:
        for file in files:
            os.close(file)
        door.send(str(pid).encode())
        continue
    door.close()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number in range(3):
        os.dup2(files[number], number)
    arguments, environment = json.loads(order)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["wit-admin", *arguments]
    code = 70
    try:
        main()
    except SystemExit as end:
        code = end.code or 0
    except BaseException:
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    os.write(files[3], bytes([code]))
    os._exit(code)
"""


@dataclass(frozen=True, slots=True)
class Forked:
    """A command at work."""

    pid: int
    _status: int
    """Of a pipe through which its exit code comes; it ends with the process."""
    _out: IO[str]
    _err: IO[str]

    def finish(self) -> subprocess.CompletedProcess[str]:
        """Wait for the end; a command that was killed has the code that shells show."""
        assert self._has_ended(within_s=PATIENCE_S), "It did not end."
        code = os.read(self._status, 1)
        os.close(self._status)
        said = []
        for file in (self._out, self._err):
            file.seek(0)
            said.append(file.read())
            file.close()
        number = code[0] if code else 128 + signal.SIGKILL
        return subprocess.CompletedProcess([], number, said[0], said[1])

    def kill(self, *, after_s: float) -> None:
        """Kill it so long after this, unless it has ended by then."""
        if not self._has_ended(within_s=after_s):
            with suppress(ProcessLookupError):
                os.kill(self.pid, signal.SIGKILL)
        self.finish()

    def _has_ended(self, *, within_s: float) -> bool:
        return bool(select.select([self._status], [], [], within_s)[0])


def start(arguments: Sequence[str], environment: Mapping[str, str], given: str = "") -> Forked:
    """Start a command with nothing but this environment; it reads ``given``."""
    files = [tempfile.TemporaryFile("w+", encoding="utf-8") for _ in range(3)]  # noqa: SIM115
    status, written = os.pipe()
    try:
        files[0].write(given)
        files[0].seek(0)
        order = json.dumps([arguments, dict(environment)]).encode()
        numbers = [*(file.fileno() for file in files), written]
        with _one_at_a_time:
            socket.send_fds(_door(), [order], numbers)
            pid = int(_door().recv(64))
    finally:
        files[0].close()
        os.close(written)
    return Forked(pid, status, *files[1:])


def run(
    arguments: Sequence[str], environment: Mapping[str, str], given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Run a command to its end."""
    return start(arguments, environment, given).finish()


@functools.cache
def _door() -> socket.socket:
    """Start the process that forks; it ends when this one does."""
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    with theirs:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(theirs.fileno())],
            cwd=ROOT,
            env={"PATH": os.environ["PATH"]},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            pass_fds=[theirs.fileno()],
        )

    def end() -> None:
        ours.close()
        process.wait(PATIENCE_S)

    atexit.register(end)
    return ours
