"""Tells fast-forwards from forced updates: is the old commit an ancestor of the new one?

Most pushes add a few commits, which are read here. git searches longer histories, as it has faster
ways. Source: git's remote.c, ``ref_newer``.
"""

from __future__ import annotations

import contextlib
import logging
import re
import time
from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from wit_admin.errors import UnavailableError
from wit_admin.git.children.limited_child import ChildLimits, run_limited
from wit_admin.git.children.tools import GitTools
from wit_admin.git.objects.reader import ObjectReader, TooLargeObjectError
from wit_admin.git.objects.tags import peel
from wit_admin.log import fields

log = logging.getLogger(__name__)

_OID_DIGITS = 40
_STEPS = 500
"""The number of commits read before git is asked; to read more would cost more than git does."""
_NEAR_STEPS = 64
_STEPS_WITHOUT_GIT = 1_000_000
_PATIENCE_S = 20.0
_MAX_COMMIT_BYTES = 64 * 1024
_PARENT = re.compile(rb"^parent ([0-9a-f]{40})$", re.MULTILINE)


class _TooFarError(Exception):
    """The answer needs more than :data:`_STEPS` commits."""


@dataclass(frozen=True, slots=True)
class Ancestry:
    """Tells which of the updates of a push were forced."""

    tools: GitTools

    def find_forced(self, gitdir: Path, moves: Iterable[tuple[str, str]]) -> set[tuple[str, str]]:
        """Return those pairs of old and new id whose new commit does not contain the old one.

        A tag counts as what it points at; an object that is not a commit contains nothing. If the
        histories are so long that git does not answer in time, no forced update is found.
        """
        end = time.monotonic() + _PATIENCE_S
        walk = _Walk(gitdir, _STEPS if self.tools.program.is_git else _STEPS_WITHOUT_GIT)
        forced = set()
        for before, after in moves:
            try:
                contains = walk.contains(before, after)
            except _TooFarError:
                contains = self._ask_git(gitdir, before, after, end - time.monotonic())
            if not contains:
                forced.add((before, after))
        return forced

    def _ask_git(self, gitdir: Path, before: str, after: str, within_s: float) -> bool:
        if not self.tools.program.is_git:
            return True
        # Ignore replacement refs: they are for viewing history, and anybody can push them.
        variables = {"GIT_DIR": str(gitdir), "GIT_NO_REPLACE_OBJECTS": "1"}
        line = self.tools.command("merge-base", "--is-ancestor", before, after)
        environment = self.tools.environment.variables(extra=variables)
        limits = ChildLimits(max(within_s, 0), self.tools.memory_bytes)
        try:
            ended = run_limited(line, environment, limits)
        except UnavailableError:
            log.warning(
                "Whether a push was forced took too long to find out.",
                extra=fields(gitdir=gitdir, old=before, new=after),
            )
            return True
        return ended.status == 0


def find_near(
    gitdir: Path, moves: Iterable[tuple[str, str]], *, apart: str = ""
) -> set[tuple[str, str]]:
    """Return the pairs that are surely fast-forwards over a short distance; others may be, too.

    ``apart`` is a folder of objects that are not in the repository yet.
    """
    walk = _Walk(gitdir, _NEAR_STEPS, apart=apart)
    found = set()
    for before, after in moves:
        with contextlib.suppress(_TooFarError):
            if walk.contains(before, after):
                found.add((before, after))
    return found


class _Walk:
    """Walks the commits of one repository, nearest first, up to :data:`_STEPS` for one answer."""

    def __init__(self, gitdir: Path, steps: int, *, apart: str = "") -> None:
        self._steps = steps
        self._objects = ObjectReader(gitdir, apart=apart)

    def contains(self, before: str, after: str) -> bool:
        """Return whether ``before`` is ``after`` or an ancestor of it."""
        if len(before) != _OID_DIGITS:
            # libgit2 supports no other ids.
            raise _TooFarError
        ids = (before.encode(), after.encode())
        target, tip = (peel(self._objects, oid) or oid for oid in ids)
        if not self._read(target):
            return False
        seen, waiting = {tip}, deque([tip])
        for _ in range(self._steps):
            if not waiting:
                return False
            oid = waiting.popleft()
            if oid == target:
                return True
            parents = _PARENT.findall(self._read(oid))
            waiting.extend(parent for parent in parents if parent not in seen)
            seen.update(parents)
        raise _TooFarError

    def _read(self, oid: bytes) -> bytes:
        """Return the head of a commit; empty if it is not a commit, or missing (shallow clones)."""
        try:
            found = self._objects.read(oid, most_bytes=_MAX_COMMIT_BYTES)
        except TooLargeObjectError:
            raise _TooFarError from None
        if found is None or found.kind != "commit":
            return b""
        return found.content.partition(b"\nauthor ")[0]
