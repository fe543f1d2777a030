"""Looks at thousands of repositories, with the help of a second process where there are two cores.

A look is nearly all system calls, and a first sync spends half of its time with them. The helper
only reads. It is a program of its own and no fork, so it has none of this process's connections,
and it ends with the pipe from which it is told what to look at. Whatever becomes of it, what it
did not answer is looked at here: what is found is the same with and without it.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
from contextlib import suppress
from typing import IO, Self

from wit_admin.git import glance_helper
from wit_admin.git.glance_helper import Look, look
from wit_admin.git.program import own_program

log = logging.getLogger(__name__)

WORTH_A_HELPER = 1000
"""So many looks take longer than it takes to start one."""
_CHUNK = 100
"""How many it is given at once: milliseconds, for which it may have to be waited at the end."""
_HANDED_OVER = 0.8
"""Which share it gets while other work is done here. With the rest it is given time to end."""
_PIECE = 10
"""How many are looked at here before it is seen whether the helper has answered."""


class Glances:
    """Looks at many repositories; the helper, once there is one, stays for the next many."""

    def __init__(self) -> None:
        """Start nothing yet."""
        self._paths: list[str] = []
        self._looks: list[Look] = []
        """At the first of them, by the helper."""
        self._asked = 0
        """How many of those that follow it looks at now."""
        self._helper: _Helper | None = None
        self._may_start = _count_cores() > 1

    def __enter__(self) -> Self:
        """Return itself, to be closed in the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the helper."""
        if self._helper is not None:
            self._helper.end()

    @property
    def helper_pid(self) -> int | None:
        """The process that helps; ``None`` while all is done without."""
        return self._helper.pid if self._helper is not None else None

    def add(self, path: str) -> None:
        """Note a folder to look into; the helper begins with it while more are found."""
        self._paths.append(path)
        if len(self._paths) % _PIECE == 0:
            self._tend(len(self._paths))

    def hand_over(self) -> None:
        """Leave most of what was added to the helper, while this process has other work."""
        if self._asked:
            self._take_answer()
        self._ask(int((len(self._paths) - len(self._looks)) * _HANDED_OVER))

    def take(self) -> list[Look]:
        """Look into what is left, and return all that was seen since the last time, in order."""
        paths, here, end = self._paths, [], len(self._paths)
        while end > (begun := len(self._looks) + self._asked):
            # From the end, as the helper comes from the beginning.
            start = max(end - _PIECE, begun)
            here.append([look(path) for path in paths[start:end]])
            end = start
            self._tend(end)
        if self._asked:
            self._take_answer()
        looks = self._looks
        for piece in reversed(here):
            looks += piece
        self._paths, self._looks = [], []
        return looks

    def _tend(self, end: int) -> None:
        """Keep the helper busy with what nobody has looked at yet, up to ``end``."""
        if self._may_start and end >= WORTH_A_HELPER:
            self._may_start = False
            self._helper = _start()
        if self._asked and self._helper is not None and self._helper.has_answered():
            self._take_answer()
        if not self._asked and end - len(self._looks) > _CHUNK:
            self._ask(_CHUNK)

    def _ask(self, count: int) -> None:
        begun = len(self._looks)
        if self._helper is not None and count:
            self._asked = count
            self._helper.ask(self._paths[begun : begun + count])

    def _take_answer(self) -> None:
        assert self._helper is not None  # noqa: S101  it was asked
        begun = len(self._looks)
        try:
            self._looks += self._helper.answer()
        except (OSError, EOFError) as error:
            log.warning("The process that helped to look at repositories is gone: %r.", error)
            self._helper.end()
            self._helper = None
            self._looks += map(look, self._paths[begun : begun + self._asked])
        self._asked = 0


class _Helper:
    """The second process, which is asked one thing at a time."""

    def __init__(self, process: subprocess.Popen[bytes], to: IO[bytes], by: IO[bytes]) -> None:
        self.pid = process.pid
        self._process, self._to, self._by = process, to, by
        self._poll = select.poll()
        self._poll.register(by)

    def ask(self, paths: list[str]) -> None:
        with suppress(OSError):  # that it is gone is seen where it should answer
            glance_helper.ask(self._to, paths)

    def has_answered(self) -> bool:
        return bool(self._poll.poll(0))

    def answer(self) -> list[Look]:
        return glance_helper.hear(self._by)

    def end(self) -> None:
        # It writes nothing that could be left half done.
        self._process.kill()
        self._process.wait()
        self._by.close()
        with suppress(OSError):
            self._to.close()


def _start() -> _Helper | None:
    try:
        process = subprocess.Popen(
            own_program(glance_helper.__name__, glance_helper.serve.__name__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C is for the parent, with which it ends
        )
    except OSError:  # there are too many processes already
        return None
    assert process.stdin is not None  # noqa: S101  asked for above
    assert process.stdout is not None  # noqa: S101
    return _Helper(process, process.stdin, process.stdout)


def _count_cores() -> int:
    if hasattr(os, "sched_getaffinity"):  # Linux: those that this process may use
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
