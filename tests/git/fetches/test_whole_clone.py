"""Clones of everything are packed without upload-pack: the same objects, the same words."""

from __future__ import annotations

import asyncio
import hashlib
import sys
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from tests.support.repositories import oid_of
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.errors import UnavailableError
from wit_admin.git.child_backend import ChildBackend
from wit_admin.git.children import places
from wit_admin.git.children.child import GitChild
from wit_admin.git.fetches import answers as fetch_answers
from wit_admin.git.fetches.answers import PackAnswer, UploadPackAnswer
from wit_admin.git.fetches.whole_clone import WholeClone, parse_whole_clone
from wit_admin.git.pktline import MAX_PACKET, Mark, read_packets, write_packet
from wit_admin.git.pushes.checks import GuardSettings
from wit_admin.git.repositories.inspection import Inspector

ID, OTHER = "a" * 40, "b" * 40
KEEP_ALIVE = b"0005\1"
CAPABILITIES = ("command=fetch", "agent=git/2.39.5", "object-format=sha1")
USUAL = ("thin-pack", "no-progress", "include-tag", "ofs-delta", f"want {ID}", "done")


def fetch(*arguments: str, capabilities: tuple[str, ...] = CAPABILITIES) -> bytes:
    lines = [write_packet(text.encode()) for text in capabilities]
    lines.append(Mark.DELIM.value)
    lines += [write_packet(f"{text}\n".encode()) for text in arguments]
    return b"".join(lines) + Mark.FLUSH.value


@pytest.fixture
def gitdir(tmp_path: Path) -> Path:
    """A bare repository with some branches, of which none leads to all, and an annotated tag."""
    folder = tmp_path / "demo.git"
    run_git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", str(folder))
    run_git(tmp_path, "init", "--quiet", "--initial-branch=main", "work")
    work = tmp_path / "work"
    for branch in ("main", "side", "last"):
        # Random, as far as compression is concerned: a pack of several packets.
        noise = b"".join(hashlib.sha256(f"{branch} {n}".encode()).digest() for n in range(4000))
        (work / "file").write_bytes(noise)
        run_git(work, "checkout", "--quiet", "--orphan", branch)
        run_git(work, "add", "file")
        run_git(work, "commit", "--quiet", "-m", branch)
    run_git(work, "push", "--quiet", str(folder), "main", "side", "last")
    run_git(folder, "tag", "-a", "-m", "one", "v1", "side")
    return folder


@pytest.fixture
def backend(tmp_path: Path) -> ChildBackend:
    guards = GuardSettings(tmp_path / "hooks", tmp_path / "checks", 10)
    return ChildBackend(make_tools(tmp_path), Inspector((tmp_path,)), guards, max_processes=4)


def answer_of(
    backend: ChildBackend, gitdir: Path, body: bytes, *shown: str
) -> tuple[PackAnswer | UploadPackAnswer, bytes]:
    async def ask() -> tuple[PackAnswer | UploadPackAnswer, bytes]:
        oids = frozenset(oid.encode() for oid in shown)
        async with backend.fetch(gitdir, body, 2, oids) as answer:
            said = b"".join([chunk async for chunk in answer.chunks()])
        assert isinstance(answer, PackAnswer | UploadPackAnswer)
        return answer, said

    return asyncio.run(ask())


def objects_in(folder: Path, answer: bytes) -> str:
    """Put the pack of an answer into a new repository, and return the ids of its objects."""
    first, *packets, last = read_packets(answer)
    assert first == b"packfile\n"
    assert last is Mark.FLUSH
    pack = b""
    for packet in packets:
        assert isinstance(packet, bytes)
        assert len(packet) <= MAX_PACKET - 4
        pack += packet[1:] if packet[0] == 1 else b""
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--bare", ".")
    (folder / "objects/pack/pack-1.pack").write_bytes(pack)
    run_git(folder, "index-pack", "objects/pack/pack-1.pack")
    return run_git(folder, "cat-file", "--batch-all-objects", "--batch-check").stdout


def test_usual_request_is_read() -> None:
    clone = parse_whole_clone(fetch(*USUAL, f"want {OTHER}", f"want {ID}"))

    assert clone == WholeClone(
        (ID.encode(), OTHER.encode()), ("--thin", "--include-tag", "--delta-base-offset")
    )
    assert clone.revisions == f"{ID}\n{OTHER}\n".encode()


