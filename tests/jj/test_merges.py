"""The algebra of terms, conflicted paths, and merges of references."""

from __future__ import annotations

import dataclasses
import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jj_writer import JjWriter, open_commits
from wit_admin.jj.commit_store import CommitStore
from wit_admin.jj.conflicts import iter_conflicted_paths
from wit_admin.jj.divergence import merge_targets, merge_views
from wit_admin.jj.layout import open_layout
from wit_admin.jj.merges import flatten, resolve_trivially, simplify
from wit_admin.jj.ref_targets import RefTarget
from wit_admin.jj.trees import Trees
from wit_admin.jj.views import RemoteRef, RemoteView, root_view

Terms = tuple[str, ...]


def odd(letters: str = "abc", most: int = 4) -> st.SearchStrategy[Terms]:
    return st.integers(0, most).flatmap(
        lambda sides: st.tuples(*[st.sampled_from(letters)] * (2 * sides + 1))
    )


def count(terms: Terms) -> dict[str, int]:
    counts = {term: terms[0::2].count(term) - terms[1::2].count(term) for term in terms}
    return {term: number for term, number in counts.items() if number}


@given(odd())
def test_simplified_terms_mean_the_same_and_hold_no_pair_that_cancels(terms: Terms) -> None:
    simple = simplify(terms)

    assert count(simple) == count(terms)
    assert not set(simple[0::2]) & set(simple[1::2])
    assert len(simple) % 2 == 1


@given(odd(), odd(), odd())
def test_flattened_terms_count_as_their_parts(left: Terms, base: Terms, right: Terms) -> None:
    flat = flatten([left, base, right])

    parts = [count(left), {term: -n for term, n in count(base).items()}, count(right)]
    total = {term: sum(part.get(term, 0) for part in parts) for term in "abc"}
    assert count(flat) == {term: number for term, number in total.items() if number}


@given(odd())
def test_terms_resolve_only_to_what_is_added_more_often_than_removed(terms: Terms) -> None:
    resolved = resolve_trivially(terms)

    if resolved is not None:
        assert count(terms)[resolved[0]] > 0
    assert resolve_trivially(simplify(terms)) == resolved


@pytest.mark.parametrize(
    ("terms", "resolved", "strictly"),
    [
        (("a",), "a", "a"),
        (("a", "b", "b"), "a", "a"),
        (("b", "b", "a"), "a", "a"),
        (("a", "b", "a"), "a", None),
        (("a", "b", "c"), None, None),
        (("a", "b", "c", "c", "b"), "a", "a"),
    ],
)
def test_sides_that_made_the_same_change_agree_by_default(
    terms: Terms, resolved: str | None, strictly: str | None
) -> None:
    assert resolve_trivially(terms) == (resolved and (resolved,))
    assert resolve_trivially(terms, accepts_same_change=False) == (strictly and (strictly,))


def leads(ancestor: str, descendant: str) -> bool:
    """Lines of history are runs of letters: "ab" led to "abc"."""
    return descendant.startswith(ancestor)


@pytest.mark.parametrize(
    ("left", "base", "right", "merged"),
    [
        ("ab", "a", "abc", ("abc",)),
        ("abc", "a", "ab", ("abc",)),
        ("ab", "a", "ax", ("ab", "a", "ax")),
        ("ab", None, "abc", ("abc",)),
        (None, "a", "ab", (None, "a", "ab")),
        (None, "a", "a", (None,)),
        ("b", "a", "b", ("b",)),
    ],
)
def test_moves_along_one_line_are_no_conflict(
    left: str | None, base: str | None, right: str | None, merged: tuple[str | None, ...]
) -> None:
    targets = [RefTarget((term,)) for term in (left, base, right)]

    assert merge_targets(targets[0], targets[1], targets[2], leads).terms == merged


def test_what_one_side_forgot_stays_gone_although_the_other_changed_it(writer: JjWriter) -> None:
    commit = writer.commit()
    here, absent = RefTarget((commit,)), RefTarget((None,))
    base = dataclasses.replace(
        root_view(20), bookmarks={"dev": here}, working_copies={"second": commit, "third": commit}
    )
    tracked = RemoteView(bookmarks={"dev": RemoteRef(absent, is_tracked=True)})
    moved = {"second": writer.commit(commit), "third": commit}
    left = dataclasses.replace(base, remotes={"origin": tracked}, working_copies=moved)
    right = dataclasses.replace(base, bookmarks={}, working_copies={"third": commit})

    for sides in ((left, base, right), (right, base, left)):
        merged = merge_views(open_commits(writer), *sides)

        assert merged.working_copies == {"third": commit}
        assert not merged.bookmarks
        assert not merged.remotes["origin"].bookmarks


def test_trees_that_hold_each_other_many_times_over_are_walked_once(writer: JjWriter) -> None:
    """Ten names in each of thirty folders deep make 10^30 paths of a few kilobytes."""
    # The folders differ in each term, but no file in them is in conflict.
    terms = [{"x": "base", "y": "base"}, {"x": "left", "y": "base"}, {"x": "base", "y": "right"}]
    base, left, right = (writer.tree(files) for files in terms)
    names = [f"{number}" for number in range(10)]
    for _ in range(30):
        base, left, right = (
            writer.tree_of(dict.fromkeys(names, tree)) for tree in (base, left, right)
        )
    trees = open_trees(writer)

    assert list(iter_conflicted_paths(trees, [left, base, right])) == []


def test_conflicted_paths_without_end_can_be_taken_one_by_one(writer: JjWriter) -> None:
    terms = [writer.tree({"x": text}) for text in ("left", "base", "right")]
    for _ in range(30):
        terms = [writer.tree_of({f"{n}": tree for n in range(10)}) for tree in terms]

    paths = list(itertools.islice(iter_conflicted_paths(open_trees(writer), terms), 5))

    assert [path.path for path in paths] == [b"0/" * 29 + b"%d/x" % n for n in range(5)]
    assert [path.sides for path in paths] == [2] * 5


def test_folders_deeper_than_any_recursion_are_walked(writer: JjWriter) -> None:
    terms = [writer.tree({"x": text}) for text in ("left", "base", "right")]
    for _ in range(2000):
        terms = [writer.tree_of({"d": tree}) for tree in terms]

    (path,) = iter_conflicted_paths(open_trees(writer), terms)

    assert path.path == b"d/" * 2000 + b"x"


def test_names_are_ordered_as_bytes_and_not_as_git_orders_folders(writer: JjWriter) -> None:
    terms = [
        writer.tree({"a": {"x": text}, "a.txt": text, "a-b": text})
        for text in ("left", "base", "right")
    ]

    paths = [path.path for path in iter_conflicted_paths(open_trees(writer), terms)]

    assert paths == [b"a/x", b"a-b", b"a.txt"]


def open_trees(writer: JjWriter) -> Trees:
    commits = CommitStore.open(open_layout(writer.workspace))
    return Trees(commits.objects, commits.id_bytes)
