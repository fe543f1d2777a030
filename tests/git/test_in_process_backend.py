"""What is answered without git is, to the byte, what git would have answered."""

from __future__ import annotations

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable, Mapping
from collections.abc import Set as AbstractSet
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.support.repositories import oid_of
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.errors import ConflictError, NotFoundError, UnavailableError
from wit_admin.git.backend import Backend, FetchAnswer, PushProcess, ReadyAnswer
from wit_admin.git.child_backend import ChildBackend
from wit_admin.git.in_process_backend import InProcessBackend
from wit_admin.git.pktline import write_packet
from wit_admin.git.pushes.checks import GuardSettings
from wit_admin.git.pushes.commands import PushRequest
from wit_admin.git.pushes.guard import PushGuard
from wit_admin.git.repositories.inspection import Inspector

ADVERTISEMENTS = [
    ("upload-pack", 0),
    ("upload-pack", 1),
    ("upload-pack", 2),
    ("receive-pack", 0),
    ("receive-pack", 1),
]
LISTINGS = [
    (),
    ("peel", "symrefs", "unborn"),
    ("peel", "symrefs", "unborn", "ref-prefix refs/heads/", "ref-prefix HEAD"),
    ("symrefs", "ref-prefix refs/tags/v"),
    ("unborn", "peel"),
    ("ref-prefix refs/none/",),
]