@pytest.mark.parametrize(
    "body",
    [
        fetch(*USUAL, f"have {OTHER}"),
        fetch(*USUAL, "deepen 1"),
        fetch(*USUAL, f"shallow {OTHER}"),
        fetch(*USUAL, "filter blob:none"),
        fetch(*USUAL, "wait-for-done"),
        fetch(*USUAL, "sideband-all"),
        fetch(*USUAL, "packfile-uris https"),
        fetch(*USUAL, "want-ref refs/heads/main"),
        fetch(*(each for each in USUAL if each != "no-progress")),
        fetch(*USUAL[:-1]),
        fetch("no-progress", "done"),
        fetch(*USUAL, capabilities=(*CAPABILITIES, "server-option=x")),
        fetch(*USUAL, capabilities=("command=fetch", "object-format=sha256")),
        fetch(*USUAL, capabilities=("command=ls-refs",)),
        fetch(*USUAL)[:-4],
        fetch(*USUAL)[:-9] + b"0000",
        fetch(*USUAL) + b"0000",
        fetch(*USUAL).replace(b"0001", b"0000"),
        b"0011command=fetch0000",
        b"0011command=fetch",
        b"",
    ],
)
def test_anything_unusual_is_left_to_git(body: bytes) -> None:
    assert parse_whole_clone(body) is None


def test_same_objects_come_as_from_upload_pack(
    backend: ChildBackend, gitdir: Path, tmp_path: Path
) -> None:
    wants = [oid_of(gitdir, "main"), oid_of(gitdir, "side")]
    body = fetch("include-tag", "ofs-delta", "no-progress", *(f"want {x}" for x in wants), "done")

    by_git, theirs = answer_of(backend, gitdir, body)
    by_us, ours = answer_of(backend, gitdir, body, *wants)

    assert isinstance(by_git, UploadPackAnswer)
    assert isinstance(by_us, PackAnswer)
    assert by_us.was_clone
    assert by_us.ended_well
    listed = objects_in(tmp_path / "ours", ours)
    assert listed == objects_in(tmp_path / "theirs", theirs)
    assert oid_of(gitdir, "v1") in listed
    assert oid_of(gitdir, "last") not in listed


def test_what_was_not_shown_is_left_to_git(backend: ChildBackend, gitdir: Path) -> None:
    main, side = oid_of(gitdir, "main"), oid_of(gitdir, "side")
    body = fetch("no-progress", f"want {main}", f"want {side}", "done")

    answer, _ = answer_of(backend, gitdir, body, main)

    assert isinstance(answer, UploadPackAnswer)


def test_missing_object_is_said_within_the_answer(backend: ChildBackend, gitdir: Path) -> None:
    main = oid_of(gitdir, "main")
    blob = oid_of(gitdir, "main:file")
    (gitdir / "objects" / blob[:2] / blob[2:]).unlink()

    answer, said = answer_of(backend, gitdir, fetch("no-progress", f"want {main}", "done"), main)

    *_, reason, last = read_packets(said)
    assert last == b"\3aborting due to possible repository corruption on the remote side."
    assert isinstance(reason, bytes)
    assert reason.startswith(b"\2")
    assert blob.encode() in reason
    assert bytes(gitdir) not in said
    assert not answer.ended_well
    assert blob in answer.complaint()


def test_who_waits_hears_something(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fetch_answers, "_KEEP_ALIVE_S", 0.05)
    script = "import sys; sys.stdin.read(); sys.stdout.write('PACK')"

    async def ask() -> list[bytes]:
        line, said = [sys.executable, "-I", "-S", "-c", script], []
        async with GitChild(line, {}, memory_bytes=None) as child:
            async for chunk in PackAnswer(child).chunks():
                said.append(chunk)
                if said.count(KEEP_ALIVE) == 3:
                    child.close_stdin()
        return said

    first, *waiting, pack, last = asyncio.run(ask())

    assert first == write_packet(b"packfile\n")
    assert len(waiting) > 2
    assert set(waiting) == {KEEP_ALIVE}
    assert pack == write_packet(b"\1PACK")
    assert last == Mark.FLUSH.value


def test_clones_that_nobody_reads_leave_a_place_for_pushes(
    backend: ChildBackend, gitdir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "_QUEUE_S", 0.05)
    main = oid_of(gitdir, "main")
    body = fetch("no-progress", f"want {main}", "done")

    async def hold_clones_and_push() -> None:
        async with AsyncExitStack() as held:
            for _ in range(3):
                clone = backend.fetch(gitdir, body, 2, frozenset({main.encode()}))
                await held.enter_async_context(clone)
            with pytest.raises(UnavailableError, match="busy"):
                await held.enter_async_context(backend.fetch(gitdir, body, 2))
            async with backend.push(gitdir, {}):
                pass

    asyncio.run(hold_clones_and_push())
