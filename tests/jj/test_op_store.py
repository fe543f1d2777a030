"""Operations of all eras and in all faults; heads, several heads, and walks."""

from __future__ import annotations

import contextlib
import itertools
from pathlib import Path

import pytest

from tests.support.jj_writer import JjWriter, build, encode_operation
from wit_admin.errors import DamagedJjError, JjPathError, MissingJjError
from wit_admin.jj.content_hash import operation_matches
from wit_admin.jj.ids import ROOT_OPERATION_ID, ROOT_VIEW_ID
from wit_admin.jj.op_heads import list_op_heads
from wit_admin.jj.op_store import OpStore
from wit_admin.jj.operations import ROOT_OPERATION, Timestamp, decode_operation

ID = "ab" * 64


@pytest.fixture
def heads(writer: JjWriter) -> Path:
    return writer.repo / "op_heads/heads"


@pytest.fixture
def store(writer: JjWriter) -> OpStore:
    return OpStore(writer.repo / "op_store")


@pytest.mark.parametrize("name", ["lock", ".tmpAB12", "ab" * 63, "AB" * 64, "ab" * 65, ID + "\n"])
def test_names_that_are_no_operation_are_passed_over(heads: Path, name: str) -> None:
    (heads / name).touch()
    (heads / ID).touch()

    assert list_op_heads(heads) == (ID,)


