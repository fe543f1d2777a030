"""Rows of jj repositories of shapes that no fixture has, built with the writer."""

from __future__ import annotations

import shutil
import subprocess
import uuid
from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import NOW
from tests.support.jj_rows import sync
from tests.support.jj_writer import EMPTY_TREE, ROOT_COMMIT, JjWriter, build
from wit_admin.db.models.jj import Bookmark, Change, ChangeCommit, Conflict
from wit_admin.errors import DamagedJjError
from wit_admin.jj.ids import ROOT_OPERATION_ID
from wit_admin.services.jj import rows
from wit_admin.services.jj.sync import JjSyncOptions, sync_repository

CHANGE = "kmnopqrstuvwxyzl" * 2


def conflicts(sessions: sessionmaker[Session]) -> set[tuple[str, int]]:
    """Return path and number of sides of what is open."""
    with sessions() as session:
        query = select(Conflict.file_path, Conflict.sides).where(~Conflict.resolved)
        return {(path, sides) for path, sides in session.execute(query)}


def test_conflicts_without_end_fail_the_sync_unless_they_are_left_out(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    writer: JjWriter,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(rows, "MAX_CONFLICTED_PATHS_TOGETHER", 7)
    trees = [writer.tree(dict.fromkeys("ab", text)) for text in ("left", "base", "right")]
    headers = [f"jj:trees {trees[0]} {trees[1]} {trees[2]}"]
    heads = [writer.commit(description=f"{number}", headers=headers) for number in range(4)]
    writer.publish(writer.view(*heads))

    with pytest.raises(DamagedJjError, match="conflicted paths"):
        sync(sessions, repo_id, writer)
    options = JjSyncOptions(sync_conflicts=False)
    sync_repository(sessions, repo_id, writer.workspace, now=NOW, options=options)

    assert conflicts(sessions) == set()
    with sessions() as session:
        assert set(heads) < set(session.scalars(select(ChangeCommit.commit_id)))


def test_repository_just_made_has_the_root_alone(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    writer.set_heads(ROOT_OPERATION_ID)

    sync(sessions, repo_id, writer)

    with sessions() as session:
        assert session.scalars(select(ChangeCommit.commit_id)).all() == [ROOT_COMMIT]


def test_stores_of_old_jj_without_index_types_and_extras_are_enough(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    for store in ("index", "submodule_store", "store/extra"):
        shutil.rmtree(writer.repo / store)
    for store in ("store", "op_store", "op_heads"):
        (writer.repo / store / "type").unlink()
    writer.publish(writer.view(writer.commit(description="old", change_id=CHANGE)))

    sync(sessions, repo_id, writer)

    with sessions() as session:
        assert CHANGE in session.scalars(select(Change.change_id)).all()


def test_texts_that_are_not_utf_8_are_kept_as_well_as_can_be(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    person = b"J\xf6rg\0 <j\xf6@x> 1700000000 +0100"
    lines = [b"tree %s" % EMPTY_TREE.encode(), b"author " + person, b"committer " + person]
    commit = writer.raw(1, b"\n".join([*lines, b"encoding ISO-8859-1", b"", b"Gr\xfc\0e\n"]))
    writer.publish(writer.view(commit))

    sync(sessions, repo_id, writer)

    with sessions() as session:
        row = session.scalars(select(Change).where(Change.commit_id == commit)).one()
    odd, nul = "\N{REPLACEMENT CHARACTER}", "\N{SYMBOL FOR NULL}"
    assert (row.author_name, row.author_email) == (f"J{odd}rg{nul}", f"j{odd}@x")
    assert row.description == f"Gr{odd}{nul}e\n"


@pytest.mark.parametrize(
    ("moment", "year"),
    [
        (b"253402300800 +0000", 9999),
        (b"9223372036854775807 -1200", 9999),
        (b"-62135596801 +0000", 1),
        (b"-5 -0000", 1969),
        (b"1700000000 +9959", 2023),
        (b"", 1970),
    ],
)
def test_moments_that_no_calendar_holds_are_the_nearest_that_it_does(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    writer: JjWriter,
    moment: bytes,
    year: int,
) -> None:
    person = b"Ada <a@x> " + moment
    lines = [b"tree %s" % EMPTY_TREE.encode(), b"author " + person, b"committer " + person]
    commit = writer.raw(1, b"\n".join([*lines, b"", b"x"]))
    writer.publish(writer.view(commit))

    sync(sessions, repo_id, writer)

    with sessions() as session:
        row = session.scalars(select(Change).where(Change.commit_id == commit)).one()
    assert (row.authored_at.year, row.committed_at.year) == (year, year)


@pytest.mark.parametrize("where", ["header", "extras"])
@pytest.mark.parametrize("terms", [3, 5, 9])
def test_conflict_on_the_root_with_many_sides_is_told_in_both_encodings(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter, where: str, terms: int
) -> None:
    trees = [writer.tree({"f": str(n), "d": {"g": str(n)}}) for n in range(terms)]
    headers = [f"jj:trees {' '.join(trees)}"] if where == "header" else []
    commit = writer.commit(ROOT_COMMIT, tree=trees[0], headers=headers)
    if where == "extras":
        terms_ = [bytes.fromhex(tree) for tree in trees]
        writer.extras({commit: {"root_tree": terms_, "uses_tree_conflict_format": True}})
    writer.publish(writer.view(commit, bookmarks={"main": ROOT_COMMIT}))

    sync(sessions, repo_id, writer)

    sides = (terms + 1) // 2
    assert conflicts(sessions) == {("f", sides), ("d/g", sides)}
    with sessions() as session:
        assert session.scalars(select(Bookmark.target_change_id)).one() == "z" * 32


def test_submodules_and_names_that_are_not_utf_8_can_be_in_conflict(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    def write_tree(number: int) -> str:
        blob, module = bytes.fromhex(writer.blob(b"%d" % number)), bytes([number]) * 20
        return writer.raw(2, b"160000 sub\0%s100644 \xff\xfe\0%s" % (module, blob))

    trees = [write_tree(number) for number in (1, 2, 3)]
    commit = writer.commit(tree=trees[0], headers=[f"jj:trees {' '.join(trees)}"])
    writer.publish(writer.view(commit))

    sync(sessions, repo_id, writer)

    assert conflicts(sessions) == {("sub", 2), ("\\xff\\xfe", 2)}


def test_bookmarks_of_the_oldest_encodings_are_read(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter
) -> None:
    one, two, three = (writer.commit(description=text) for text in ("one", "two", "three"))
    view = build("View", head_ids=as_bytes([one, two, three]), wc_commit_id=bytes.fromhex(one))
    view.local_tags.add(name="v1").target.commit_id = bytes.fromhex(two)
    bookmark = view.bookmarks.add(name="main")
    bookmark.local_target.conflict_legacy.adds.extend(as_bytes([one, two]))
    bookmark.local_target.conflict_legacy.removes.extend(as_bytes([three]))
    remote = bookmark.remote_bookmarks.add(remote_name="up/stream @x")
    remote.target.commit_id = bytes.fromhex(three)
    writer.publish(writer.write_view(view))

    sync(sessions, repo_id, writer)

    with sessions() as session:
        found = {row.remote: row for row in session.scalars(select(Bookmark))}
        immutable = select(ChangeCommit.commit_id).where(ChangeCommit.is_immutable)
        checked_out = select(ChangeCommit.commit_id).where(ChangeCommit.is_working_copy)
        assert found[""].target_terms == [one, three, two]
        assert found[""].is_conflicted
        assert found["up/stream @x"].target_commit_id == three
        # By the tag, and the bookmark that is not tracked.
        assert set(session.scalars(immutable)) == {two, three, ROOT_COMMIT}
        assert session.scalars(checked_out).all() == [one]


def test_workspace_whose_git_is_a_worktree_of_another_is_read(
    sessions: sessionmaker[Session], repo_id: uuid.UUID, writer: JjWriter, tmp_path: Path
) -> None:
    commit = writer.commit(description="x", change_id=CHANGE)
    writer.publish(writer.view(commit))
    main, worktree = tmp_path / "main.git", tmp_path / "worktree"
    writer.gitdir.rename(main)
    for line in (
        ["update-ref", "refs/heads/main", commit],
        ["worktree", "add", "-q", "--detach", str(worktree), commit],
    ):
        subprocess.run(["git", "-C", str(main), *line], check=True)
    shutil.copy(worktree / ".git", writer.workspace / ".git")
    (writer.repo / "store/git_target").write_bytes(b"../../../.git")

    sync(sessions, repo_id, writer)

    with sessions() as session:
        assert CHANGE in session.scalars(select(Change.change_id)).all()


def as_bytes(ids: Sequence[str]) -> list[bytes]:
    return [bytes.fromhex(each) for each in ids]
