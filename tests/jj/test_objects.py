"""Git's objects: loose, packed, borrowed, missing, moved meanwhile, and torn."""

from __future__ import annotations

import subprocess
import time
import tracemalloc
import zlib
from pathlib import Path

import pytest

from tests.support.jj_writer import JjWriter, open_commits
from wit_admin.errors import DamagedJjError
from wit_admin.jj.change_ids import decode_change_id
from wit_admin.jj.commit_store import MAX_MISSING

OID, A, B, C = (f"{digit}{digit}" * 20 for digit in "1abc")
HEADER_ID, EXTRAS_ID = "k" * 32, "m" * 32


def test_object_of_another_kind_is_damage(writer: JjWriter) -> None:
    commits = open_commits(writer)

    with pytest.raises(DamagedJjError):
        commits.read(writer.blob(b"not a commit"))


def test_object_written_later_is_found(writer: JjWriter) -> None:
    commits = open_commits(writer)
    assert commits.find(A) is None

    commit_id = writer.commit(change_id=HEADER_ID)

    assert commits.read(commit_id).change_id == HEADER_ID
    assert decode_change_id(HEADER_ID) == b"\xff" * 16


def test_loose_object_that_is_torn_is_damage(writer: JjWriter) -> None:
    """libgit2 1.9 never comes back from a loose object whose file was cut off."""
    commit_id = writer.commit(description="long " * 1000)
    path = writer.gitdir / "objects" / commit_id[:2] / commit_id[2:]
    whole = path.read_bytes()
    path.chmod(0o600)

    for torn in (whole[:-1], whole[:20], b"", b"x" + whole, whole[:-9] + whole[-8:]):
        path.write_bytes(torn)
        with pytest.raises(DamagedJjError):
            open_commits(writer).read(commit_id)


def test_object_that_is_not_what_its_name_says_is_damage(writer: JjWriter) -> None:
    good, other = writer.commit(description="good"), writer.commit(description="other")
    objects = writer.gitdir / "objects"
    (objects / other[:2] / other[2:]).replace(objects / good[:2] / good[2:])

    with pytest.raises(DamagedJjError):
        open_commits(writer).read(good)


def test_loose_object_that_unpacks_to_gigabytes_is_not_unpacked(writer: JjWriter) -> None:
    path = writer.gitdir / "objects" / A[:2] / A[2:]
    path.parent.mkdir()
    path.write_bytes(zlib.compress(b"commit 1073741824\0" + b"\0" * 2**26))
    tracemalloc.start()

    with pytest.raises(DamagedJjError, match="larger than"):
        open_commits(writer).read(A)

    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 2**26


def test_objects_are_read_from_packs_and_from_alternates(writer: JjWriter, tmp_path: Path) -> None:
    packed = writer.commit(description="packed")
    git = ["git", "-C", str(writer.gitdir)]
    subprocess.run([*git, "update-ref", "refs/heads/main", packed], check=True)
    subprocess.run([*git, "repack", "-adq"], check=True)
    borrowing = JjWriter(tmp_path / "other")
    (borrowing.gitdir / "objects/info/alternates").write_text(f"{writer.gitdir}/objects\n")

    assert open_commits(writer).read(packed).description == "packed"
    assert open_commits(borrowing).read(packed).description == "packed"


def test_commits_that_are_not_there_are_looked_for_a_bounded_number_of_times(
    writer: JjWriter,
) -> None:
    commits = open_commits(writer)
    known = writer.commit()
    lost = [f"{number:040x}" for number in range(1, MAX_MISSING + 2)]
    started = time.process_time()

    assert {commits.find(each) for each in lost[:MAX_MISSING] * 2} == {None}
    with pytest.raises(DamagedJjError, match="does not have"):
        commits.find(lost[-1])
    assert commits.find(known) is not None
    assert time.process_time() - started < 20


def test_object_that_git_moves_into_a_pack_meanwhile_is_found(writer: JjWriter) -> None:
    commits = open_commits(writer)
    commit_id = writer.commit(description="packed later")
    missed = commits.find(OID)
    git = ["git", "-C", str(writer.gitdir)]
    subprocess.run([*git, "update-ref", "refs/heads/main", commit_id], check=True)
    subprocess.run([*git, "repack", "-adq"], check=True)

    assert missed is None
    assert commits.read(commit_id).description == "packed later"
