"""Forced updates are told from others as git tells them, near and far."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.repositories import commit, git_bytes, new_work, oid_of
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.git.children.fallback import command_line
from wit_admin.git.children.program import GitProgram
from wit_admin.git.objects.ancestry import Ancestry, find_near

FAR = 700


@pytest.fixture
def ancestry(tmp_path: Path) -> Ancestry:
    return Ancestry(make_tools(tmp_path))


@pytest.fixture(scope="module")
def long(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two branches of 700 commits each that have the root in common, and one commit besides."""
    folder = tmp_path_factory.mktemp("long")
    run_git(folder, "init", "--quiet", "--bare", "--initial-branch=main")
    git_bytes(folder, "fast-import", "--quiet", stdin="".join(_long_history()).encode())
    return folder


def _long_history() -> Iterator[str]:
    for branch in ("main", "side"):
        for number in range(FAR):
            yield f"commit refs/heads/{branch}\nmark :{branch == 'side':d}{number}1\n"
            yield f"committer A <a@example.com> {number} +0000\ndata 1\n{branch[0]}\n"
            if number == 0 and branch == "side":
                yield "from :001\n"
    yield "commit refs/heads/alone\ncommitter A <a@example.com> 1 +0000\ndata 1\na\n"


def is_forced(ancestry: Ancestry, gitdir: Path, before: str, after: str) -> bool:
    move = (oid_of(gitdir, before), oid_of(gitdir, after))
    return ancestry.find_forced(gitdir, [move]) == {move}


def test_what_is_near_is_found_also_among_objects_that_are_kept_apart(tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    oids = [commit(work, str(number)) for number in range(3)]
    bare = tmp_path / "bare.git"
    run_git(tmp_path, "clone", "--quiet", "--bare", "--no-local", str(work), str(bare))
    apart = [commit(work, str(number)) for number in (3, 4)]
    moves = [(oids[1], apart[1]), (apart[0], apart[1]), (apart[1], oids[0]), ("1" * 40, oids[0])]

    assert find_near(bare, moves, apart=f"{work}/.git/objects") == set(moves[:2])
    assert find_near(bare, [*moves, (oids[0], oids[2])]) == {(oids[0], oids[2])}


def test_what_is_far_is_not_called_near(long: Path) -> None:
    near = oid_of(long, "main~9"), oid_of(long, "main")
    far = oid_of(long, f"main~{FAR - 1}"), oid_of(long, "main")

    assert find_near(long, [near, far]) == {near}


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("main", "main", False),
        ("main~1", "main", False),
        (f"main~{FAR - 1}", "main", False),
        (f"main~{FAR - 1}", "side", False),
        ("main", "main~1", True),
        ("main~1", "side", True),
        ("alone", "main", True),
        ("main", "alone", True),
    ],
)
def test_near_and_far_ancestors_are_found(
    ancestry: Ancestry, long: Path, before: str, after: str, *, expected: bool
) -> None:
    stand_in = replace(ancestry.tools, program=GitProgram(command_line(), None))
    without_git = Ancestry(stand_in)

    assert is_forced(ancestry, long, before, after) is expected
    assert is_forced(without_git, long, before, after) is expected


def test_random_histories_are_judged_as_git_judges_them(ancestry: Ancestry, tmp_path: Path) -> None:
    chance = random.Random(11)
    work = new_work(tmp_path / "work")
    tree = run_git(work, "mktree").stdout.strip()
    oids: list[str] = []
    for number in range(30):
        parents = chance.sample(oids, k=min(len(oids), chance.choice((0, 1, 1, 1, 2, 2, 3))))
        options = [word for parent in parents for word in ("-p", parent)]
        oids.append(run_git(work, "commit-tree", "-m", f"{number}", *options, tree).stdout.strip())
    moves = [(before, after) for before in oids[::3] for after in oids[::2]]

    found = ancestry.find_forced(work / ".git", moves)

    line = ("merge-base", "--is-ancestor")
    assert found == {move for move in moves if run_git(work, *line, *move, check=False).returncode}
    assert 0 < len(found) < len(moves)


def test_tags_stand_for_what_they_point_at(ancestry: Ancestry, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    commit(work, "one")
    run_git(work, "tag", "-a", "-m", "one", "v1")
    run_git(work, "tag", "-a", "-m", "tag of a tag", "nested", "v1")
    commit(work, "two")
    run_git(work, "tag", "-a", "-m", "two", "v2")
    gitdir = work / ".git"

    assert not is_forced(ancestry, gitdir, "v1", "v2")
    assert not is_forced(ancestry, gitdir, "nested", "main")
    assert is_forced(ancestry, gitdir, "v2", "nested")


def test_what_is_no_commit_contains_nothing(ancestry: Ancestry, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    commit(work, "one")
    gitdir = work / ".git"
    tree, head, gone = oid_of(work, "HEAD^{tree}"), oid_of(work, "HEAD"), "1" * 40
    moves = {(tree, head), (head, tree), (tree, tree), (gone, head)}

    assert ancestry.find_forced(gitdir, moves) == moves


def test_replacements_and_cut_off_histories_do_not_mislead(
    ancestry: Ancestry, tmp_path: Path
) -> None:
    work = new_work(tmp_path / "work", "--object-format=sha1")
    oids = [commit(work, text) for text in ("one", "two", "three")]
    run_git(work, "replace", "--graft", oids[2])
    run_git(tmp_path, "clone", "--quiet", "--depth=2", work.as_uri(), "shallow")

    assert not is_forced(ancestry, work / ".git", oids[0], oids[2])
    assert not is_forced(ancestry, tmp_path / "shallow/.git", "HEAD~1", "HEAD")
    assert is_forced(ancestry, tmp_path / "shallow/.git", "HEAD", "HEAD~1")


def test_sha256_repositories_are_asked_of_git(ancestry: Ancestry, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work", "--object-format=sha256")
    commit(work, "one")
    commit(work, "two")

    assert not is_forced(ancestry, work / ".git", "HEAD~1", "HEAD")
    assert is_forced(ancestry, work / ".git", "HEAD", "HEAD~1")
