"""Walks over the graphs of operations and of commits; a node has a time, and parents.

Walks go by time, so that they stay short, and read only the nodes that they need. Differences, and
reductions of more than a few heads, assume that no node's time is more than ``skew_ms`` before that
of a parent. Everything else is exact, however wrong the clocks are.
"""

from __future__ import annotations

import heapq
import itertools
import math
from collections.abc import Callable, Collection, Iterable, Iterator
from typing import NamedTuple


class Node(NamedTuple):
    """The part of an operation or a commit that a walk needs."""

    moment: int
    """The time; larger is later."""
    parents: tuple[str, ...]


_FEW_HEADS = 256
"""The most heads for an exact walk: each takes one bit in the marks of every node."""
_SKEW_MS = 60 * 60 * 1000

ReadNode = Callable[[str], Node]
"""Reads a node by its id."""


def find_ancestors(heads: Collection[str], read: ReadNode) -> set[str]:
    """Return those of ``heads`` that are ancestors of another one."""
    if len(heads) < 2:  # noqa: PLR2004
        return set()
    if len(heads) > _FEW_HEADS:
        return _find_ancestors_among_many(heads, read)
    everyone = (1 << len(heads)) - 1
    walk = _Walk(read, done=everyone)
    for position, head in enumerate(heads):
        walk.mark(head, 1 << position)
    ancestors: set[str] = set()
    # A common ancestor of all heads is no descendant of one, so the walk can stop at those.
    for node_id, marks in walk:
        for parent in walk.parents(node_id):
            if walk.mark(parent, marks):
                ancestors.add(parent)
    return ancestors.intersection(heads)


_LEFT, _RIGHT, _BEHIND = 1, 2, 4


def _find_ancestors_among_many(heads: Collection[str], read: ReadNode) -> set[str]:
    walk = _Walk(read, done=_BEHIND, skew_ms=_SKEW_MS)
    for head in heads:
        walk.mark(head, _LEFT)
    for node_id, _ in walk:
        for parent in walk.parents(node_id):
            walk.mark(parent, _BEHIND)
    return {head for head in heads if walk.marks[head] & _BEHIND}


def find_common_ancestors(
    left: Iterable[str], right: Iterable[str], read: ReadNode
) -> tuple[str, ...]:
    """Return the best common ancestors of two sets, sorted: none is an ancestor of another."""
    walk = _Walk(read, done=_BEHIND)
    for node_id in left:
        walk.mark(node_id, _LEFT)
    for node_id in right:
        walk.mark(node_id, _RIGHT)
    common: set[str] = set()
    for node_id, marks in walk:
        is_common = marks & (_LEFT | _RIGHT) == _LEFT | _RIGHT
        if is_common:
            common.add(node_id)
        for parent in walk.parents(node_id):
            walk.mark(parent, marks | _BEHIND if is_common else marks)
    best = sorted(node_id for node_id in common if not walk.marks[node_id] & _BEHIND)
    # If clocks are wrong, some of them may still be ancestors of others.
    behind = find_ancestors(best, read)
    return tuple(node_id for node_id in best if node_id not in behind)


def compare_heads(
    old: Iterable[str], new: Iterable[str], read: ReadNode, *, skew_ms: int = 0
) -> tuple[set[str], set[str]]:
    """Return the nodes reached only from ``new``, and those only from ``old``; reads few others."""
    met = _mark_ancestors(_Walk(read, done=_LEFT | _RIGHT, skew_ms=skew_ms), old, new)
    added = {node_id for node_id, marks in met.items() if marks == _RIGHT}
    return added, {node_id for node_id, marks in met.items() if marks == _LEFT}


def find_difference(
    heads: Iterable[str], others: Iterable[str], read: ReadNode, *, skew_ms: int = 0
) -> set[str]:
    """Return the nodes reached from ``heads`` (heads included), but not from ``others``."""
    met = _mark_ancestors(_Walk(read, done=_RIGHT, skew_ms=skew_ms), heads, others)
    return {node_id for node_id, marks in met.items() if not marks & _RIGHT}


def _mark_ancestors(walk: _Walk, left: Iterable[str], right: Iterable[str]) -> dict[str, int]:
    """Return the nodes that a walk from both sides has met, each with the sides that lead to it."""
    for node_id in left:
        walk.mark(node_id, _LEFT)
    for node_id in right:
        walk.mark(node_id, _RIGHT)
    for node_id, marks in walk:
        for parent in walk.parents(node_id):
            walk.mark(parent, marks)
    return walk.marks


def is_ancestor(ancestor: str, descendant: str, read: ReadNode) -> bool:
    """Return whether ``ancestor`` is ``descendant`` or an ancestor of it."""
    return ancestor == descendant or ancestor in find_ancestors([ancestor, descendant], read)


class _Walk:
    """Passes marks from nodes to their ancestors, latest first, until all that wait are done."""

    def __init__(self, read: ReadNode, *, done: int, skew_ms: int | None = None) -> None:
        self.marks: dict[str, int] = {}
        self._read = read
        self._done = done
        """A node with all of these marks is done; the walk ends when only such nodes wait."""
        self._nodes: dict[str, Node] = {}
        self._waiting: list[tuple[int, int, str]] = []
        self._queued: set[str] = set()
        self._undone = 0
        self._skew_ms = skew_ms
        self._floor: float = math.inf
        """Down to this time, done nodes may have ancestors that were visited too early."""
        self._turn = itertools.count()

    def mark(self, node_id: str, marks: int) -> bool:
        """Add marks to a node, and queue it if one is new; return whether one is."""
        before = self.marks.get(node_id, 0)
        after = self.marks[node_id] = before | marks
        if after == before:
            return False
        if node_id in self._queued:
            self._undone += self._is_undone(after) - self._is_undone(before)
            return True
        if node_id not in self._nodes:
            self._nodes[node_id] = self._read(node_id)
        # Of nodes with the same time the nearest first: many are made in one second.
        moment = self._nodes[node_id].moment
        heapq.heappush(self._waiting, (-moment, next(self._turn), node_id))
        self._queued.add(node_id)
        self._undone += self._is_undone(after)
        return True

    def __iter__(self) -> Iterator[tuple[str, int]]:
        """Yield the latest waiting node and its marks, until all waiting nodes are done."""
        while self._undone or (self._waiting and -self._waiting[0][0] >= self._floor):
            moment, _, node_id = heapq.heappop(self._waiting)
            self._queued.remove(node_id)
            marks = self.marks[node_id]
            if self._is_undone(marks):
                self._undone -= 1
                if self._skew_ms is not None:
                    self._floor = min(self._floor, -moment - self._skew_ms)
            yield node_id, marks

    def parents(self, node_id: str) -> tuple[str, ...]:
        """Return the parents of a visited node."""
        return self._nodes[node_id].parents

    def _is_undone(self, marks: int) -> bool:
        return marks & self._done != self._done
