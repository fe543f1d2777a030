"""Packs that are bombs or lies: refused in words that git shows, and nothing is left of them."""

from __future__ import annotations

import contextlib
import re
import sqlite3
import subprocess
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import pytest

from tests.support.accounts import make_account
from tests.support.kernel import unreaped_children_of
from tests.support.listing import listed_below
from tests.support.packs import (
    BLOB,
    COMMIT,
    TREE,
    commit,
    commit_with,
    delta_entry,
    entry,
    oid_of,
    pack_of,
    tree,
    zeros_entry,
)
from tests.support.raw_answers import Answer, ask, request
from tests.support.reports import by_ref
from tests.support.server import RunningServer, git_environment, run_git, running_server
from wit_admin.git.pktline import write_packet
from wit_admin.git.pushes.report import PushReport, ReportReader

pytestmark = pytest.mark.e2e

CHILD_MEMORY = 256 * 1024**2
TEXT = b"hello\n"
TEXT_OID = oid_of(BLOB, TEXT)
GOOD = commit_with((BLOB, TEXT), root=[("100644", "a", TEXT_OID)])
Bad = tuple[str, bytes]
"""The id of a commit, and the pack that is said to hold it."""


def with_root(*names: str, mode: str = "100644") -> Bad:
    return commit_with((BLOB, TEXT), root=[(mode, name, TEXT_OID) for name in names])


def with_file(name: str, content: bytes, mode: str = "100644") -> Bad:
    return commit_with((BLOB, content), root=[(mode, name, oid_of(BLOB, content))])


def with_commit(data: bytes) -> Bad:
    root = tree(("100644", "a", TEXT_OID))
    return oid_of(COMMIT, data), pack_of(entry(BLOB, TEXT), entry(TREE, root), entry(COMMIT, data))


def without_tree() -> Bad:
    top = commit("1" * 40)
    return oid_of(COMMIT, top), pack_of(entry(COMMIT, top))


def lie(pack: bytes) -> Bad:
    return GOOD[0], pack


