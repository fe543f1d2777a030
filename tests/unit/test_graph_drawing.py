"""The graph beside a log: every line leads from a node to its parents, and to nothing else."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

from wit_admin.cli._graph import Graph

UP, DOWN, LEFT, RIGHT = range(4)
ENDS = {
    "│": {UP, DOWN},
    "├": {UP, DOWN, RIGHT},
    "┤": {UP, DOWN, LEFT},
    "┼": {UP, DOWN, LEFT, RIGHT},
    "╯": {UP, LEFT},
    "╰": {UP, RIGHT},
    "┴": {UP, LEFT, RIGHT},
    "╮": {DOWN, LEFT},
    "╭": {DOWN, RIGHT},
    "┬": {DOWN, LEFT, RIGHT},
}


def draw(log: list[tuple[str, str]]) -> list[str]:
    graph, lines = Graph(), []
    for node, parents in log:
        drawn = graph.draw(node, parents, node)
        lines += [drawn.node, *([drawn.link] if drawn.link else [])]
    end = graph.end()
    return lines if end is None else [*lines, end]


@pytest.mark.parametrize(
    ("log", "expected"),
    [
        ([("C", "B"), ("B", "A"), ("A", "")], ["C", "B", "A"]),
        (
            [("M", "LR"), ("L", "A"), ("R", "A"), ("A", "")],
            ["M", "├─╮", "L │", "│ R", "├─╯", "A"],
        ),
        ([("L", "A"), ("R", "A"), ("A", "")], ["L", "│ R", "├─╯", "A"]),
        ([("O", "ABC"), ("A", "")], ["O", "├─┬─╮", "A │ │", "  ~ ~"]),
        ([("C", "B")], ["C", "~"]),
        # The line on the left goes on.
        ([("L", "A"), ("R", "B"), ("B", "A"), ("A", "")], ["L", "│ R", "│ B", "├─╯", "A"]),
        ([("L", "B"), ("R", "A"), ("B", "A"), ("A", "")], ["L", "│ R", "B │", "├─╯", "A"]),
        # Past a line that has nothing to do with it.
        (
            [("X", "A"), ("Y", "B"), ("Z", "A"), ("A", ""), ("B", "")],
            ["X", "│ Y", "│ │ Z", "├─│─╯", "A │", "  B"],
        ),
        # A merge on the right with what the left is about to show.
        ([("L", "A"), ("M", "BA"), ("B", "A"), ("A", "")], ["L", "│ M", "├─┤", "│ B", "├─╯", "A"]),
    ],
)
def test_shapes(log: list[tuple[str, str]], expected: list[str]) -> None:
    assert draw(log) == expected


Tops = dict[int, set[str]]
"""Which nodes are joined to each column from above."""


def read_edges(names: set[str], lines: list[str]) -> set[tuple[str, str]]:
    """Return which node is joined downwards to which, by the lines alone."""
    tops: Tops = {}
    edges: set[tuple[str, str]] = set()
    node: str | None = None
    for symbols in (line[::2] for line in lines):
        met = names & set(symbols)
        if met:
            (node,) = met
            edges |= {(above, node) for above in tops.get(symbols.index(node), ())}
            tops = {
                i: {node} if symbol == node else tops[i]
                for i, symbol in enumerate(symbols)
                if symbol != " "
            }
        elif node is not None:
            tops = dict(pass_link(tops, node, symbols))
    return edges


def pass_link(tops: Tops, node: str, symbols: str) -> Iterator[tuple[int, set[str]]]:
    """Yield what is joined to each column below a line that joins ``node`` to some of them."""
    ends = {i: ENDS[symbol] for i, symbol in enumerate(symbols) if symbol in ENDS}
    joints = [i for i in ends if ends[i] != {UP, DOWN}]
    into = [i for i in joints if DOWN in ends[i]]
    for i in ends.keys() - joints:
        yield i, tops[i]
    for i in into:
        # Into a single column all lines come together.
        others = [each for each in joints if UP in ends[each] and (each == i or len(into) == 1)]
        yield i, {node}.union(*(tops[each] for each in others))


@pytest.mark.parametrize("seed", range(60))
def test_lines_of_any_graph_lead_where_its_edges_do(seed: int) -> None:
    chance = random.Random(seed)
    names = [chr(code) for code in range(ord("A"), ord("A") + 12)]
    log = []
    for place, name in enumerate(names):
        older = names[place + 1 :]
        count = min(len(older), chance.choice([0, 1, 1, 1, 1, 2, 3]))
        log.append((name, "".join(chance.sample(older, count))))

    lines = draw(log)

    assert read_edges(set(names), lines) == {
        (node, parent) for node, parents in log for parent in parents
    }
