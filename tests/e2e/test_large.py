"""Repositories of real size, in and out, while the server stays small."""

from __future__ import annotations

import random
import socket
import subprocess
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.kernel import memory_bytes, peak_memory_bytes
from tests.support.place import Place
from tests.support.repositories import all_refs, commit, git_bytes, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e

COMMITS = 4000
NOISE_BYTES = 110 * 1024**2
CLONES_AT_ONCE = 16
GROWTH_BYTES = 100 * 1024**2


def long_history() -> Iterator[bytes]:
    """Yield a fast-import stream: thousands of commits on many branches, merges, tags."""
    chance = random.Random(3)
    tips = {0: 0}
    for number in range(1, COMMITS + 1):
        branch = chance.choice(list(tips))
        if number % 40 == 0:
            branch = len(tips)
            tips[branch] = chance.choice(list(tips.values()))
        parents = b"from :%d\n" % tips[branch] if tips[branch] else b""
        other = chance.choice(list(tips.values()))
        if number % 7 == 0 and other not in {0, tips[branch]}:
            parents += b"merge :%d\n" % other
        who = b"Ann <ann@example.org> %d +0000" % (1_700_000_000 + number * 60)
        text = b"\n".join(b"%x" % chance.getrandbits(200) for _ in range(120))
        path = b"folder-%d/file-%d.txt" % (chance.randrange(20), chance.randrange(60))
        yield b"commit refs/heads/b%d\nmark :%d\ncommitter %b\ndata 2\nx\n" % (branch, number, who)
        yield parents + b"M 100644 inline %b\ndata %d\n%b\n" % (path, len(text), text)
        tips[branch] = number
        if number % 100 == 0:
            yield b"tag v%d\nfrom :%d\ntagger %b\ndata 2\nt\n" % (number, number, who)
    yield b"reset refs/heads/main\nfrom :%d\n" % COMMITS


def test_thousands_of_commits_go_in_and_out_bit_for_bit(alice: Place, tmp_path: Path) -> None:
    work = new_work(tmp_path / "work")
    git_bytes(work, "fast-import", "--quiet", "--force", stdin=b"".join(long_history()))

    run_git(work, "push", "--quiet", "--mirror", alice.url("history"))
    run_git(tmp_path, "clone", "--quiet", "--mirror", alice.url("history"), "copy")

    fsck = run_git(tmp_path / "copy", "fsck", "--full", "--strict")
    assert (fsck.stdout, fsck.stderr) == ("", "")
    assert all_refs(work) == all_refs(alice.gitdir("history")) == all_refs(tmp_path / "copy")
    assert {row.ref for row in alice.pushes("history")} == {
        line.split()[1] for line in all_refs(work).splitlines()
    }


@pytest.fixture(scope="module")
def noise(disk: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository of more than 100 MB that nothing compresses, pushed to the server."""
    work = new_work(tmp_path_factory.mktemp("noise") / "work")
    run_git(work, "config", "core.compression", "0")
    (work / ".git/info/attributes").write_text("* -delta\n")
    chance = random.Random(1)
    for number in range(110):
        (work / f"noise-{number}").write_bytes(chance.randbytes(NOISE_BYTES // 110))
    run_git(work, "add", ".")
    commit(work, "noise")
    run_git(work, "init", "--quiet", "--bare", "-b", "main", str(disk.gitdir("noise")))
    before = peak_memory_bytes(disk.server.process.pid)

    run_git(work, "push", "--quiet", disk.url("noise"), "main")

    assert peak_memory_bytes(disk.server.process.pid) - before < GROWTH_BYTES
    return work


def test_many_large_clones_at_once_do_not_grow_the_server(
    disk: Place, noise: Path, tmp_path: Path
) -> None:
    """The clients throw the pack away, so that the disk does not decide how long it takes."""
    before = peak_memory_bytes(disk.server.process.pid)
    run_git(tmp_path, "clone", "--quiet", "--bare", disk.url("noise"), "copy")

    with ThreadPoolExecutor(CLONES_AT_ONCE) as pool:
        sizes = list(pool.map(lambda _: _download(disk, noise), range(CLONES_AT_ONCE)))

    assert run_git(tmp_path / "copy", "fsck", "--full", "--strict").stdout == ""
    assert oid_of(tmp_path / "copy", "main") == oid_of(noise, "main")
    assert all(size > NOISE_BYTES for size in sizes)
    assert peak_memory_bytes(disk.server.process.pid) - before < GROWTH_BYTES


def _download(disk: Place, work: Path) -> int:
    """Fetch everything as a clone does, and return how many bytes came."""
    done = subprocess.run(
        [
            *("curl", "--silent", "--fail", "--output", "/dev/null", "-w", "%{size_download}"),
            *("-H", "Content-Type: application/x-git-upload-pack-request"),
            *("--data-binary", _request(work).decode()),
            f"{disk.url('noise')}/git-upload-pack",
        ],
        capture_output=True,
        check=True,
    )
    return int(done.stdout)


def _request(work: Path) -> bytes:
    line = f"want {oid_of(work, 'main')} side-band-64k ofs-delta\n".encode()
    return b"%04x%b00000009done\n" % (len(line) + 4, line)


def test_client_that_reads_slowly_does_not_grow_the_server(disk: Place, noise: Path) -> None:
    """It takes 50 kB a second, of a pack that git could give in one."""
    body, before = _request(noise), memory_bytes(disk.server.process.pid)
    head = (
        b"POST /alice/noise/git-upload-pack HTTP/1.1\r\nHost: wit\r\nConnection: close\r\n"
        b"Content-Type: application/x-git-upload-pack-request\r\nContent-Length: %d\r\n\r\n"
    )
    address, got, most = urlsplit(disk.server.url), 0, 0
    with socket.create_connection((address.hostname, address.port), 60) as client:
        client.sendall(head % len(body) + body)
        for _ in range(30):
            got += len(client.recv(5_000))
            most = max(most, memory_bytes(disk.server.process.pid))
            threading.Event().wait(0.1)

    assert got > 50_000
    assert most - before < 16 * 1024**2