ROOT = oid_of(TREE, tree(("100644", "a", TEXT_OID)))
SUBMODULE = b'[submodule "%b"]\n\tpath = x\n\turl = %b\n'
HUGE_HEAD = b"\xbf\xff\xff\xff\xff\xff\xff\x7f"
CASES: dict[str, tuple[Callable[[], Bad], str]] = {
    "git folder in a tree": (lambda: with_root(".git"), "hasDotgit"),
    "git folder by its short name": (lambda: with_root("git~1"), "hasDotgit"),
    "git folder with hidden letters": (lambda: with_root(".g\u200cit"), "hasDotgit"),
    "way up": (lambda: with_root(".."), "hasDotdot"),
    "path for a name": (lambda: with_root("a/b"), "fullPathname"),
    "no name": (lambda: with_root(""), "badTree"),
    "entry twice": (lambda: with_root("a", "a"), "duplicateEntries"),
    "wrong order": (lambda: with_root("b", "a"), "treeNotSorted"),
    "null id": (lambda: commit_with(root=[("100644", "a", "0" * 40)]), "nullSha1"),
    "submodule URL": (
        lambda: with_file(".gitmodules", SUBMODULE % (b"x", b"--upload-pack=touch")),
        "gitmodulesUrl",
    ),
    "submodule name": (
        lambda: with_file(".gitmodules", SUBMODULE % (b"../../x", b"https://a/b")),
        "gitmodulesName",
    ),
    "link for gitmodules": (
        lambda: with_file(".gitmodules", b"/etc/passwd", "120000"),
        "gitmodulesSymlink",
    ),
    "NUL in a header": (lambda: with_commit(commit(ROOT, extra=b"x a\0b\n")), "nulInHeader"),
    "no author": (lambda: with_commit(b"tree %b\n\nx\n" % ROOT.encode()), "missingAuthor"),
    "missing tree": (without_tree, "unexpected type"),
    "missing blob": (lambda: commit_with(root=[("100644", "a", "1" * 40)]), "unexpected type"),
    "missing base": (lambda: lie(pack_of(delta_entry("2" * 40, 9, 9, b"\x01a"))), "deltas"),
    "wrong checksum": (lambda: lie(GOOD[1][:-1] + b"\0"), "did not match"),
    "cut off": (lambda: lie(GOOD[1][:-30]), "EOF"),
    "another commit": (lambda: ("3" * 40, GOOD[1]), "refs/heads/x"),
    "four billion objects": (lambda: lie(pack_of(entry(BLOB, TEXT), count=2**32 - 1)), "fatal"),
    "a million objects": (lambda: lie(pack_of(entry(BLOB, TEXT), count=10**6)), "fatal"),
    "false size": (lambda: lie(pack_of(HUGE_HEAD + entry(BLOB, b"x")[1:])), "fatal"),
    "tree of a gigabyte": (lambda: lie(pack_of(zeros_entry(TREE, 1024**3))), "Out of memory"),
    "blob of 400 MB": (lambda: lie(pack_of(zeros_entry(BLOB, 400 * 1024**2))), "Out of memory"),
    "delta to 8 GB": (
        lambda: lie(
            pack_of(entry(BLOB, TEXT), delta_entry(TEXT_OID, len(TEXT), 2**33, b"\x90\x01"))
        ),
        "Out of memory",
    ),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Forge:
    server: RunningServer
    token: bytes

    def push(self, name: str, oid: str, pack: bytes) -> Answer:
        capabilities = "report-status side-band-64k"
        line = f"{'0' * 40} {oid} refs/heads/x\0{capabilities}".encode()
        headers = (
            b"Authorization: Bearer " + self.token,
            b"Content-Type: application/x-git-receive-pack-request",
        )
        path = f"/alice/{name}/git-receive-pack".encode()
        body = write_packet(line) + b"0000" + pack
        return ask(self.server.url, request(b"POST", path, *headers, body=body), timeout_s=60)

    def count(self, query: str) -> int:
        with contextlib.closing(sqlite3.connect(self.server.home / "wit.db")) as database:
            return int(database.execute(query).fetchone()[0])

    def rows(self) -> list[int]:
        """Return how many there are of all that a push may make."""
        tables = ("repositories", "activities")
        return [self.count(f"SELECT count(*) FROM {table}") for table in tables]  # noqa: S608

    def files(self) -> list[Path]:
        return listed_below(self.server.home / "repos")


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Forge]:
    home = tmp_path_factory.mktemp("forge") / "home"
    with running_server(home, variables=[("WIT_CHILD_MEMORY", str(CHILD_MEMORY))]) as server:
        started = Forge(server, make_account(server).encode())
        assert by_ref(report_of(started.push("standing", *GOOD)))[b"refs/heads/x"].is_accepted
        yield started


def report_of(answer: Answer) -> PushReport:
    reader = ReportReader(side_band=True)
    reader.feed(answer.body)
    return reader.report()


@dataclass(slots=True)
class MemoryWatch:
    """Looks, as often as it can, how much memory the children of a process take."""

    parent: int
    most_bytes: int = 0
    _done: threading.Event = field(default_factory=threading.Event)
    _thread: threading.Thread | None = None

    def __enter__(self) -> Self:
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        if self._thread is not None:
            self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.005):
            for pid in descendants_of(self.parent):
                with contextlib.suppress(OSError):
                    status = Path(f"/proc/{pid}/status").read_text()
                    # Just after it was made a child still is a copy of its parent.
                    peak = re.search(r"VmHWM:\s+(\d+) kB", status)
                    if peak and re.search(r"^Name:\s+git", status):
                        self.most_bytes = max(self.most_bytes, int(peak[1]) * 1024)


