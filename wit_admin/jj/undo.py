"""Finds the operations that are undone; jj does not mark them, so their descriptions are read.

An operation is undone if it is an ancestor of the present one, but the present state has nothing of
it any more.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Literal

from wit_admin.jj.ids import ROOT_OPERATION_ID, OperationId
from wit_admin.jj.operations import Operation

_JUMP = re.compile(r"(?:undo: |redo: |)restore to operation ([0-9a-f]{128})", re.ASCII)
_INVERSE = re.compile(r"(?:undo|revert) operation ([0-9a-f]{128})", re.ASCII)
_WHAT = re.compile(r"(?:^| )--what(?:[= ]([^ ]*)|$)")
_EVERYTHING = {"repo", "remote-tracking"}


@dataclass(frozen=True, slots=True)
class Effect:
    """The effect of an undo, redo, revert or restore of operations."""

    kind: Literal["inverse", "jump"]
    """``inverse`` reverted one operation; ``jump`` restored the state after one."""
    target: OperationId
    """As in the description: it may be the root operation, or one that no longer exists."""


@dataclass(frozen=True, slots=True)
class Step:
    """The part of an operation that decides what is undone."""

    parents: tuple[OperationId, ...]
    end_ms: int
    effect: Effect | None


def parse_effect(operation: Operation) -> Effect | None:
    """Return what an operation undid; ``None`` for an ordinary one, or limited by ``--what``."""
    what = set(_WHAT.findall(operation.attributes.get("args", "")))
    if what and not what >= _EVERYTHING:
        return None
    jump = _JUMP.fullmatch(operation.description)
    if jump is not None:
        return Effect("jump", jump[1])
    inverse = _INVERSE.fullmatch(operation.description)
    return Effect("inverse", inverse[1]) if inverse is not None else None


def to_step(operation: Operation) -> Step:
    """Return the part of an operation that :func:`find_undone` needs."""
    return Step(operation.parents, operation.end.ms, parse_effect(operation))


FindPresent = Callable[[OperationId], OperationId | None]
"""Returns the id in the log of an operation that a text names; ``None`` if it is not there."""


def _unknown(_: OperationId) -> None:
    """Return ``None``: no operation has a newer id."""


def find_undone(
    steps: Mapping[OperationId, Step],
    heads: Iterable[OperationId],
    *,
    find_stale: FindPresent = _unknown,
) -> set[OperationId]:
    """Return which of ``steps``, all that led to ``heads``, are undone.

    ``op abandon`` gives operations new ids, but old texts keep the old ones: ``find_stale`` is
    asked for the present id of one that is not among ``steps``. What it does not find has no
    effect.
    """

    def find_present(target: OperationId) -> OperationId | None:
        return target if target in steps else find_stale(target)

    walk = _Walk(steps.get, heads, find_present)
    while walk.waiting:
        walk.advance()
    return steps.keys() - walk.live


def compare_undone(
    read: Callable[[OperationId], Step],
    old_heads: Iterable[OperationId],
    new_heads: Iterable[OperationId],
    *,
    find_old: FindPresent,
    find_new: FindPresent,
) -> tuple[set[OperationId], set[OperationId]]:
    """Return which operations count at ``new_heads`` only, and which did at ``old_heads`` only.

    Costs what lies between the two, and as far back as what was undone: from where both walks wait
    for the same, they go the same way. Texts are looked up in the log of their time: what one
    names may have been abandoned then, and be there again.
    """
    kept = cache(read)
    old, new = _Walk(kept, old_heads, find_old), _Walk(kept, new_heads, find_new)
    while not _agree(old, new):
        latest = min(walk.waiting[0] for walk in (old, new) if walk.waiting)
        for walk in (old, new):
            if walk.waiting and walk.waiting[0] == latest:
                walk.advance()
    return new.live - old.live, old.live - new.live


def _agree(old: _Walk, new: _Walk) -> bool:
    """Return whether two walks have the same left to do, if the clocks of operations are right."""
    if sorted(old.waiting) != sorted(new.waiting):
        return False
    if not old.waiting:
        return True
    now = old.waiting[0][0]
    # Operations later than all that wait will not be met any more.
    return old.is_past((old.seen ^ new.seen) | (old.cancelled ^ new.cancelled), now)


class _Walk:
    """Goes back from heads over all operations that count, the latest first."""

    def __init__(
        self,
        read: Callable[[OperationId], Step | None],
        heads: Iterable[OperationId],
        find_present: FindPresent,
    ) -> None:
        self.live: set[OperationId] = set()
        self.cancelled: set[OperationId] = set()
        self.seen: set[OperationId] = {ROOT_OPERATION_ID}
        self.waiting: list[tuple[int, OperationId]] = []
        self._read = read
        self._find_present = find_present
        self._visit(heads)

    def advance(self) -> None:
        """Visit the latest operation that waits."""
        _, operation_id = heapq.heappop(self.waiting)
        step = self._step(operation_id)
        if operation_id in self.cancelled:
            self._visit(step.parents)
            return
        self.live.add(operation_id)
        target = self._target(step.effect)
        if step.effect is None or target is None:
            self._visit(step.parents)
        elif step.effect.kind == "jump":
            self._visit([target])
        else:
            self.cancelled.add(target)
            self._visit(step.parents)

    def is_past(self, operation_ids: Iterable[OperationId], now: int) -> bool:
        """Return whether all of these are later than ``now``, a time as in :attr:`waiting`."""
        return all(
            -self._step(operation_id).end_ms < now
            for operation_id in operation_ids
            if operation_id != ROOT_OPERATION_ID
        )

    def _visit(self, operation_ids: Iterable[OperationId]) -> None:
        for operation_id in operation_ids:
            if operation_id not in self.seen:
                step = self._read(operation_id)
                if step is not None:
                    self.seen.add(operation_id)
                    heapq.heappush(self.waiting, (-step.end_ms, operation_id))

    def _step(self, operation_id: OperationId) -> Step:
        step = self._read(operation_id)
        assert step is not None  # noqa: S101  it was met, or is in the log
        return step

    def _target(self, effect: Effect | None) -> OperationId | None:
        if effect is None or effect.target == ROOT_OPERATION_ID:
            return None if effect is None else effect.target
        return self._find_present(effect.target)
