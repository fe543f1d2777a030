"""Commits: what of Git's bytes and of jj's extras counts, and what is refused."""

from __future__ import annotations

import time
import tracemalloc

import pytest

from tests.support.jj_writer import EMPTY_TREE, ROOT_COMMIT, JjWriter, open_commits
from wit_admin.errors import DamagedJjError, MissingJjError
from wit_admin.jj.change_ids import synthesize
from wit_admin.jj.commit_extras import Extras
from wit_admin.jj.commit_headers import MAX_TEXT_CHARACTERS
from wit_admin.jj.commits import decode_commit
from wit_admin.jj.operations import Timestamp

OID, A, B, C = (f"{digit}{digit}" * 20 for digit in "1abc")
HEADER_ID, EXTRAS_ID = "k" * 32, "m" * 32


def raw(*headers: str, person: str = "Ada <ada@example.org> 1 +0000", message: str = "") -> bytes:
    lines = [f"tree {EMPTY_TREE}", f"author {person}", f"committer {person}", *headers]
    return ("\n".join(lines) + "\n\n" + message).encode()


def test_extras_overrule_the_header_and_the_header_the_synthetic_id() -> None:
    plain = decode_commit(OID, raw())
    header = decode_commit(OID, raw(f"change-id {HEADER_ID}"))
    both = decode_commit(OID, raw(f"change-id {HEADER_ID}"), Extras(EXTRAS_ID, (), ()))

    assert [each.change_id for each in (plain, header, both)] == [
        synthesize(OID),
        HEADER_ID,
        EXTRAS_ID,
    ]


@pytest.mark.parametrize("parents", [(), (A,), (A, B, C)])
@pytest.mark.parametrize(
    "person",
    ["Ada <a@b> 12 -0130", "<> 0 +0000", "A <b> <c@d> 12 +0000", "\udce9 <\udcc3> 12 +0000"],
)
@pytest.mark.parametrize("committer", ["Bob <b@c> 13 +0545", "Ada <a@b> 12 -0130"])
@pytest.mark.parametrize("change_id", [HEADER_ID, HEADER_ID.upper(), "k", None])
@pytest.mark.parametrize("is_shallow", [False, True])
def test_header_that_says_nothing_to_jj_changes_nothing(
    parents: tuple[str, ...], person: str, committer: str, change_id: str | None, is_shallow: bool
) -> None:
    """Those without are decoded by a shorter way."""
    lines = [f"tree {EMPTY_TREE}", *(f"parent {parent}" for parent in parents)]
    lines += [f"author {person}", f"committer {committer}"]
    lines += [f"change-id {change_id}"] if change_id is not None else []
    message = "\n\nfirst\udcff\n\nsecond\n"

    usual, odd = (
        decode_commit(
            OID,
            ("\n".join([*lines, *more]) + message).encode(errors="surrogateescape"),
            is_shallow=is_shallow,
        )
        for more in ((), ["mergetag object 1", " tag x"])
    )

    assert usual == odd
    assert usual.description == "first\N{REPLACEMENT CHARACTER}\n\nsecond\n"


def test_first_of_two_headers_counts_even_if_it_is_no_id() -> None:
    first = decode_commit(OID, raw(f"change-id {HEADER_ID}", f"change-id {EXTRAS_ID}"))
    broken = decode_commit(OID, raw("change-id 0123", f"change-id {EXTRAS_ID}"))

    assert first.change_id == HEADER_ID
    assert broken.change_id == synthesize(OID)


def test_rows_of_the_extras_without_an_id_leave_it_to_the_header(writer: JjWriter) -> None:
    commit_id = writer.commit(change_id=HEADER_ID)
    writer.extras({commit_id: {"predecessors": [bytes.fromhex(A)]}})

    commit = open_commits(writer).read(commit_id)

    assert (commit.change_id, commit.predecessors) == (HEADER_ID, (A,))


def test_terms_of_a_conflict_are_those_of_the_header(writer: JjWriter) -> None:
    terms = [A, B, C]
    commit_id = writer.commit(
        headers=["jj:conflict-labels left\n base\n right\n ", f"jj:trees {' '.join(terms)}"]
    )
    writer.extras({commit_id: {"root_tree": [b"\1" * 20] * 5, "uses_tree_conflict_format": True}})

    commit = open_commits(writer).read(commit_id)

    assert commit.trees == (A, B, C)
    assert commit.conflict_labels == ("left", "base", "right")
    assert commit.has_conflict


@pytest.mark.parametrize(("is_tree_format", "has_conflict"), [(True, True), (False, False)])
def test_terms_of_jj_before_0_16_are_in_the_extras(
    writer: JjWriter, is_tree_format: bool, has_conflict: bool
) -> None:
    commit_id = writer.commit()
    writer.extras(
        {
            commit_id: {
                "root_tree": [bytes.fromhex(tree) for tree in (A, B, C)],
                "uses_tree_conflict_format": is_tree_format,
            }
        }
    )

    assert open_commits(writer).read(commit_id).has_conflict is has_conflict


@pytest.mark.parametrize(
    "terms", ["", A, f"{A} {B}", f"{A}  {B} {C}", f"{A} {B} {C} {A}", "x y z", f"{A} {B} {C[:8]}"]
)
def test_conflict_that_cannot_be_one_is_damage(terms: str) -> None:
    with pytest.raises(DamagedJjError):
        decode_commit(OID, raw(f"jj:trees {terms}"))


@pytest.mark.parametrize("content", [b"", b"\n\n", b"tree x\n\nmessage", b"\0" * 100])
def test_what_is_no_commit_is_damage(content: bytes) -> None:
    with pytest.raises(DamagedJjError):
        decode_commit(OID, content)