class CountingBackend:
    """Passes everything on to git children, and counts."""

    def __init__(self, behind: Backend) -> None:
        self.asked = 0
        self._behind = behind

    @property
    def newest_protocol(self) -> int:
        return self._behind.newest_protocol

    async def advertise(self, command: str, gitdir: Path | None, version: int) -> bytes:
        self.asked += 1
        return await self._behind.advertise(command, gitdir, version)

    def find_cached_advertisement(self, command: str, gitdir: Path, version: int) -> bytes | None:
        return self._behind.find_cached_advertisement(command, gitdir, version)

    def find_cached_answer(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        return self._behind.find_cached_answer(gitdir, body, version)

    async def fetch_in_process(self, gitdir: Path, body: bytes, version: int) -> ReadyAnswer | None:
        return await self._behind.fetch_in_process(gitdir, body, version)

    @asynccontextmanager
    async def fetch(
        self, gitdir: Path, body: bytes, version: int, shown: AbstractSet[bytes] = frozenset()
    ) -> AsyncIterator[FetchAnswer]:
        self.asked += 1
        async with self._behind.fetch(gitdir, body, version, shown) as answer:
            yield answer

    def push_in_process(
        self, gitdir: Path, request: PushRequest, body: bytes, extra: Mapping[str, str]
    ) -> bytes | None:
        return self._behind.push_in_process(gitdir, request, body, extra)

    def push(
        self, gitdir: Path, extra: Mapping[str, str], guard: PushGuard | None = None
    ) -> AbstractAsyncContextManager[PushProcess]:
        return self._behind.push(gitdir, extra, guard)


class Pair:
    """git's own answers, and those of the backend that spares git."""

    def __init__(self, folder: Path) -> None:
        self.git = ChildBackend(
            make_tools(folder),
            Inspector((folder,)),
            GuardSettings(folder / "hooks", folder / "checks", 10),
            max_processes=4,
        )
        self.counting = CountingBackend(self.git)
        self.quick = InProcessBackend(self.counting, takes_pushes=True)
        self.near = InProcessBackend(self.git, takes_pushes=False, waits_for_disk=False)

    def check(self, gitdir: Path) -> None:
        """Compare every kind of answer."""

        async def compare() -> None:
            for command, version in ADVERTISEMENTS:
                wanted = await self.git.advertise(command, gitdir, version)
                recalled = self.near.find_cached_advertisement(command, gitdir, version)
                assert recalled in {None, wanted}
                assert await self.quick.advertise(command, gitdir, version) == wanted
                assert await self.near.advertise(command, gitdir, version) == wanted
            for arguments in LISTINGS:
                body = ls_refs(*arguments)
                wanted = await whole(self.git, gitdir, body)
                ready = self.near.find_cached_answer(gitdir, body, 2)
                assert ready is None or ready.body == wanted
                assert await whole(self.quick, gitdir, body) == wanted
                assert await whole(self.near, gitdir, body) == wanted

        asyncio.run(compare())

    def learn(self, gitdir: Path) -> None:
        """Let it ask git for what it must ask once, and begin to count."""
        self.check(gitdir)
        self.counting.asked = 0


def ls_refs(*arguments: str, capabilities: tuple[str, ...] = ("agent=git/2.39.5",)) -> bytes:
    lines = [write_packet(b"command=ls-refs\n")]
    lines += [write_packet(f"{text}".encode()) for text in (*capabilities, "object-format=sha1")]
    lines.append(b"0001")
    lines += [write_packet(f"{text}\n".encode()) for text in arguments]
    return b"".join(lines) + b"0000"


async def whole(backend: Backend, gitdir: Path, body: bytes) -> bytes:
    ready = await backend.fetch_in_process(gitdir, body, 2)
    if ready is not None:
        return ready.body
    async with backend.fetch(gitdir, body, 2) as answer:
        return b"".join([chunk async for chunk in answer.chunks()])


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


@pytest.fixture
def gitdir(tmp_path: Path) -> Path:
    """A bare repository with a branch, an annotated and a plain tag."""
    folder = tmp_path / "demo.git"
    run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    tree = run_git(folder, "hash-object", "-t", "tree", "-w", "/dev/null").stdout.strip()
    for branch in ("main", "side", "topic/one", "topic-two"):
        commit = run_git(folder, "commit-tree", "-m", branch, tree).stdout.strip()
        run_git(folder, "update-ref", f"refs/heads/{branch}", commit)
    run_git(folder, "tag", "-a", "-m", "one", "v1", "main")
    run_git(folder, "tag", "-a", "-m", "of a tag", "v1-again", "v1")
    run_git(folder, "tag", "plain", "side")
    return folder


def git(*arguments: str) -> Callable[[Path], object]:
    return lambda gitdir: run_git(gitdir, *arguments)


def write(name: str, content: str) -> Callable[[Path], object]:
    def act(gitdir: Path) -> None:
        (gitdir / name).parent.mkdir(parents=True, exist_ok=True)
        (gitdir / name).write_text(content, encoding="ascii")

    return act


PLAIN = {
    "loose refs": git("version"),
    "packed refs": git("pack-refs", "--all"),
    "packed and moved since": lambda gitdir: (
        git("pack-refs", "--all")(gitdir),
        git("update-ref", "refs/heads/side", "main")(gitdir),
        git("tag", "-f", "-a", "-m", "new", "v1", "side")(gitdir),
        git("tag", "-d", "plain")(gitdir),
    ),
    "detached HEAD": git("update-ref", "--no-deref", "HEAD", "refs/heads/side"),
    "HEAD names what is not there": git("symbolic-ref", "HEAD", "refs/heads/none"),
    "symbolic refs": lambda gitdir: (
        git("symbolic-ref", "refs/heads/alias", "refs/heads/main")(gitdir),
        git("symbolic-ref", "refs/heads/alias2", "refs/heads/alias")(gitdir),
        git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/heads/gone")(gitdir),
    ),
    "a tag outside refs/tags": git("update-ref", "refs/odd/tag", "refs/tags/v1"),
    "hidden refs": lambda gitdir: (
        git("update-ref", "refs/wit/keep", "main")(gitdir),
        git("update-ref", "refs/jj/keep/1", "main")(gitdir),
        git("update-ref", "refs/wither", "main")(gitdir),
    ),
    "a ref to a missing object": write("refs/heads/broken", f"{'1' * 40}\n"),
    "a lock and a hidden file": lambda gitdir: (
        write("refs/heads/main.lock", "")(gitdir),
        write("refs/heads/.hidden", "text")(gitdir),
    ),
    "peeled but not fully packed": lambda gitdir: (
        git("pack-refs", "--all")(gitdir),
        write(
            "packed-refs",
            (gitdir / "packed-refs").read_text().replace(" fully-peeled", ""),
        )(gitdir),
    ),
    "settings that change nothing": git("config", "remote.origin.url", "https://host.test/x"),
}
UNUSUAL = {
    "hideRefs": git("config", "transfer.hideRefs", "refs/heads/topic"),
    "upload-pack's own settings": git("config", "uploadpack.allowTipSHA1InWant", "true"),
    "receive-pack's own settings": git("config", "receive.advertiseAtomic", "false"),
    "a section behind another": write(
        "config", "[core]\n\tbare\n[Transfer]hiderefs=refs/heads/side\n"
    ),
    "a shallow repository": lambda gitdir: write(
        "shallow", run_git(gitdir, "rev-parse", "main").stdout
    )(gitdir),
    "a symbolic link as a ref": lambda gitdir: (gitdir / "refs/heads/link").symlink_to("main"),
    "a name git does not allow": write("refs/heads/bad..name", f"{'1' * 40}\n"),
    "a broken ref": write("refs/heads/torn", "abc\n"),
}


@pytest.mark.parametrize("prepare", PLAIN.values(), ids=PLAIN.keys())
def test_plain_repository_is_answered_as_git_would_and_without_git(
    pair: Pair, gitdir: Path, prepare: Callable[[Path], object]
) -> None:
    pair.learn(gitdir)
    prepare(gitdir)

    pair.check(gitdir)

    assert pair.counting.asked == 0


@pytest.mark.parametrize("prepare", UNUSUAL.values(), ids=UNUSUAL.keys())
def test_what_is_unusual_is_left_to_git(
    pair: Pair, gitdir: Path, prepare: Callable[[Path], object]
) -> None:
    pair.learn(gitdir)
    prepare(gitdir)

    pair.check(gitdir)

    assert pair.counting.asked == len(ADVERTISEMENTS) + len(LISTINGS)


def test_empty_repository_is_answered_as_git_would(pair: Pair, tmp_path: Path) -> None:
    run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=trunk", "empty.git")

    pair.check(tmp_path / "empty.git")


def test_every_change_is_seen_at_once(pair: Pair, gitdir: Path) -> None:
    commits = run_git(gitdir, "for-each-ref", "--format=%(objectname)", "refs/heads").stdout.split()
    pair.learn(gitdir)

    for number in range(60):
        oid = commits[number % len(commits)]
        run_git(gitdir, "update-ref", "refs/heads/topic/one", oid)
        pair_answer = asyncio.run(whole(pair.quick, gitdir, ls_refs()))
        assert f"{oid} refs/heads/topic/one".encode() in pair_answer
        if number % 7 == 0:
            run_git(gitdir, "pack-refs", "--all")
        if number % 11 == 0:
            run_git(gitdir, "symbolic-ref", "HEAD", f"refs/heads/{number}")
            pair.check(gitdir)


def test_what_was_answered_is_recalled_without_waiting(pair: Pair, gitdir: Path) -> None:
    for path in (gitdir, *gitdir.rglob("*")):
        os.utime(path, (1, 1))
    pair.learn(gitdir)

    advertised = pair.near.find_cached_advertisement("upload-pack", gitdir, 2)
    listed = pair.near.find_cached_answer(gitdir, ls_refs(), 2)
    at_work = pair.near.find_cached_answer(gitdir, ls_refs(), 1)
    far = pair.quick.find_cached_answer(gitdir, ls_refs(), 2)
    run_git(gitdir, "config", "uploadpack.advertiseBundleURIs", "true")

    assert advertised is not None
    assert listed is not None
    assert (at_work, far) == (None, None)
    assert pair.near.find_cached_advertisement("upload-pack", gitdir, 2) is None


def test_repository_made_anew_under_its_name_is_read_anew(pair: Pair, gitdir: Path) -> None:
    pair.learn(gitdir)
    shutil.rmtree(gitdir)
    run_git(gitdir.parent, "init", "--quiet", "--bare", str(gitdir))

    pair.check(gitdir)


def test_repository_that_vanishes_is_not_found(pair: Pair, gitdir: Path) -> None:
    """A clone beside a failed first push, which takes its repository back, once got a 503."""
    pair.learn(gitdir)
    shutil.rmtree(gitdir)

    with pytest.raises(NotFoundError, match="removed"):
        asyncio.run(pair.quick.advertise("upload-pack", gitdir, 2))


def test_repository_that_cannot_be_read_is_told_in_words(pair: Pair, gitdir: Path) -> None:
    """Of refs that the server may not read it once was a bug of ours."""
    (gitdir / "packed-refs").unlink(missing_ok=True)
    (gitdir / "packed-refs").mkdir()

    with pytest.raises(UnavailableError, match="cannot be read from disk"):
        asyncio.run(whole(pair.git, gitdir, ls_refs()))


def test_unusual_request_is_left_to_git(pair: Pair, gitdir: Path) -> None:
    pair.learn(gitdir)

    async def ask(body: bytes) -> tuple[bytes, bytes]:
        return await whole(pair.quick, gitdir, body), await whole(pair.git, gitdir, body)

    bodies = [
        ls_refs("no-such-argument"),
        ls_refs(capabilities=("no-such-capability",)),
        ls_refs()[:-4],
        ls_refs() + b"0000",
        b"0014command=ls-refs\n" + b"0000",
        b"zzzz",
    ]
    for body in bodies:
        quick, slow = asyncio.run(ask(body))
        assert quick == slow, body


def test_named_pipe_among_the_refs_is_refused_instead_of_waited_for(
    pair: Pair, gitdir: Path
) -> None:
    os.mkfifo(gitdir / "refs/heads/pipe")

    with pytest.raises(ConflictError, match="pipe"):
        asyncio.run(whole(pair.quick, gitdir, ls_refs()))


@pytest.mark.parametrize("waits_for_disk", [False, True])
def test_clone_made_before_is_not_asked_of_git_again(
    pair: Pair, gitdir: Path, *, waits_for_disk: bool
) -> None:
    """Also where a look at the disk is left to a thread."""
    backend = InProcessBackend(
        pair.counting, takes_pushes=False, waits_for_disk=waits_for_disk, cache_bytes=2**20
    )
    tip = oid_of(gitdir, "main")
    for path in (gitdir, *gitdir.rglob("*")):
        # What moved a moment ago is not remembered.
        os.utime(path, (1, 1))
    lines = (b"command=fetch", b"object-format=sha1")
    body = b"".join(map(write_packet, lines)) + b"0001"
    body += write_packet(f"want {tip}\n".encode()) + write_packet(b"done\n") + b"0000"

    async def clone_twice() -> list[bytes]:
        return [await whole(backend, gitdir, body) for _ in range(2)]

    first, second = asyncio.run(clone_twice())

    assert b"PACK" in first
    assert second == first
    assert pair.counting.asked == 1
