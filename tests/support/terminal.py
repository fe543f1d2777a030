"""The command line as a process: on a terminal, in a pipe, interrupted."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

DEADLINE_S = 60.0
ROOT = Path(__file__).parent.parent.parent


def start(arguments: Sequence[str | bytes], **how: Any) -> subprocess.Popen[bytes]:
    """Start ``wit-admin``; whatever is not said goes through a pipe."""
    pipes = dict.fromkeys(("stdout", "stderr"), subprocess.PIPE)
    return subprocess.Popen([sys.executable, "-m", "wit_admin", *arguments], **{**pipes, **how})


def make_program(folder: Path) -> str:
    """Put a ``wit-admin`` that runs this source into ``folder``; return a PATH that finds it."""
    program = folder / "wit-admin"
    program.write_text(f'#!/bin/sh\nPYTHONPATH={ROOT} exec {sys.executable} -P -m wit_admin "$@"\n')
    program.chmod(0o755)
    return f"{folder}:{os.environ['PATH']}"


def run_on_terminal(arguments: Sequence[str], variables: Mapping[str, str]) -> str:
    """Return what ``wit-admin`` shows on a terminal of 80 columns."""
    ours, theirs = pty.openpty()
    process = start(
        arguments, stdin=theirs, stdout=theirs, stderr=theirs, env={**os.environ, **variables}
    )
    os.close(theirs)
    shown = read_until_closed(ours)
    assert process.wait(DEADLINE_S) == 0, shown
    return shown.decode().replace("\r\n", "\n")


def read_until_closed(terminal: int) -> bytes:
    """Read all that a terminal shows until nobody has it open."""
    shown = b""
    try:
        while chunk := os.read(terminal, 4096):
            shown += chunk
    except OSError:
        # So Linux says that the other side is closed.
        pass
    finally:
        os.close(terminal)
    return shown


def read_until(pipe: Any, expected: bytes) -> bytes:
    """Read a pipe until ``expected`` has come."""
    shown = b""
    deadline = time.monotonic() + DEADLINE_S
    while expected not in shown:
        assert time.monotonic() < deadline, shown
        chunk = os.read(pipe.fileno(), 4096)
        assert chunk, shown
        shown += chunk
    return shown
