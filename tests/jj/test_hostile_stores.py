"""Fuzzed stores: whatever the bytes are, the answer is a value or one of our errors, and soon."""

from __future__ import annotations

import contextlib
import hashlib
import struct
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.jj_fixtures import unpack_fixture
from tests.support.jj_writer import JjWriter, encode_segment
from wit_admin.errors import DamagedJjError, JjError
from wit_admin.jj.commit_extras import decode_extras
from wit_admin.jj.commit_index import open_index
from wit_admin.jj.commits import decode_commit
from wit_admin.jj.layout import find_workspace, open_layout
from wit_admin.jj.operations import decode_operation
from wit_admin.jj.repository import JjRepository, read_repository
from wit_admin.jj.stacked_table import decode_segment
from wit_admin.jj.trees import decode_tree
from wit_admin.jj.views import decode_view

QUICK = settings(suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
"""Each example is quick, but not on every machine and under every load."""
OID, STORE_ID = "ab" * 20, "ab" * 64


def look_up(content: bytes) -> None:
    segment = decode_segment(STORE_ID, content, 20)
    for key in (b"\0" * 20, b"k" * 20, b"\xff" * 20):
        segment.find(key)


def whole_segment() -> bytes:
    return encode_segment(None, {b"k" * 20: b"value", b"m" * 20: b"other"})


DECODERS: list[Callable[[bytes], object]] = [
    lambda content: decode_operation(STORE_ID, content),
    lambda content: decode_view(STORE_ID, content),
    lambda content: decode_extras(OID, content),
    lambda content: decode_commit(OID, content),
    lambda content: decode_tree(OID, content),
    look_up,
]

# Tags of fields 1 to 13 with every wire type, lengths true, huge and negative, and plain bytes.
varints = st.integers(0, 2**64 - 1).map(
    lambda n: (
        b"".join(bytes([(n >> shift) & 0x7F | 0x80]) for shift in range(0, 63, 7))
        + bytes([n >> 63])
    )
)
chunks = st.recursive(
    st.binary(max_size=80) | varints,
    lambda inner: (
        st.builds(
            lambda field, content: bytes([field << 3 | 2, len(content) & 0x7F]) + content,
            st.integers(1, 13),
            inner,
        )
        | st.lists(inner, max_size=4).map(b"".join)
        | st.builds(
            lambda field, wire, rest: bytes([field << 3 | wire]) + rest,
            st.integers(0, 13),
            st.integers(0, 7),
            inner,
        )
    ),
    max_leaves=12,
)


@pytest.mark.parametrize("decode", DECODERS)
@settings(QUICK)
@given(content=chunks)
def test_any_bytes_are_a_value_or_damage(decode: Callable[[bytes], object], content: bytes) -> None:
    with contextlib.suppress(DamagedJjError):
        decode(content)


@settings(QUICK)
@given(
    cut=st.integers(0, 200),
    at=st.integers(0, 60),
    number=st.integers(0, 2**32 - 1),
)
def test_segments_with_wrong_numbers_are_values_or_damage(cut: int, at: int, number: int) -> None:
    content = bytearray(whole_segment())
    content[at : at + 4] = struct.pack("<I", number)

    with contextlib.suppress(DamagedJjError):
        look_up(bytes(content[:cut]))


@settings(QUICK, max_examples=50)
@given(pointer=st.binary(max_size=300) | st.text(alphabet="./a\0", max_size=60).map(str.encode))
@pytest.mark.parametrize("place", [".jj/repo", ".jj/second-git"])
def test_pointer_files_with_any_bytes_are_refused_or_stay_inside(
    tmp_path: Path, pointer: bytes, place: str
) -> None:
    root = tmp_path / "root"
    name = hashlib.sha1(pointer, usedforsecurity=False).hexdigest()
    workspace = root / name
    if place == ".jj/repo":
        (workspace / ".jj").mkdir(parents=True, exist_ok=True)
        (workspace / ".jj/repo").write_bytes(pointer)
    elif not workspace.exists():
        (JjWriter(workspace).repo / "store/git_target").write_bytes(pointer)

    try:
        layout = open_layout(find_workspace(workspace, root=root), root=root)
    except JjError:
        return
    assert layout.repo.is_relative_to(root)
    assert layout.git.path.is_relative_to(root)


@pytest.fixture(scope="module")
def indexed(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    fixture = unpack_fixture("0.45.1/merges", tmp_path_factory.mktemp("indexed"))
    return fixture.workspace / ".jj/repo/index", fixture.oracle["current_op"]


@settings(QUICK, max_examples=60)
@given(at=st.integers(0, 2000), number=st.integers(0, 2**32 - 1), which=st.integers(0, 20))
def test_index_with_wrong_numbers_is_read_or_damage(
    indexed: tuple[Path, str], at: int, number: int, which: int
) -> None:
    folder, operation_id = indexed
    segments = sorted((folder / "segments").iterdir())
    segment = segments[which % len(segments)]
    whole = segment.read_bytes()
    torn = bytearray(whole)
    torn[at % len(whole) : at % len(whole) + 4] = struct.pack("<I", number)
    segment.write_bytes(torn)
    try:
        index = open_index(folder, operation_id, id_bytes=20)
        for row in index or ():
            assert index is not None
            index.find_position(row.id)
            index.list_positions(row.change_id)
    except DamagedJjError:
        pass
    finally:
        segment.write_bytes(whole)


@settings(QUICK, max_examples=40)
@given(data=st.data())
def test_repository_with_one_torn_file_is_read_or_refused(
    torn_repository: Path, data: st.DataObject
) -> None:
    files = sorted(
        path
        for path in (torn_repository / ".jj").rglob("*")
        if path.is_file() and path.stat().st_size
    )
    path = data.draw(st.sampled_from(files))
    whole = path.read_bytes()
    at = data.draw(st.integers(0, len(whole) - 1))
    torn = data.draw(
        st.sampled_from([whole[:at], whole[:at] + b"\xff" + whole[at + 1 :], whole[at:], b""])
    )
    mode = path.stat().st_mode
    path.chmod(0o600)
    path.write_bytes(torn)
    try:
        with contextlib.suppress(JjError):
            read_repository(torn_repository, read_everything, root=torn_repository.parent)
    finally:
        path.write_bytes(whole)
        path.chmod(mode)


@pytest.fixture(scope="module")
def torn_repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("torn")
    return unpack_fixture("0.45.1/conflicts_kinds", folder).workspace


def read_everything(repository: JjRepository) -> None:
    for commit in repository.iter_commits():
        repository.is_empty(commit)
        list(repository.iter_conflicted_paths(commit))
    repository.find_undone()
    for row in repository.open_index() or ():
        assert len(row.id) == 40


def test_lengths_that_promise_gigabytes_cost_none() -> None:
    promise = b"\x0a" + b"\xff" * 4 + b"\x07"  # field 1 with 2 GiB to come
    tracemalloc.start()

    for decode in DECODERS:
        with contextlib.suppress(DamagedJjError):
            decode(promise + b"x" * 100)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 10 * 1024**2
