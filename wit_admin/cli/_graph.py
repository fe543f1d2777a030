"""Draws a directed acyclic graph beside a list of its nodes, as ``jj op log`` does.

A node stands ahead of its parents. Each column leads down to one node that is still to come, so a
column that would be the second to do so joins the first right below the node it comes from.
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
    """Beside its first line."""
    link: str | None
    """Below it, where lines fork or join."""
    rest: str
    """Beside further lines."""
    mark_at: int
    """Where in the first line the mark of the node is."""

    def lay_beside(self, texts: Sequence[Text], *, mark_style: str = "") -> Iterator[Text]:
        """Yield the lines of the graph with those of the text to their right."""
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
    """The columns between one node and the next."""

    def __init__(self) -> None:
        self._columns: list[str | None] = []
        """What each column leads to; ``None`` is a free one."""
        self._ended: int | None = None
        """Where a line has just come to its end: what begins there would seem to follow it."""

    def draw(self, node_id: str, parents: Iterable[str], mark: str) -> Drawn:
        """Return the lines beside the next node."""
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
        """Return the last line, where columns lead to what is not shown."""
        is_open = any(each is not None for each in self._columns)
        return _row(" " if each is None else "~" for each in self._columns) if is_open else None

    def _place(self, node_id: str) -> int:
        if node_id not in self._columns:
            place = self._free_from(0)
            self._columns[self._free_from(place + 1) if place == self._ended else place] = node_id
        return self._columns.index(node_id)

    def _lead_to_one(self, parent: str, place: int) -> set[int]:
        """Return the columns that lead to the only parent; they go on as the one further left."""
        other = self._lead_to(parent, place)
        if other > place:
            self._columns[place], self._columns[other] = parent, None
        return {min(place, other), other}

    def _lead_to(self, parent: str, place: int) -> int:
        """Return the column that leads to a parent, a new one if none does."""
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