def descendants_of(parent: int) -> Iterator[int]:
    """Yield the processes that a process started, and theirs."""
    for child in unreaped_children_of(parent):
        yield child
        yield from descendants_of(child)


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("name", ["standing", "fresh"])
def test_bad_pack_is_refused_and_leaves_nothing(forge: Forge, case: str, name: str) -> None:
    make, reason = CASES[case]
    oid, pack = make()
    before = forge.files(), forge.rows()

    with MemoryWatch(forge.server.process.pid) as watch:
        answer = forge.push(name, oid, pack)

    assert answer.status == 200
    assert not by_ref(report_of(answer))[b"refs/heads/x"].is_accepted
    assert reason.encode() in answer.body
    assert (forge.files(), forge.rows()) == before
    assert watch.most_bytes < CHILD_MEMORY * 1.5


def test_reason_is_shown_by_git(forge: Forge, tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", "work")
    oid, pack = CASES["git folder in a tree"][0]()
    subprocess.run(
        ["git", "-C", str(tmp_path / "work"), "unpack-objects", "-q"],
        input=pack,
        check=True,
        env=git_environment(),
    )
    url = forge.server.remote("alice/standing", token=forge.token.decode())

    refused = run_git(tmp_path / "work", "push", url, f"{oid}:refs/heads/bad", check=False)

    assert refused.returncode == 1
    assert "remote: error: object" in refused.stderr
    assert "hasDotgit" in refused.stderr


def test_bomb_of_trees_is_stored_and_given_out_without_effort(forge: Forge, tmp_path: Path) -> None:
    """Ten levels of ten entries each are ten billion files to who checks them out."""
    objects, oid, mode = [(BLOB, TEXT)], TEXT_OID, "100644"
    for _ in range(9):
        level = tree(*((mode, f"d{number}", oid) for number in range(10)))
        objects.append((TREE, level))
        oid, mode = oid_of(TREE, level), "40000"
    top, pack = commit_with(*objects, root=[(mode, f"d{number}", oid) for number in range(10)])
    url = forge.server.remote("alice/bomb", token=forge.token.decode())

    answer = forge.push("bomb", top, pack)
    run_git(tmp_path, "clone", "--quiet", "--bare", url, "copy")

    assert by_ref(report_of(answer))[b"refs/heads/x"].is_accepted
    assert run_git(tmp_path / "copy", "rev-parse", "x").stdout.strip() == top


def test_first_pushes_that_differ_in_case_end_in_one_repository(forge: Forge) -> None:
    names = ["twins", "Twins", "TWINS", "tWINS"] * 2
    before = forge.count("SELECT count(*) FROM repositories")

    with ThreadPoolExecutor(len(names)) as pool:
        answers = list(pool.map(lambda name: forge.push(name, *GOOD), names))

    results = [by_ref(report_of(answer)).get(b"refs/heads/x") for answer in answers]
    folders = [path.name.lower() for path in (forge.server.home / "repos/alice").iterdir()]
    assert [bool(result and result.is_accepted) for result in results].count(True) == 1, answers
    assert folders.count("twins.git") == 1
    assert forge.count("SELECT count(*) FROM repositories") == before + 1


@pytest.mark.parametrize("content", ["file", "folder"])
def test_first_push_to_where_something_else_stands_is_refused(forge: Forge, content: str) -> None:
    place = forge.server.home / f"repos/alice/other-{content}.git"
    if content == "file":
        place.write_text("mine")
    else:
        (place / "mine").mkdir(parents=True)
    before = forge.count("SELECT count(*) FROM repositories"), forge.files()

    answer = forge.push(place.stem, *GOOD)

    assert b"not a repository in the place" in answer.body
    assert (forge.count("SELECT count(*) FROM repositories"), forge.files()) == before


def test_repository_that_stood_on_disk_before_survives_a_failed_first_push(
    forge: Forge, tmp_path: Path
) -> None:
    run_git(tmp_path, "init", "--quiet", "work")
    run_git(tmp_path / "work", "commit", "--quiet", "--allow-empty", "-m", "kept")
    gitdir = forge.server.home / "repos/alice/kept.git"
    run_git(tmp_path, "clone", "--quiet", "--bare", "work", str(gitdir))
    run_git(gitdir, "pack-refs", "--all")

    answer = forge.push("kept", *CASES["cut off"][0]())

    assert b"EOF" in answer.body
    assert "kept" in run_git(gitdir, "log", "--format=%s", "--all").stdout
