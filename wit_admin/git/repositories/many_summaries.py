"""Summarizes thousands of repositories, with a helper process if there are two cores.

A summary consists of system calls, which take half of the time of a first sync. The helper only
reads. It is a separate program, not a fork, so it has none of this process's connections, and it
ends when its request pipe is closed. If it dies, this process summarizes what it left unanswered,
so the results are the same with and without it.
"""

from __future__ import annotations

import logging
import os
import select
import subprocess
from contextlib import suppress
from typing import IO, Self

from wit_admin.git.children.program import own_program
from wit_admin.git.repositories import summary_helper
from wit_admin.git.repositories.summary_helper import Look, look
from wit_admin.log import fields

log = logging.getLogger(__name__)

WORTH_A_HELPER = 1000
"""From this number of repositories on, a helper saves more time than its start takes."""
_CHUNK = 100
"""How many repositories one request has: a few milliseconds, the longest wait at the end."""
_HANDED_OVER = 0.8
"""The helper's share while this process does other work. Then this process does the rest while
the helper finishes."""
_PIECE = 10
"""How many this process summarizes between two checks for the helper's answer."""


class Summaries:
    """Summarizes many repositories, part by part; the helper runs until the end."""

    def __init__(self) -> None:
        """Begin without a helper; :meth:`add` starts it when there is enough work."""
        self._paths: list[str] = []
        self._looks: list[Look] = []
        """The helper's answers, for the first of the paths."""
        self._asked = 0
        """How many of the following paths the helper works on now."""
        self._helper: _Helper | None = None
        self._may_start = _count_cores() > 1

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the helper."""
        if self._helper is not None:
            self._helper.end()

    @property
    def helper_pid(self) -> int | None:
        """The id of the helper process; ``None`` if there is none."""
        return self._helper.pid if self._helper is not None else None

    def add(self, path: str) -> None:
        """Add a folder; the helper may begin with it while the caller finds more."""
        self._paths.append(path)
        if len(self._paths) % _PIECE == 0:
            self._tend(len(self._paths))

    def hand_over(self) -> None:
        """Give most of the folders to the helper while this process does other work."""
        if self._asked:
            self._take_answer()
        self._ask(int((len(self._paths) - len(self._looks)) * _HANDED_OVER))

    def take(self) -> list[Look]:
        """Summarize the remaining folders, and return all results since the last call, in order."""
        paths, here, end = self._paths, [], len(self._paths)
        while end > (begun := len(self._looks) + self._asked):
            # This process works from the end, and the helper from the beginning.
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
        """Keep the helper busy with the folders before ``end``."""
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
            log.warning(
                "The process that helped to look at repositories is gone.",
                extra=fields(reason=repr(error)),
            )
            self._helper.end()
            self._helper = None
            self._looks += map(look, self._paths[begun : begun + self._asked])
        self._asked = 0


class _Helper:
    """The helper process; it gets one request at a time."""

    def __init__(self, process: subprocess.Popen[bytes], to: IO[bytes], by: IO[bytes]) -> None:
        self.pid = process.pid
        self._process, self._to, self._by = process, to, by
        self._poll = select.poll()
        self._poll.register(by)

    def ask(self, paths: list[str]) -> None:
        with suppress(OSError):  # if it is gone, reading its answer will show it
            summary_helper.ask(self._to, paths)

    def has_answered(self) -> bool:
        return bool(self._poll.poll(0))

    def answer(self) -> list[Look]:
        return summary_helper.hear(self._by)

    def end(self) -> None:
        # It writes no files, so it can be killed at any point.
        self._process.kill()
        self._process.wait()
        self._by.close()
        with suppress(OSError):
            self._to.close()


def _start() -> _Helper | None:
    try:
        process = subprocess.Popen(
            own_program(summary_helper.__name__, summary_helper.serve.__name__),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            process_group=0,  # Ctrl-C must reach only the parent, which ends it
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