def test_tree_with_decoy_folders_is_no_conflict(writer: JjWriter) -> None:
    tree = writer.tree({".jjconflict-side-0": {"a": "1"}, ".jjconflict-base-0": {"a": "2"}})

    assert not open_commits(writer).read(writer.commit(tree=tree)).has_conflict


def test_folded_headers_do_not_end_the_headers() -> None:
    signed = raw("gpgsig -----BEGIN\n \n change-id " + EXTRAS_ID, f"change-id {HEADER_ID}")

    commit = decode_commit(OID, signed)

    assert commit.is_signed
    assert commit.change_id == HEADER_ID


@pytest.mark.parametrize(("header", "digits"), [("gpgsig", 40), ("gpgsig-sha256", 64)])
def test_only_the_header_of_its_own_object_format_signs_a_commit(header: str, digits: int) -> None:
    content = raw(f"{header} x")

    assert decode_commit("1" * digits, content).is_signed
    assert not decode_commit("1" * (104 - digits), content).is_signed


def test_terms_of_a_conflict_may_be_in_capitals() -> None:
    commit = decode_commit(OID, raw(f"jj:trees {A.upper()} {B} {C}"))

    assert commit.trees == (A, B, C)


def test_header_of_a_million_lines_is_read_in_no_time() -> None:
    folded = raw("gpgsig begin" + "\n x" * 1_000_000, f"change-id {HEADER_ID}")
    started = time.process_time()

    commit = decode_commit(OID, folded)

    assert commit.change_id == HEADER_ID
    assert time.process_time() - started < 10


def test_large_commits_are_not_kept_in_memory(writer: JjWriter) -> None:
    parents = [writer.commit()] * 10_000
    oids = [writer.commit(*parents, description=f"{number}" * 10_000) for number in range(10, 30)]
    commits = open_commits(writer)
    tracemalloc.start()

    lengths = {len(commits.read(oid).description) for oid in oids}

    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert lengths == {MAX_TEXT_CHARACTERS}
    assert held < 8 * 1024**2


@pytest.mark.parametrize(
    ("person", "name", "email", "moment"),
    [
        ("Ada <a@b> 12 +0545", "Ada", "a@b", Timestamp(12_000, 345)),
        ("  Ada   <  a@b  > 12 -1130", "Ada", "a@b", Timestamp(12_000, -690)),
        ("JJ_EMPTY_STRING <JJ_EMPTY_STRING> 12 -0000", "", "", Timestamp(12_000, 0)),
        ("A <b> <c@d> 12 +0000", "A", "b> <c@d", Timestamp(12_000, 0)),
        ("A <a@b> -12 +0000", "A", "a@b", Timestamp(-12_000, 0)),
        ("A <a@b>", "A", "a@b", Timestamp(0, 0)),
        ("A <a@b> soon", "A", "a@b", Timestamp(0, 0)),
        ("A\x1f <\xa0a@b\u2028> 12 +0545", "A\x1f", "a@b", Timestamp(12_000, 345)),
        ("A << a@b >> 12 +0545", "A", "a@b", Timestamp(12_000, 345)),
        ("A <a@b> 12 +054530", "A", "a@b", Timestamp(12_000, 345)),
        ("A <a@b> 12 +05453", "A", "a@b", Timestamp(12_000, 0)),
        ("A <a@b> 9999999999999999999 +0545", "A", "a@b", Timestamp(0, 0)),
        ("nobody", "nobody", "", Timestamp(0, 0)),
        ("", "", "", Timestamp(0, 0)),
    ],
)
def test_people_are_read_as_they_are_written(
    person: str, name: str, email: str, moment: Timestamp
) -> None:
    author = decode_commit(OID, raw(person=person)).author

    assert (author.name, author.email, author.time) == (name, email, moment)


def test_text_that_is_not_utf_8_is_shown_as_well_as_can_be() -> None:
    content = raw("encoding ISO-8859-1") + b"caf\xe9\0 \n\nmore"

    assert decode_commit(OID, content).description == "caf\N{REPLACEMENT CHARACTER}\0 \n\nmore"


def test_text_without_an_end_is_cut() -> None:
    long = "\N{MUSICAL SYMBOL G CLEF}" * (MAX_TEXT_CHARACTERS + 1)

    commit = decode_commit("1" * 40, raw(person=f"{long} <ada@example.org> 1 +0000", message=long))

    assert commit.description == commit.author.name == long[:-1]
    assert commit.author.email == "ada@example.org"


def test_commits_at_the_edge_of_a_shallow_clone_have_no_parents(writer: JjWriter) -> None:
    edge = writer.commit(A)
    child = writer.commit(edge)
    (writer.gitdir / "shallow").write_text(f"{edge}\n")

    walked = list(open_commits(writer).walk([child]))

    assert [commit.id for commit in walked] == [child, edge, ROOT_COMMIT]


def test_walk_stops_at_what_is_known_and_passes_over_heads_that_are_gone(
    writer: JjWriter,
) -> None:
    first = writer.commit(seconds=1)
    second = writer.commit(first, seconds=2)
    third = writer.commit(second, seconds=3)

    walked = list(open_commits(writer).walk([third, A], known={first}))

    assert [commit.id for commit in walked] == [third, second]


def test_missing_parent_is_named_missing(writer: JjWriter) -> None:
    child = writer.commit(A)

    with pytest.raises(MissingJjError, match=A):
        list(open_commits(writer).walk([child]))
