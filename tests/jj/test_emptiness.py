"""Whether merge commits change anything: the lines of files, and trees of all kinds."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.jj_writer import JjWriter, open_commits
from wit_admin.errors import DamagedJjError
from wit_admin.jj.conflicts import iter_conflicted_paths
from wit_admin.jj.effort import Effort
from wit_admin.jj.emptiness import Emptiness
from wit_admin.jj.line_merges import merge_lines
from wit_admin.jj.trees import Trees


@pytest.mark.parametrize(
    ("terms", "merged"),
    [
        # What jj 0.42 made of these; Git makes something else of the lines that occur often.
        (("b c c", "b c c c", "c b c c"), "c b c c"),
        (("a a b c a b a c a c", "a a b c a c a c", "a a b a c b c a c"), None),
        (("a a a b b a a", "a a a b a a", "a a a a b a a", "a a a b a a", "a b b a b a a"),
         "a b b a a b b a a"),
        (("x b c", "a b c", "a b y"), "x b y"),
        (("a x", "a", "y a"), "y a x"),
        (("x", "a", "y"), None),
        (("a b", "", "b a"), None),
        (("", "a", ""), ""),
        (("a b c d e x", "a b c d e f", "a b y d e f", "a b c d e f", "z b c d e f"),
         "z b y d e x"),
    ],
)  # fmt: skip
def test_lines_of_any_number_of_sides_merge_as_in_jj(
    terms: tuple[str, ...], merged: str | None
) -> None:
    expected = None if merged is None else lines(merged)

    assert merge_lines([lines(term) for term in terms], Effort()) == expected


@given(st.lists(st.sampled_from([b"a\n", b"b\n", b"c\n", b"\xff\0", b"\r"]), max_size=12))
def test_lines_that_changed_on_one_side_only_are_taken(parts: list[bytes]) -> None:
    content, base = b"".join(parts), b"a\nb\n\xff\0a\n"

    for terms in ([content, base, base], [base, base, content]):
        assert merge_lines(terms, Effort()) == content


@pytest.mark.parametrize("is_conflicted", [False, True])
def test_merges_of_trees_that_hold_each_other_many_times_over_are_told_at_once(
    writer: JjWriter, is_conflicted: bool
) -> None:
    texts = ["left", "base", "right", "both"]
    trees = [
        writer.tree({"x": f"{left}\n", "y": f"{right}\n"})
        for left, right in (("l", "0"), ("0", "0"), ("0", "r"), ("l", "r"))
    ]
    for _ in range(30):
        trees = [writer.tree_of({f"{number}": tree for number in range(10)}) for tree in trees]
    clash = [{"z": writer.blob(text.encode())} if is_conflicted else {} for text in texts]
    left, base, right, both = (
        writer.tree_of({"d": tree}, blobs) for tree, blobs in zip(trees, clash, strict=True)
    )
    ours = [writer.tree_of({"d": trees[3]}, clash[side]) for side in range(3)]
    first = writer.commit(tree=base)
    sides = [writer.commit(first, tree=tree) for tree in (left, right)]
    headers = [f"jj:trees {ours[0]} {ours[1]} {ours[2]}"] if is_conflicted else []
    merged = writer.commit(*sides, tree=both, headers=headers)
    commits = open_commits(writer)

    assert Emptiness(commits, open_trees(writer)).is_empty(commits.read(merged)) is True


def test_trees_that_come_together_in_ever_new_ways_are_given_up(writer: JjWriter) -> None:
    sides = [[writer.tree({"x": f"{side} {n}\n"}) for n in range(16)] for side in range(3)]
    for _ in range(2):
        sides = [
            [
                writer.tree_of({f"{n:03}": side[(n // (place + 1) + k) % 16] for n in range(256)})
                for k in range(16)
            ]
            for place, side in enumerate(sides)
        ]
    left, base, right = (side[0] for side in sides)
    first = writer.commit(tree=base)
    parents = [writer.commit(first, tree=tree) for tree in (left, right)]
    merged = writer.commit(*parents, tree=left, headers=[f"jj:trees {left} {base} {right}"])
    commits, trees = open_commits(writer), open_trees(writer)
    trees.effort.left = 1000 - 200_000

    assert Emptiness(commits, trees).is_empty(commits.read(merged)) is None
    trees.effort.left = -200_000
    with pytest.raises(DamagedJjError, match="too many"):
        list(iter_conflicted_paths(trees, [left, base, right]))


def test_merge_of_files_too_large_or_lost_is_neither_empty_nor_not(writer: JjWriter) -> None:
    long = "".join(f"{number % 50}\n" for number in range(200_000))
    base = writer.commit(tree=writer.tree({"f": long}))
    left = writer.commit(base, tree=writer.tree({"f": f"{long}l\n"}))
    right = writer.commit(base, tree=writer.tree({"f": f"r\n{long}"}))
    merged = writer.commit(left, right, tree=writer.tree({"f": f"r\n{long}l\n"}))
    sides = [writer.commit(base, tree=writer.tree_of({}, {"f": oid * 20})) for oid in ("ab", "cd")]
    lost = writer.commit(*sides, tree=writer.tree({"f": "what nobody knows"}))
    commits = open_commits(writer)

    assert Emptiness(commits, open_trees(writer)).is_empty(commits.read(merged)) is None
    assert Emptiness(commits, open_trees(writer)).is_empty(commits.read(lost)) is None


def test_bases_of_a_conflicted_merge_may_come_in_any_order(writer: JjWriter) -> None:
    """jj takes them in the order of its index; ours is that of their ids."""
    base = writer.commit(tree=writer.tree({"f": "0\n"}))
    bases = sorted(
        (writer.commit(base, tree=writer.tree({"f": f"{name}\n"})) for name in "ab"), reverse=True
    )
    sides = [
        writer.commit(*bases[::step], tree=writer.tree({"f": f"side {step}\n"})) for step in (1, -1)
    ]
    commits = open_commits(writer)
    left, first, root, second, right = (
        commits.read(each).trees[0] for each in (sides[0], bases[0], base, bases[1], sides[1])
    )
    terms = f"{left} {first} {root} {second} {right}"
    merged = writer.commit(*sides, headers=[f"jj:trees {terms}"])

    assert Emptiness(commits, open_trees(writer)).is_empty(commits.read(merged)) is True


def lines(text: str) -> bytes:
    return "".join(f"{line}\n" for line in text.split()).encode()


def test_criss_cross_merges_without_end_are_unknown(writer: JjWriter) -> None:
    """Each merge's base is the pair of merges before it; following them used to end in a crash."""
    left, right = writer.commit(description="left"), writer.commit(description="right")
    merges: list[str] = []
    for _ in range(600):
        left, right = writer.commit(left, right), writer.commit(right, left)
        merges.append(left)
    commits = open_commits(writer)
    trees = open_trees(writer)

    newest = Emptiness(commits, trees).is_empty(commits.read(left))

    emptiness = Emptiness(commits, trees)
    oldest_first = [emptiness.is_empty(commits.read(each)) for each in merges]
    assert newest is None
    assert oldest_first[:20] == [True] * 20
    assert oldest_first[-1] is None
    assert [Emptiness(commits, trees).is_empty(commits.read(each)) for each in merges[25:40]] == (
        oldest_first[25:40]
    )


def open_trees(writer: JjWriter) -> Trees:
    commits = open_commits(writer)
    return Trees(commits.objects, commits.id_bytes)
