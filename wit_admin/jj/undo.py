"""Which operations no longer count: jj keeps no such mark, only what the descriptions say.

An operation is undone when it led to the present, but the present holds nothing of it.
"""

from __future__ import annotations

import heapq
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from wit_admin.jj.ids import ROOT_OPERATION_ID, OperationId
from wit_admin.jj.operations import Operation

_JUMP = re.compile(r"(?:undo: |redo: |)restore to operation ([0-9a-f]{128})", re.ASCII)
_INVERSE = re.compile(r"(?:undo|revert) operation ([0-9a-f]{128})", re.ASCII)
_PARTIAL = re.compile(r"(?:^| )--what(?:=| |$)")


@dataclass(frozen=True, slots=True)
class Effect:
    """What an operation of the undo family did."""

    kind: Literal["inverse", "jump"]
    """``inverse`` took one operation back; ``jump`` went to the state of one, past all between."""
    target: OperationId
    """As the description has it: it may be the root operation, or one that is no more."""


@dataclass(frozen=True, slots=True)
class Step:
    """All of an operation that bears on what is undone."""

    parents: tuple[OperationId, ...]
    end_ms: int
    effect: Effect | None


def parse_effect(operation: Operation) -> Effect | None:
    """Return what an operation undid; ``None`` for an ordinary one, or limited by ``--what``."""
    if _PARTIAL.search(operation.attributes.get("args", "")):
        return None
    jump = _JUMP.fullmatch(operation.description)
    if jump is not None:
        return Effect("jump", jump[1])
    inverse = _INVERSE.fullmatch(operation.description)
    return Effect("inverse", inverse[1]) if inverse is not None else None


def to_step(operation: Operation) -> Step:
    """Return the part of an operation that :func:`find_undone` needs."""
    return Step(operation.parents, operation.end.ms, parse_effect(operation))


def _unknown(_: OperationId) -> None:
    """Find nothing."""


def find_undone(
    steps: Mapping[OperationId, Step],
    heads: Iterable[OperationId],
    *,
    find_stale: Callable[[OperationId], OperationId | None] = _unknown,
) -> set[OperationId]:
    """Return which of ``steps``, all that led to ``heads``, are undone.

    ``op abandon`` gives operations new ids, but old texts keep the old ones: ``find_stale`` is
    asked for the present id of one that is not among ``steps``. What it does not find has no
    effect.
    """
    live: set[OperationId] = set()
    cancelled: set[OperationId] = set()
    seen: set[OperationId] = {ROOT_OPERATION_ID}
    waiting: list[tuple[int, OperationId]] = []

    def visit(operation_ids: Iterable[OperationId]) -> None:
        for operation_id in operation_ids:
            if operation_id not in seen and operation_id in steps:
                seen.add(operation_id)
                heapq.heappush(waiting, (-steps[operation_id].end_ms, operation_id))

    visit(heads)
    while waiting:
        _, operation_id = heapq.heappop(waiting)
        step = steps[operation_id]
        if operation_id in cancelled:
            visit(step.parents)
            continue
        live.add(operation_id)
        target = _present(step.effect, steps, find_stale)
        if step.effect is None or target is None:
            visit(step.parents)
        elif step.effect.kind == "jump":
            visit([target])
        else:
            cancelled.add(target)
            visit(step.parents)
    return steps.keys() - live


def _present(
    effect: Effect | None,
    steps: Mapping[OperationId, Step],
    find_stale: Callable[[OperationId], OperationId | None],
) -> OperationId | None:
    if effect is None:
        return None
    if effect.target in steps or effect.target == ROOT_OPERATION_ID:
        return effect.target
    return find_stale(effect.target)