def test_list_that_is_empty_for_a_moment_is_read_again(
    heads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    appear = (heads / ID).touch
    monkeypatch.setattr("wit_admin.jj.op_heads.time.sleep", lambda _: appear())

    assert list_op_heads(heads) == (ID,)


def test_list_that_stays_empty_is_damage(heads: Path) -> None:
    with pytest.raises(DamagedJjError, match="names no current operation"):
        list_op_heads(heads)


def test_absurdly_many_heads_are_refused(heads: Path) -> None:
    for number in range(1025):
        (heads / f"{number:0128x}").touch()

    with pytest.raises(DamagedJjError, match="more than 1024"):
        list_op_heads(heads)


def test_head_of_a_repository_just_made_is_the_root_operation(
    writer: JjWriter, heads: Path, store: OpStore
) -> None:
    writer.set_heads(ROOT_OPERATION_ID)

    current = store.reduce_heads(list_op_heads(heads))

    assert current == (ROOT_OPERATION_ID,)
    assert list(store.walk(current)) == []
    assert store.read_operation(ROOT_OPERATION_ID).view_id == ROOT_VIEW_ID
    assert store.read_view(ROOT_VIEW_ID).head_ids == ("0" * 40,)


def test_heads_that_led_to_others_are_not_current(writer: JjWriter, store: OpStore) -> None:
    first = writer.operation(writer.view())
    second = writer.operation(writer.view(), first)
    third = writer.operation(writer.view(), second, ROOT_OPERATION_ID)

    assert store.reduce_heads([first, third, ROOT_OPERATION_ID]) == (third,)


def test_operations_side_by_side_are_divergence(writer: JjWriter, store: OpStore) -> None:
    base = writer.operation(writer.view())
    sides = [writer.operation(writer.view(), base, hostname=name) for name in "abc"]
    merged = writer.operation(writer.view(), *sides[:2])

    assert store.reduce_heads(sides) == tuple(sorted(sides))
    assert store.reduce_heads([*sides, merged]) == tuple(sorted([sides[2], merged]))


def test_clocks_that_run_backwards_do_not_matter(writer: JjWriter, store: OpStore) -> None:
    ids = [writer.operation(writer.view())]
    for number in range(20):
        end = Timestamp(1000 * ((number * 7) % 20 - 10), 0)
        ids.append(writer.operation(writer.view(), ids[-1], end=end, start=end))

    assert store.reduce_heads(ids) == (ids[-1],)
    assert {operation.id for operation in store.walk([ids[-1]])} == set(ids)


def test_heads_read_no_further_back_than_where_they_meet(writer: JjWriter, store: OpStore) -> None:
    old = writer.operation(writer.view())
    base = writer.operation(writer.view(), old)
    sides = [writer.operation(writer.view(), base, hostname=name) for name in "ab"]
    writer.operation_file(old).unlink()

    assert store.reduce_heads([base, *sides]) == tuple(sorted(sides))


def test_walk_goes_back_line_by_line_and_stops_at_what_is_known(
    writer: JjWriter, store: OpStore
) -> None:
    first = writer.operation(writer.view())
    left = writer.operation(writer.view(), first)
    right = writer.operation(writer.view(), first)
    merged = writer.operation(writer.view(), left, right)

    assert [operation.id for operation in store.walk([merged])] == [merged, left, right, first]
    assert [operation.id for operation in store.walk([merged], known={left, first})] == [
        merged,
        right,
    ]


@pytest.mark.parametrize("skew_ms", [0, 60_000])
def test_walk_meets_no_operation_before_those_it_led_to(
    writer: JjWriter, store: OpStore, skew_ms: int
) -> None:
    """Two hosts at work, one of them with a clock that stands still, or is late."""
    base = writer.operation(writer.view())
    now = store.read_operation(base).end
    late = Timestamp(now.ms - skew_ms, 0)
    slow = [writer.operation(writer.view(), base, end=late)]
    slow.append(writer.operation(writer.view(), slow[0], end=late))
    quick = writer.operation(writer.view(), base, end=Timestamp(now.ms + 60_000, 0))
    last = writer.operation(writer.view(), quick, base, slow[1])

    order = [operation.id for operation in store.walk([last])]

    assert order == [last, quick, slow[1], slow[0], base]


@pytest.mark.parametrize("order", list(itertools.permutations(["aa" * 64, "bb" * 64, "cc" * 64])))
def test_operations_in_a_circle_end_every_walk(
    writer: JjWriter, store: OpStore, order: tuple[str, ...]
) -> None:
    for operation_id, parent in zip(order, order[1:] + order[:1], strict=True):
        operation = build("Operation", view_id=b"\0" * 64, parents=[bytes.fromhex(parent)])
        operation.metadata.SetInParent()
        writer.operation_file(operation_id).write_bytes(operation.SerializeToString())

    assert len(list(store.walk(order[:1]))) == 3
    with contextlib.suppress(DamagedJjError):
        assert set(store.reduce_heads(order)) < set(order)


def test_missing_operation_is_named_missing(writer: JjWriter, store: OpStore) -> None:
    first = writer.operation(writer.view())
    second = writer.operation(writer.view(), first)
    writer.operation_file(first).unlink()

    with pytest.raises(MissingJjError, match=first[:12]):
        list(store.walk([second]))


@pytest.mark.parametrize("content", [b"", b"\n", b"\x0a\x40torn", b"\xff" * 100, b"\x0a\x00"])
def test_torn_operation_is_damage(writer: JjWriter, store: OpStore, content: bytes) -> None:
    writer.operation_file(ID).write_bytes(content)

    with pytest.raises(DamagedJjError):
        store.read_operation(ID)


def test_operation_cut_anywhere_is_damage_or_does_not_match_its_id(
    writer: JjWriter, store: OpStore
) -> None:
    operation_id = writer.operation(
        writer.view(), description="x", workspace_name="default", predecessors={"0a" * 20: ()}
    )
    whole = writer.operation_file(operation_id).read_bytes()

    assert operation_matches(store.read_operation(operation_id))
    for end in range(len(whole)):
        with contextlib.suppress(DamagedJjError):
            assert not operation_matches(decode_operation(operation_id, whole[:end]))


def test_operation_that_is_a_link_or_too_large_is_refused(
    writer: JjWriter, store: OpStore, tmp_path: Path
) -> None:
    (tmp_path / "secret").write_bytes(encode_operation(ROOT_OPERATION))
    writer.operation_file(ID).symlink_to(tmp_path / "secret")
    with writer.operation_file("cd" * 64).open("wb") as file:
        file.truncate(2**40)

    with pytest.raises(JjPathError):
        store.read_operation(ID)
    with pytest.raises(DamagedJjError, match="larger"):
        store.read_operation("cd" * 64)


def test_fields_of_a_later_jj_are_passed_over() -> None:
    later = b"\xf2\x07\x04new!" + b"\x98\x06\x01"  # field 126 with bytes, field 99 with a number

    operation = decode_operation(ID, encode_operation(ROOT_OPERATION) + later)

    assert operation.view_id == ROOT_VIEW_ID


def test_what_old_jj_did_not_say_is_told_from_nothing() -> None:
    old = build("Operation", view_id=b"\1" * 64)
    old.metadata.description = "add workspace 'default'"
    old.metadata.start_time.tz_offset = -570

    operation = decode_operation(ID, old.SerializeToString())

    assert operation.parents == (ROOT_OPERATION_ID,)
    assert operation.predecessors is None
    assert operation.workspace_name is None
    assert not operation.is_snapshot
    assert operation.start == Timestamp(0, -570)


def test_predecessors_that_were_stored_may_be_none() -> None:
    new = build("Operation", view_id=b"\1" * 64, stores_commit_predecessors=True)
    new.metadata.SetInParent()
    new.commit_predecessors.add(commit_id=b"\2" * 20)

    assert decode_operation(ID, new.SerializeToString()).predecessors == {"02" * 20: ()}


@pytest.mark.parametrize("ms", [2**63 - 1, -(2**63), 0])
@pytest.mark.parametrize("tz_minutes", [2**31 - 1, -(2**31), 14 * 60])
def test_every_moment_becomes_a_date(ms: int, tz_minutes: int) -> None:
    date = Timestamp(ms, tz_minutes).to_datetime()

    assert date.utcoffset() is not None
    assert (date.year > 9000) == (ms > 0)
