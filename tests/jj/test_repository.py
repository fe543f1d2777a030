"""Whole repositories, while somebody writes them and after crashes."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest

from tests.support.jj_writer import ROOT_COMMIT, JjWriter
from tests.support.processes import wait_until
from wit_admin.errors import DamagedJjError, MissingJjError, UnreadableJjError
from wit_admin.jj.change_ids import synthesize
from wit_admin.jj.repository import JjRepository, open_repository, read_repository
from wit_admin.jj.visibility import find_trunk

CHANGE = "kmnopqrstuvwxyzl" * 2


def test_snapshot_holds_what_stood_when_it_was_opened(writer: JjWriter) -> None:
    first = writer.commit(change_id=CHANGE, description="first\n")
    writer.publish(writer.view(first, bookmarks={"main": first}, working_copies={"default": first}))
    snapshot = open_repository(writer.workspace)
    writer.publish(writer.view(), *snapshot.op_heads)

    assert snapshot.view.bookmarks["main"].commit_id == first
    assert [commit.change_id for commit in snapshot.iter_commits()] == [CHANGE, "z" * 32]
    assert open_repository(writer.workspace).view.head_ids == (ROOT_COMMIT,)


def test_fresh_repository_shows_the_root_commit_alone(writer: JjWriter) -> None:
    writer.set_heads("0" * 128)

    snapshot = open_repository(writer.workspace)

    assert [commit.is_root for commit in snapshot.iter_commits()] == [True]
    assert list(snapshot.iter_operations()) == []
    assert snapshot.find_undone() == set()


def test_head_whose_operation_is_gone_stays_missing(writer: JjWriter) -> None:
    head = writer.publish(writer.view())
    other = writer.operation(writer.view(), head)
    writer.set_heads(head, other)
    writer.operation_file(other).unlink()

    with pytest.raises(MissingJjError, match=other[:12]):
        open_repository(writer.workspace)


def test_work_is_done_again_when_jj_cleaned_up_meanwhile(writer: JjWriter) -> None:
    old = writer.publish(writer.view())
    new = writer.operation(writer.view(), description="new")

    def work(repository: JjRepository) -> list[str]:
        if repository.op_heads == (old,):
            writer.set_heads(new)
            writer.operation_file(old).unlink()
        return [operation.description for operation in repository.iter_operations()]

    assert read_repository(writer.workspace, work) == ["new"]


def test_lost_extras_are_seen_and_fall_back_as_in_jj(writer: JjWriter) -> None:
    commit_id = writer.commit()
    name = writer.change_ids({commit_id: CHANGE})
    writer.publish(writer.view(commit_id))
    before = open_repository(writer.workspace).commits
    (writer.repo / "store/extra/heads" / name).unlink()

    after = open_repository(writer.workspace).commits

    assert (before.read(commit_id).change_id, before.extras.is_lost) == (CHANGE, False)
    assert (after.read(commit_id).change_id, after.extras.is_lost) == (synthesize(commit_id), True)


def test_next_snapshot_takes_over_extras_that_did_not_change(writer: JjWriter) -> None:
    commit_id = writer.commit()
    writer.change_ids({commit_id: CHANGE})
    writer.publish(writer.view(commit_id))
    before = open_repository(writer.workspace)
    table = before.commits.extras
    between = open_repository(writer.workspace, known=before)

    after = open_repository(writer.workspace, known=between)

    assert after.commits.extras is table


def test_index_that_is_torn_is_no_index(writer: JjWriter) -> None:
    head = writer.publish(writer.view())
    links = writer.repo / "index/op_links"
    links.mkdir()
    (links / head).write_bytes(b"\xff\xff")

    assert open_repository(writer.workspace).open_index() is None


@pytest.mark.parametrize(
    ("remote_head", "bookmarks", "default"),
    [
        ("origin/dev", ["dev", "main"], "dev"),
        ("upstream/dev", ["dev", "main"], "dev"),
        ("origin/gone", ["trunk", "master"], "master"),
        (None, ["main", "master"], "main"),
        (None, ["dev"], None),
    ],
)
def test_default_bookmark_is_what_a_remote_calls_so(
    writer: JjWriter, remote_head: str | None, bookmarks: list[str], default: str | None
) -> None:
    commit_id = writer.commit()
    writer.publish(writer.view(commit_id, bookmarks=dict.fromkeys(bookmarks, commit_id)))
    if remote_head is not None:
        remote, _, name = remote_head.partition("/")
        folder = writer.gitdir / "refs/remotes" / remote
        folder.mkdir(parents=True)
        (folder / "HEAD").write_text(f"ref: refs/remotes/{remote}/{name}\n")

    assert open_repository(writer.workspace).find_default_bookmark() == default


@pytest.mark.parametrize("seconds", [(1, 1), (1, 2), (2, 1)])
def test_trunk_is_the_latest_candidate_and_of_one_second_the_one_on_top(
    writer: JjWriter, seconds: tuple[int, int]
) -> None:
    lower = writer.commit(seconds=seconds[0])
    upper = writer.commit(lower, seconds=seconds[1])
    writer.publish(writer.view(upper, origin={"main": lower, "trunk": upper}))
    snapshot = open_repository(writer.workspace)

    found = find_trunk(snapshot.commits, snapshot.view)

    assert found == (lower if seconds == (2, 1) else upper)


def test_many_writers_never_show_a_reader_half_a_state(writer: JjWriter) -> None:
    commits = [writer.commit(description=str(number)) for number in range(8)]
    writer.publish(writer.view(commits[0], bookmarks={"main": commits[0]}))
    stop = threading.Event()
    lock = threading.Lock()

    def write() -> None:
        while not stop.is_set():
            with lock:
                number = sum(1 for _ in (writer.repo / "op_store/operations").iterdir()) % 8
                view = writer.view(commits[number], bookmarks={"main": commits[number]})
                heads = (writer.repo / "op_heads/heads").iterdir()
                writer.publish(view, *[head.name for head in heads])

    writers = [threading.Thread(target=write) for _ in range(20)]
    for thread in writers:
        thread.start()
    seen = set()

    def look() -> bool:
        seen.add(read_repository(writer.workspace, main_and_heads))
        return len(seen) > 1

    try:
        for _ in range(100):
            look()
        wait_until(look)
    finally:
        stop.set()
        for thread in writers:
            thread.join()

    assert all(heads == (main,) for main, heads in seen)


def main_and_heads(snapshot: JjRepository) -> tuple[str | None, tuple[str, ...]]:
    return snapshot.view.bookmarks["main"].commit_id, snapshot.view.head_ids


def test_concurrent_operations_show_a_provisional_view(writer: JjWriter) -> None:
    base, left, right = (writer.commit(description=name) for name in ("base", "left", "right"))
    start = writer.publish(writer.view(base, bookmarks={"a": base, "b": base}))
    heads = [
        writer.operation(writer.view(base, left, bookmarks={"a": left, "b": base}), start),
        writer.operation(writer.view(right, bookmarks={"a": base}), start),
    ]
    writer.set_heads(*heads)

    snapshot = open_repository(writer.workspace)

    assert snapshot.is_divergent
    assert snapshot.op_heads == tuple(sorted(heads))
    assert snapshot.view.id == ""
    assert set(snapshot.view.head_ids) == {left, right}
    assert {name: target.commit_id for name, target in snapshot.view.bookmarks.items()} == {
        "a": left
    }


def test_repository_of_another_user_says_what_to_do(writer: JjWriter) -> None:
    if os.geteuid() == 0:
        pytest.skip("root may read everything")
    head = writer.publish(writer.view())
    writer.operation_file(head).chmod(0)

    with pytest.raises(UnreadableJjError) as caught:
        open_repository(writer.workspace).read_view(head)

    assert "0600" in (caught.value.hint or "")


def test_nothing_is_written_by_reading(writer: JjWriter) -> None:
    commit_id = writer.commit()
    writer.change_ids({commit_id: CHANGE})
    writer.publish(writer.view(commit_id))
    before = listing(writer.workspace)

    snapshot = open_repository(writer.workspace, root=writer.workspace)
    for commit in snapshot.iter_commits():
        snapshot.is_empty(commit)
        list(snapshot.iter_conflicted_paths(commit))
    snapshot.open_index()
    snapshot.find_undone()

    assert listing(writer.workspace) == before


def listing(folder: Path) -> dict[Path, tuple[int, int]]:
    return {path: (path.lstat().st_mtime_ns, path.lstat().st_size) for path in folder.rglob("*")}


def test_empty_operation_after_a_power_cut_is_damage(writer: JjWriter) -> None:
    head = writer.publish(writer.view())
    writer.operation_file(head).write_bytes(b"")

    with pytest.raises(DamagedJjError):
        open_repository(writer.workspace).view  # noqa: B018  a property that reads
