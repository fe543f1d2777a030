"""Draws a directed acyclic graph beside a list of its nodes, as ``jj op log`` does.

A node is drawn before its parents. Each column leads down to a node that is not drawn yet. If a
second column would lead to the same node, it joins the first one right below the node it starts at.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.text import Text

_GLYPHS = {
    # up, down, left, right
    (True, True, False, False): "│",
    (True, True, False, True): "├",
    (True, True, True, False): "┤",
    (True, True, True, True): "┼",
    (True, False, True, False): "╯",
    (True, False, False, True): "╰",
    (True, False, True, True): "┴",
    (False, True, True, False): "╮",
    (False, True, False, True): "╭",
    (False, True, True, True): "┬",
}


@dataclass(frozen=True, slots=True)
class Drawn:
    """The lines to the left of one node's text."""

    node: str
    """The graph beside the first line of text."""
    link: str | None
    """The graph beside the second line, if lines fork or join there."""
    rest: str
    """The graph beside further lines."""
    mark_at: int
    """The position of the node's mark in ``node``."""

    def lay_beside(self, texts: Sequence[Text], *, mark_style: str = "") -> Iterator[Text]:
        """Yield the lines of the graph, with the lines of text to their right."""
        from rich.text import Text

        left = [self.node, *([self.link] if self.link else [])]
        width = max(map(len, (*left, self.rest))) + 2
        for beside, text in zip_longest(left, texts):
            line = Text((self.rest if beside is None else beside).ljust(width))
            if beside is self.node:
                line.stylize(mark_style, self.mark_at, self.mark_at + 1)
            line.append_text(text or Text())
            line.rstrip()
            yield line


class Graph:
    """The state of the drawing between one node and the next."""

    def __init__(self) -> None:
        self._columns: list[str | None] = []
        """The node that each column leads to; ``None`` for a free column."""
        self._ended: int | None = None
        """The column that has just ended: a node that began there would seem to follow it."""

    def draw(self, node_id: str, parents: Iterable[str], mark: str) -> Drawn:
        """Return the graph beside the next node."""
        place = self._place(node_id)
        before = list(self._columns)
        self._columns[place] = None
        distinct = list(dict.fromkeys(parents))
        if len(distinct) == 1:
            joints = self._lead_to_one(distinct[0], place)
        else:
            joints = {self._lead_to(parent, place) for parent in distinct}
        node = _row(mark if i == place else _line(each) for i, each in enumerate(before))
        self._ended = None if joints else place
        link = None if joints <= {place} else self._link(before, place, joints)
        while self._columns and self._columns[-1] is None:
            self._columns.pop()
        return Drawn(node, link, _row(map(_line, self._columns)), 2 * place)

    def end(self) -> str | None:
        """Return the last line, if columns lead to nodes that are not shown."""
        is_open = any(each is not None for each in self._columns)
        return _row(" " if each is None else "~" for each in self._columns) if is_open else None

    def _place(self, node_id: str) -> int:
        if node_id not in self._columns:
            place = self._free_from(0)
            self._columns[self._free_from(place + 1) if place == self._ended else place] = node_id
        return self._columns.index(node_id)

    def _lead_to_one(self, parent: str, place: int) -> set[int]:
        """Return the columns that lead to the only parent; they continue as the leftmost one."""
        other = self._lead_to(parent, place)
        if other > place:
            self._columns[place], self._columns[other] = parent, None
        return {min(place, other), other}

    def _lead_to(self, parent: str, place: int) -> int:
        """Return the column that leads to a parent; a new column if there is none yet."""
        if parent not in self._columns:
            self._columns[self._free_from(place)] = parent
        return self._columns.index(parent)

    def _free_from(self, place: int) -> int:
        for i in range(place, len(self._columns)):
            if self._columns[i] is None:
                return i
        self._columns.append(None)
        return len(self._columns) - 1

    def _link(self, before: list[str | None], place: int, joints: set[int]) -> str:
        first, last = min(place, *joints), max(place, *joints)
        drawn = ""
        for i, leads_to in enumerate(self._columns):
            was_there = i < len(before) and before[i] is not None
            if i == place or i in joints:
                ends = (was_there, leads_to is not None, i > first, i < last)
                glyph = _GLYPHS[ends]
            elif leads_to is None:
                glyph = "─" if first < i < last else " "
            else:
                glyph = "│"
            drawn += glyph + ("─" if first <= i < last else " ")
        return drawn.rstrip()


def _line(leads_to: str | None) -> str:
    return " " if leads_to is None else "│"


def _row(symbols: Iterable[str]) -> str:
    return " ".join(symbols).rstrip()
