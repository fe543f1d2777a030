"""Walks over graphs, against what plain reachability says."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wit_admin.jj.graph import (
    Node,
    compare_heads,
    find_ancestors,
    find_common_ancestors,
    find_difference,
)

Graph = dict[str, Node]


@st.composite
def graphs(draw: st.DrawFn, most_skew_ms: int = 0) -> Graph:
    """A graph whose nodes are often of one moment, or of moments somewhat out of order."""
    graph: Graph = {}
    for number in range(draw(st.integers(1, 14))):
        older = st.sampled_from(sorted(graph)) if graph else st.nothing()
        parents = draw(st.lists(older, max_size=3, unique=True)) if graph else []
        moment = draw(st.integers(number // 4 - most_skew_ms, number // 4 + most_skew_ms))
        graph[f"{draw(st.integers(0, 99)):02}-{number}"] = Node(moment, tuple(parents))
    return graph


def reach(graph: Graph, heads: set[str]) -> set[str]:
    found: set[str] = set()
    waiting = list(heads)
    while waiting:
        node_id = waiting.pop()
        if node_id not in found:
            found.add(node_id)
            waiting.extend(graph[node_id].parents)
    return found


def some(data: st.DataObject, graph: Graph) -> set[str]:
    return data.draw(st.sets(st.sampled_from(sorted(graph)), min_size=1))


@given(graph=graphs(most_skew_ms=1000), data=st.data())
def test_differences_are_those_of_reachability(graph: Graph, data: st.DataObject) -> None:
    old, new = some(data, graph), some(data, graph)

    added, gone = compare_heads(old, new, graph.__getitem__, skew_ms=2000)

    assert added == reach(graph, new) - reach(graph, old)
    assert gone == reach(graph, old) - reach(graph, new)
    assert find_difference(new, old, graph.__getitem__, skew_ms=2000) == added


@given(graph=graphs(most_skew_ms=10**12), data=st.data())
def test_ancestors_and_common_ancestors_are_exact_whatever_the_clocks(
    graph: Graph, data: st.DataObject
) -> None:
    left, right = some(data, graph), some(data, graph)

    common = reach(graph, left) & reach(graph, right)
    best = {
        node_id
        for node_id in common
        if not any(node_id in reach(graph, {other}) for other in common - {node_id})
    }
    assert set(find_common_ancestors(left, right, graph.__getitem__)) == best
    assert find_ancestors(sorted(left), graph.__getitem__) == {
        node_id
        for node_id in left
        if any(node_id in reach(graph, {other}) for other in left - {node_id})
    }


@pytest.mark.parametrize("seed", range(3))
def test_many_heads_are_told_from_their_ancestors(seed: int) -> None:
    chance = random.Random(seed)
    graph: Graph = {}
    for number in range(3000):
        recent = [f"{chance.randrange(max(0, number - 40), number)}" for _ in range(2) if number]
        parents = tuple(dict.fromkeys(recent[: chance.choice([0, 1, 1, 2])]))
        # Clocks are wrong by a quarter of an hour.
        graph[f"{number}"] = Node(number * 1000 + chance.randrange(900_000), parents)
    heads = set(chance.sample(sorted(graph), 400))

    ancestors = find_ancestors(sorted(heads), graph.__getitem__)

    parents_of_all = {parent for head in heads for parent in graph[head].parents}
    assert ancestors == heads & reach(graph, parents_of_all)


def test_difference_reads_no_further_back_than_it_takes() -> None:
    day_ms = 24 * 60 * 60 * 1000
    line = {
        f"{number}": Node(number * day_ms, (f"{number - 1}",) if number else ())
        for number in range(1000)
    }
    read: list[str] = []

    def node(node_id: str) -> Node:
        read.append(node_id)
        return line[node_id]

    added, gone = compare_heads(["990"], ["999"], node)

    assert (len(added), gone) == (9, set())
    assert len(read) < 20
