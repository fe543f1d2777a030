"""A git child run to its end under limits: of time, memory, and bytes written.

Leaving by any error, Ctrl-C too, kills everything that it started.
"""

from __future__ import annotations

import contextlib
import os
import re
import resource
import selectors
import signal
import subprocess
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from wit_admin.errors import TooLargeError, UnavailableError

_TICK_S = 0.5
_READ_BYTES = 64 * 1024
_LINE_END = re.compile(rb"[\r\n]")
_KEPT_LINES = 40
_MAX_OUTPUT_BYTES = 64 * 1024**2


@dataclass(frozen=True, slots=True)
class ChildLimits:
    """The limits of a child."""

    timeout_s: float
    memory_bytes: int
    max_bytes: int | None = None
    """The most bytes in ``folder``."""
    folder: Path | None = None
    nice: int = 0
    """By how much its priority is lower than ours."""


@dataclass(slots=True)
class Ended:
    """A child that has ended."""

    status: int
    output: bytes
    complaints: list[str] = field(default_factory=list)
    """The last lines of its standard error, printable."""


def run_limited(
    line: Sequence[str],
    environment: dict[str, str],
    limits: ChildLimits,
    *,
    tell: Callable[[str], object] = lambda line: None,
    descriptors: Sequence[int] = (),
) -> Ended:
    """Run a child to its end and return what it printed; ``tell`` gets its progress, line by line.

    Raises:
        TooLargeError: It wrote more than it may.
        UnavailableError: It took longer than it may.
    """
    with subprocess.Popen(
        line,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        pass_fds=descriptors,
        process_group=0,
    ) as child:
        try:
            _limit(child.pid, limits)
            ended = _follow(child, limits, tell)
            ended.status = child.wait()
        finally:
            _end(child)
    _check_size(limits)
    return ended


def _end(child: subprocess.Popen[bytes]) -> None:
    """Kill what is left of it; when this returns, none of its processes writes any more."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
    for pipe in (child.stdout, child.stderr):
        while pipe is not None and pipe.read(_READ_BYTES):
            pass


def _limit(pid: int, limits: ChildLimits) -> None:
    bounds = [(resource.RLIMIT_DATA, limits.memory_bytes)]
    if limits.max_bytes is not None:
        # One pack that is too large is stopped by the kernel, between two looks.
        bounds.append((resource.RLIMIT_FSIZE, limits.max_bytes))
    with contextlib.suppress(ProcessLookupError):
        os.setpriority(os.PRIO_PROCESS, pid, os.getpriority(os.PRIO_PROCESS, 0) + limits.nice)
        for kind, most in bounds:
            resource.prlimit(pid, kind, (most, most))


def _follow(
    child: subprocess.Popen[bytes], limits: ChildLimits, tell: Callable[[str], object]
) -> Ended:
    assert child.stdout is not None  # noqa: S101  both are pipes
    assert child.stderr is not None  # noqa: S101
    ended, rest = Ended(0, b""), b""
    deadline = time.monotonic() + limits.timeout_s
    output = bytearray()
    with selectors.DefaultSelector() as selector:
        selector.register(child.stdout, selectors.EVENT_READ)
        selector.register(child.stderr, selectors.EVENT_READ)
        while selector.get_map():
            for key, _ in selector.select(_TICK_S):
                chunk = os.read(key.fd, _READ_BYTES)
                if not chunk:
                    selector.unregister(key.fileobj)
                elif key.fileobj is child.stdout:
                    output += chunk
                else:
                    *lines, rest = _LINE_END.split(rest + chunk)
                    _note(ended, lines, tell)
            if time.monotonic() > deadline:
                raise UnavailableError(f"It took longer than {limits.timeout_s:g} seconds.")
            if len(output) > _MAX_OUTPUT_BYTES or len(rest) > _MAX_OUTPUT_BYTES:
                raise TooLargeError("The source sent too much output.")
            _check_size(limits)
    _note(ended, [rest], tell)
    ended.output = bytes(output)
    return ended


def _note(ended: Ended, lines: list[bytes], tell: Callable[[str], object]) -> None:
    for line in lines:
        text = line.decode("utf-8", "replace").strip()
        if text:
            # The output of a remote must not control the terminal.
            shown = "".join(char if char.isprintable() else "?" for char in text)
            ended.complaints = [*ended.complaints[1 - _KEPT_LINES :], shown]
            tell(shown)


def _check_size(limits: ChildLimits) -> None:
    if limits.folder is None or limits.max_bytes is None:
        return
    if folder_size(limits.folder) > limits.max_bytes:
        raise TooLargeError(f"It is larger than {limits.max_bytes} bytes.")


def folder_size(folder: Path) -> int:
    """Return the bytes in all files below a folder that may be changing meanwhile."""
    total = 0
    for base, _, names in os.walk(folder):
        for name in names:
            with contextlib.suppress(FileNotFoundError):
                total += os.lstat(os.path.join(base, name)).st_size  # noqa: PTH118  thousands of files
    return total
