"""Walks that operations and commits share: a node has a moment, and parents.

Moments only order the walk, so that it stays short; wrong clocks cost time, not truth. Nodes are
read one by one, and no further back than it takes.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Collection, Iterable
from typing import NamedTuple


class Node(NamedTuple):
    """What a walk needs to know of an operation or a commit."""

    moment: int
    """Larger is later."""
    parents: tuple[str, ...]


ReadNode = Callable[[str], Node]
"""Reads a node by its id."""


def find_ancestors(heads: Collection[str], read: ReadNode) -> set[str]:
    """Return those of ``heads`` that another of them leads to."""
    everyone = (1 << len(heads)) - 1
    walk = _Walk(read)
    for position, head in enumerate(heads):
        walk.mark(head, 1 << position)
    ancestors: set[str] = set()
    # What all heads lead to cannot lead to one of them, so the walk ends when only that waits.
    while walk.has_waiting(without=everyone):
        node_id, marks = walk.take()
        for parent in walk.parents(node_id):
            if walk.mark(parent, marks):
                ancestors.add(parent)
    return ancestors.intersection(heads)


_LEFT, _RIGHT, _BEHIND = 1, 2, 4


def find_common_ancestors(
    left: Iterable[str], right: Iterable[str], read: ReadNode
) -> tuple[str, ...]:
    """Return the best common ancestors of two sets, sorted: none leads to another."""
    walk = _Walk(read)
    for node_id in left:
        walk.mark(node_id, _LEFT)
    for node_id in right:
        walk.mark(node_id, _RIGHT)
    common: set[str] = set()
    while walk.has_waiting(without=_BEHIND):
        node_id, marks = walk.take()
        if marks & (_LEFT | _RIGHT) == _LEFT | _RIGHT:
            common.add(node_id)
            marks |= _BEHIND
        for parent in walk.parents(node_id):
            walk.mark(parent, marks)
    best = sorted(node_id for node_id in common if not walk.marks[node_id] & _BEHIND)
    return tuple(node for node in best if node not in find_ancestors(best, read))


def find_difference(heads: Iterable[str], others: Iterable[str], read: ReadNode) -> set[str]:
    """Return what ``heads`` lead to and ``others`` do not; a node leads to itself."""
    walk = _Walk(read)
    for node_id in heads:
        walk.mark(node_id, _LEFT)
    for node_id in others:
        walk.mark(node_id, _RIGHT)
    while walk.has_waiting(without=_RIGHT):
        node_id, marks = walk.take()
        for parent in walk.parents(node_id):
            walk.mark(parent, marks)
    return {node_id for node_id, marks in walk.marks.items() if not marks & _RIGHT}


def is_ancestor(ancestor: str, descendant: str, read: ReadNode) -> bool:
    """Tell whether ``descendant`` leads to ``ancestor``; a node leads to itself."""
    return ancestor == descendant or ancestor in find_ancestors([ancestor, descendant], read)


class _Walk:
    """Carries marks from nodes to their ancestors, latest first."""

    def __init__(self, read: ReadNode) -> None:
        self.marks: dict[str, int] = {}
        self._read = read
        self._nodes: dict[str, Node] = {}
        self._waiting: list[tuple[int, str]] = []

    def mark(self, node_id: str, marks: int) -> bool:
        """Add marks to a node, and let it wait if any is new; tell whether one is."""
        before = self.marks.get(node_id, 0)
        if before | marks == before:
            return False
        self.marks[node_id] = before | marks
        if node_id not in self._nodes:
            self._nodes[node_id] = self._read(node_id)
        heapq.heappush(self._waiting, (-self._nodes[node_id].moment, node_id))
        return True

    def has_waiting(self, *, without: int) -> bool:
        """Tell whether a node waits that lacks one of these marks."""
        return any(self.marks[node_id] & without != without for _, node_id in self._waiting)

    def take(self) -> tuple[str, int]:
        """Return the latest node that waits, and its marks."""
        node_id = heapq.heappop(self._waiting)[1]
        return node_id, self.marks[node_id]

    def parents(self, node_id: str) -> tuple[str, ...]:
        """Return the parents of a node that was met."""
        return self._nodes[node_id].parents
