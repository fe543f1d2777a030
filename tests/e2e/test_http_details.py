"""HTTP as git and other clients use it, compared with what ``git http-backend`` answers."""

from __future__ import annotations

import gzip
import http.client
import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.support.http_backend import running_http_backend
from tests.support.place import Place
from tests.support.raw_http import connected
from tests.support.repositories import commit, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e

SITE = {
    "uploadpack.allowFilter": "true",
    "receive.advertisePushOptions": "true",
    "http.receivepack": "true",
}
"""The settings that this server serves with by default."""
NOT_COMPARED = {
    "Date",
    "Server",
    "Content-Length",
    "Transfer-Encoding",
    "Connection",
    "X-Request-Id",
}

FETCH = "application/x-git-upload-pack-request"


@pytest.fixture(scope="module")
def repository(disk: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("source") / "work"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "first")
    run_git(folder, "tag", "-a", "-m", "one", "v1")
    return disk.add("demo", folder)


@pytest.fixture(scope="module")
def plain(disk: Place, repository: Path) -> Iterator[str]:
    """The URL of git's own http-backend over the same repositories."""
    with running_http_backend(disk.server.home / "repos", SITE) as url:
        yield url


def request(
    url: str, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[int, dict[str, str], bytes]:
    """Return status, headers and body of one answer."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        found = {k: v for k, v in answer.getheaders() if k.title() not in NOT_COMPARED}
        return answer.status, {k.lower(): v for k, v in found.items()}, answer.read()
    finally:
        connection.close()


def want(oid: str) -> bytes:
    """Return a version 0 request for one commit and all behind it."""
    line = f"want {oid} ofs-delta side-band-64k\n".encode()
    return b"%04x%b00000009done\n" % (len(line) + 4, line)


@pytest.mark.parametrize(
    ("service", "version"),
    [
        ("git-upload-pack", ""),
        ("git-upload-pack", "version=1"),
        ("git-upload-pack", "version=2"),
        ("git-upload-pack", "version=2:future=3"),
        ("git-upload-pack", "version=7"),
        ("git-receive-pack", ""),
        ("git-receive-pack", "version=1"),
    ],
)
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_advertisement_is_that_of_http_backend(
    disk: Place, plain: str, service: str, version: str, method: str
) -> None:
    path = f"/alice/demo.git/info/refs?service={service}"

    seen = request(disk.server.url, method, path, Git_Protocol=version)

    assert seen == request(plain, method, path, Git_Protocol=version)
    assert seen[0] == 200
    assert bool(seen[2]) == (method == "GET")


def test_answers_have_the_headers_of_http_backend(
    disk: Place, plain: str, repository: Path
) -> None:
    path, body = "/alice/demo.git/git-upload-pack", want(oid_of(repository, "main"))
    ls_refs = b"0014command=ls-refs\n00010009peel\n0000"
    pushing = {"Content_Type": "application/x-git-receive-pack-request"}

    answers = [
        (
            request(url, "POST", path, body, Content_Type=FETCH),
            request(url, "POST", path, ls_refs, Content_Type=FETCH, Git_Protocol="version=2"),
            request(url, "POST", path, b"0000", Content_Type=FETCH),
            request(url, "POST", "/alice/demo.git/git-receive-pack", b"0000", **pushing),
        )
        for url in (disk.server.url, plain)
    ]

    for ours, theirs in zip(*answers, strict=True):
        assert ours[:2] == theirs[:2]
    assert answers[0][1] == answers[1][1]
    assert b"PACK" in answers[0][0][2]


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip"])
def test_compressed_request_is_read(disk: Place, repository: Path, encoding: str) -> None:
    body = gzip.compress(want(oid_of(repository, "main")))

    status, _, answer = request(
        disk.server.url,
        "POST",
        "/alice/demo/git-upload-pack",
        body,
        Content_Type=FETCH,
        Content_Encoding=encoding,
    )

    assert status == 200
    assert b"PACK" in answer


def test_one_connection_serves_many_requests(disk: Place, repository: Path) -> None:
    address = urlsplit(disk.server.url)
    connection = http.client.HTTPConnection(str(address.hostname), address.port, timeout=60)
    connection.connect()
    socket = connection.sock
    body = want(oid_of(repository, "main"))

    statuses = []
    for path, content in [
        ("/alice/demo/info/refs?service=git-upload-pack", None),
        ("/alice/demo/git-upload-pack", body),
        ("/alice/missing/info/refs?service=git-upload-pack", None),
        ("/alice/demo/git-upload-pack", body),
        ("/livez", None),
    ]:
        connection.request(
            "POST" if content else "GET", path, content, {"Content-Type": FETCH} if content else {}
        )
        answer = connection.getresponse()
        answer.read()
        statuses.append(answer.status)

    assert statuses == [200, 200, 404, 200, 200]
    assert connection.sock is socket
    connection.close()


def test_client_that_expects_to_be_told_is_told(disk: Place, repository: Path) -> None:
    body = want(oid_of(repository, "main"))
    with connected(disk.server.url) as client:
        client.send(
            b"POST /alice/demo/git-upload-pack HTTP/1.1\r\nHost: wit\r\nConnection: close\r\n"
            b"Expect: 100-continue\r\nContent-Type: %b\r\nContent-Length: %d\r\n\r\n"
            % (FETCH.encode(), len(body))
        )
        told = client.read_some()
        client.send(body)
        answer = client.read_to_end()

    assert told.startswith(b"HTTP/1.1 100 ")
    assert answer.startswith(b"HTTP/1.1 200 ")
    assert b"PACK" in answer


def test_large_push_comes_in_chunks_after_a_probe(disk: Place, tmp_path: Path) -> None:
    """git sends what is larger than its buffer chunked, and asks first whether it may."""
    folder = tmp_path / "work"
    folder.mkdir()
    run_git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "noise").write_bytes(os.urandom(3_000_000))
    commit(folder, "with noise")
    run_git(folder, "add", "noise")
    run_git(folder, "commit", "--quiet", "-m", "noise")
    run_git(tmp_path, "init", "--quiet", "--bare", str(disk.gitdir("chunked")))
    trace = tmp_path / "trace"
    sent = {"GIT_TRACE_CURL": str(trace), "GIT_TRACE_CURL_NO_DATA": "1"}

    options = ("-c", "http.postBuffer=65536", "-c", "http.version=HTTP/1.1")
    run_git(folder, *options, "push", "--quiet", disk.url("chunked"), "main", variables=sent)

    said = trace.read_text()
    assert "Transfer-Encoding: chunked" in said
    assert "Content-Length: 4" in said
    assert oid_of(disk.gitdir("chunked"), "main") == oid_of(folder, "main")


@pytest.mark.parametrize("path", ["HEAD", "objects/info/packs", "info/refs"])
def test_clients_that_ask_for_files_are_told_what_is_served(
    disk: Place, repository: Path, path: str
) -> None:
    status, headers, answer = request(disk.server.url, "GET", f"/alice/demo/{path}")

    assert status == 403
    assert headers["content-type"].startswith("text/plain")
    assert answer.startswith(b"Only git's smart HTTP protocol is served")
