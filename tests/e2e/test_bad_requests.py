"""Requests that no git client sends: each gets its status and a sentence, and changes nothing."""

from __future__ import annotations

import base64
import contextlib
import gzip
import random
import re
import sqlite3
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.support.accounts import make_account
from tests.support.listing import listed_below
from tests.support.raw_answers import Answer, ask, request
from tests.support.server import RunningServer, run_git, running_server

pytestmark = pytest.mark.e2e

UPLOAD, RECEIVE = b"git-upload-pack", b"git-receive-pack"
ZERO, ONE = b"0" * 40, b"1" * 40
MEMORY_BYTES = 100 * 1024**2
"""More than this the server must not gain while it refuses."""


@dataclass(frozen=True, slots=True)
class Target:
    """A server with one private repository of ``alice``, and the credentials to use it."""

    server: RunningServer
    token: bytes
    head: bytes
    secret: bytes
    """A commit that only a hidden ref holds."""

    def signed(self, method: bytes, path: bytes, *headers: bytes, body: bytes = b"") -> bytes:
        return request(method, path, b"Authorization: Bearer " + self.token, *headers, body=body)

    def ask(self, *pieces: bytes) -> Answer:
        return ask(self.server.url, *pieces)

    def state(self) -> tuple[list[str], list[int]]:
        """Return all that a request could leave behind: files, and the number of rows."""
        files = [str(path) for path in listed_below(self.server.home / "repos")]
        queries = (
            "SELECT count(*) FROM repositories",
            "SELECT count(*) FROM owners",
            "SELECT count(*) FROM activities",
            "SELECT count(*) FROM push_journal WHERE state = 'pending'",
        )
        with contextlib.closing(sqlite3.connect(self.server.home / "wit.db")) as database:
            return files, [database.execute(query).fetchone()[0] for query in queries]

    def resident_bytes(self) -> int:
        status = Path(f"/proc/{self.server.process.pid}/status").read_text()
        found = re.search(r"VmRSS:\s+(\d+) kB", status)
        assert found
        return int(found[1]) * 1024


@pytest.fixture(scope="module")
def target(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    folder = tmp_path_factory.mktemp("forge")
    with running_server(folder / "home", variables=[("WIT_MAX_PUSH_SIZE", "64m")]) as server:
        token = make_account(server)
        work = folder / "work"
        work.mkdir()
        run_git(work, "init", "--quiet", "--initial-branch=main")
        run_git(work, "commit", "--quiet", "--allow-empty", "-m", "first")
        url = server.remote("alice/demo", token=token)
        run_git(work, "push", "--quiet", url, "main")
        head = run_git(work, "rev-parse", "HEAD").stdout.strip()
        run_git(work, "commit", "--quiet", "--allow-empty", "-m", "secret")
        run_git(work, "push", "--quiet", url, "main:side")
        secret = run_git(work, "rev-parse", "HEAD").stdout.strip()
        gitdir = server.home / "repos/alice/demo.git"
        run_git(gitdir, "update-ref", "refs/wit/keep", secret)
        run_git(gitdir, "update-ref", "-d", "refs/heads/side")
        yield Target(server, token.encode(), head.encode(), secret.encode())


@pytest.fixture(autouse=True)
def _nothing_changes(target: Target) -> Iterator[None]:
    state, memory = target.state(), target.resident_bytes()
    yield
    assert target.state() == state
    assert target.resident_bytes() < memory + MEMORY_BYTES
    assert target.ask(request(b"GET", b"/livez")).status == 200


def content_type(service: bytes) -> bytes:
    return b"Content-Type: application/x-%b-request" % service


def packet(data: bytes) -> bytes:
    return b"%04x%b" % (len(data) + 4, data)


def call(target: Target, service: bytes, body: bytes, *headers: bytes) -> Answer:
    path = b"/alice/demo/" + service
    return target.ask(target.signed(b"POST", path, content_type(service), *headers, body=body))


def assert_refused(answer: Answer, *statuses: int) -> None:
    assert answer.status in statuses, answer
    assert answer.body.strip().endswith(b"."), answer


def advert(path: bytes) -> bytes:
    return path + b"/info/refs?service=git-upload-pack"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        (b"GET", advert(b"/alice/../alice/demo"), 404),
        (b"GET", advert(b"/alice/%2e%2e"), 404),
        (b"GET", advert(b"/alice/.."), 404),
        (b"GET", advert(b"/alice%2fdemo"), 404),
        (b"GET", advert(b"/alice/demo%2f"), 404),
        (b"GET", advert(b"/alice/demo%00"), 404),
        (b"GET", advert(b"/alice/d%c0%afx"), 404),
        (b"GET", advert(b"/alice/d\xc0\xafx"), 400),
        (b"GET", advert(b"/alice\\demo"), 404),
        (b"GET", advert(b"/alice/..\\demo"), 404),
        (b"GET", advert(b"/alice/demo.git.git"), 404),
        (b"GET", advert(b"/alice/.git"), 404),
        (b"GET", advert(b"//alice/demo"), 404),
        (b"GET", advert(b"/alice//demo"), 404),
        (b"GET", b"/alice/demo/info/refs/?service=git-upload-pack", 404),
        (b"GET", advert(b"/api/demo"), 404),
        (b"GET", advert(b"/alice/" + b"x" * 101), 404),
        (b"GET", advert(b"/alice/" + b"x" * 30_000), 414),
        (b"GET", advert(b"/alice/demo%2f..%2f..%2fwit.db"), 404),
        (b"GET", b"/alice/demo/objects/../config", 403),
        (b"GET", b"/alice/demo/HEAD", 403),
        (b"GET", b"/alice/demo/info/refs", 403),
        (b"GET", b"/alice/demo/info/refs?service=git-upload-archive", 403),
        (b"GET", b"/alice/demo/info/refs?service=" + b"x" * 3000, 403),
        (b"GET", b"/alice/demo/info/refs?service=git-upload-pack&service=git-receive-pack", 403),
        (b"GET", b"/alice/demo/info/refs?" + b"a=1&" * 1000, 400),
        (b"GET", b"/alice/demo/info/refs?service=%ff", 403),
        (b"POST", b"/alice/demo/git-upload-archive", 403),
        (b"GET", b"/alice/demo/git-upload-pack", 405),
        (b"PUT", b"/alice/demo/git-upload-pack", 405),
        (b"DELETE", b"/alice/demo/info/refs?service=git-upload-pack", 405),
        (b"OPTIONS", b"/alice/demo/info/refs?service=git-upload-pack", 405),
        (b"TRACE", b"/alice/demo/git-receive-pack", 405),
        (b"PROPFIND", b"/alice/demo/info/refs", 405),
        (b"PATCH", b"/alice/other/git-receive-pack", 405),
    ],
)
def test_path_or_method_that_is_none_is_refused(
    target: Target, method: bytes, path: bytes, status: int
) -> None:
    assert_refused(target.ask(target.signed(method, path)), status)


@pytest.mark.parametrize(
    "value",
    [
        b"Basic !!!", b"Basic", b"Basic YQ==", b"Basic " + base64.b64encode(b"no colon"),
        b"Basic " + base64.b64encode(b"alice:\0"), b"Basic " + base64.b64encode(b"\xff\xfe:x"),
        b"Bearer", b"Bearer \xff\xfe", b"Bearer wit_" + b"x" * 100, b"Digest username=alice",
        b"Bearer " + b"x" * 20_000, b"Basic " + base64.b64encode(b"alice:" + b"x" * 2000),
        b"Negotiate", b"Basic YTpi,Basic YTpi", b"Basic " + base64.b64encode(b"' OR 1=1 --:x"),
        b"Basic " + base64.b64encode("ålice:pässword\U0001f600".encode()),
    ],
)  # fmt: skip
def test_garbage_for_credentials_is_unauthenticated(target: Target, value: bytes) -> None:
    answer = target.ask(request(b"GET", advert(b"/alice/demo"), b"Authorization: " + value))

    assert_refused(answer, 401)
    assert answer.headers["www-authenticate"].startswith("Basic")


def test_credentials_sent_twice_are_refused(target: Target) -> None:
    twice = [b"Authorization: Bearer " + target.token] * 2

    assert_refused(target.ask(request(b"GET", advert(b"/alice/demo"), *twice)), 400)


@pytest.mark.parametrize("service", [UPLOAD, RECEIVE])
@pytest.mark.parametrize(
    ("headers", "body", "statuses"),
    [
        ([b"Content-Type: text/plain"], b"0000", {415}),
        ([b"Content-Type: application/x-git-other-request"], b"0000", {415}),
        ([], b"0000", {415}),
        ([None, b"Content-Encoding: br"], b"0000", {415}),
        ([None, b"Content-Encoding: gzip, gzip"], b"0000", {415}),
        ([None, b"Content-Encoding: gzip"], b"no gzip at all", {400}),
        ([None, b"Content-Encoding: gzip"], gzip.compress(b"0032want", mtime=0)[:-5], {400}),
        ([None, b"Content-Encoding: gzip"], gzip.compress(b"0032want", mtime=0) + b"tail", {400}),
        ([None, b"Content-Encoding: gzip"], zlib.compress(b"0000"), {400}),
        ([None, b"Content-Length: 0"], b"", {400}),
        ([None], b"000", {400}),
        ([None], b"zzzz", {400}),
        ([None], b"0003", {400}),
        ([None], b"fffff" + b"x" * 70_000, {400}),
        ([None], b"0001", {400}),
        ([None], b"0032want " + ONE, {400}),
        ([None], random.Random(5).randbytes(5000), {400}),
    ],
)
def test_body_that_is_no_request_is_refused(
    target: Target, service: bytes, headers: list[bytes | None], body: bytes, statuses: set[int]
) -> None:
    lines = [content_type(service) if line is None else line for line in headers]

    answer = target.ask(target.signed(b"POST", b"/alice/demo/" + service, *lines, body=body))

    assert_refused(answer, *statuses)


def ref_line(ref: bytes, *, new: bytes = ONE, tail: bytes = b"") -> bytes:
    return packet(ZERO + b" " + new + b" " + ref + tail)


@pytest.mark.parametrize(
    ("service", "prefix"),
    [
        (UPLOAD, b""),
        (RECEIVE, ref_line(b"refs/heads/x") + b"0000PACK"),
        (RECEIVE, ref_line(b"refs/heads/x", tail=b"\0push-options") + b"0000"),
    ],
)
def test_bomb_is_cut_before_it_fills_memory(target: Target, service: bytes, prefix: bytes) -> None:
    # A block that ends at a byte can be repeated: ten gigabytes in ten megabytes.
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    start = packer.compress(prefix) + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(b"0" * 64 * 1024**2) + packer.flush(zlib.Z_FULL_FLUSH)
    bomb = start + block * 160

    answer = call(target, service, bomb, b"Content-Encoding: gzip")

    assert_refused(answer, 400, 413)


@pytest.mark.parametrize("service", [UPLOAD, RECEIVE])
def test_body_over_the_limit_is_too_large(target: Target, service: bytes) -> None:
    head = request(
        b"POST",
        b"/alice/demo/" + service,
        b"Authorization: Bearer " + target.token,
        content_type(service),
        length=10**12,
    )

    assert_refused(target.ask(head), 413)


PUSH_HEADS: dict[str, tuple[bytes, set[int]]] = {
    "no flush": (ref_line(b"refs/heads/x"), {400}),
    "HEAD": (ref_line(b"HEAD") + b"0000", {400}),
    "dots": (ref_line(b"refs/heads/../../config") + b"0000", {400}),
    "lock": (ref_line(b"refs/heads/x.lock") + b"0000", {400}),
    "empty ref": (ref_line(b"refs/") + b"0000", {400}),
    "long ref": (ref_line(b"refs/heads/" + b"x" * 300) + b"0000PACK", {400}),
    "deep ref": (ref_line(b"refs/heads" + b"/x" * 2000) + b"0000PACK", {400}),
    "nul": (ref_line(b"refs/heads/x\0y\0z") + b"0000PACK", {400}),
    "twice": (ref_line(b"refs/heads/x") * 2 + b"0000", {400}),
    "two lengths": (ref_line(b"refs/heads/x", new=b"1" * 64) + b"0000", {400}),
    "certificate without end": (packet(b"push-cert\0atomic") + packet(b"x\n") + b"0000", {400}),
    "too many": (b"".join(ref_line(b"refs/heads/%d" % n) for n in range(20_001)) + b"0000", {413}),
    "endless": (packet(b"shallow " + ONE) * 200_000, {413}),
    "no pack": (ref_line(b"refs/heads/x") + b"0000", {400}),
    "no pack, nor report": (ref_line(b"refs/heads/x") + b"0000PACKgarbage", {400}),
}


@pytest.mark.parametrize("name", ["demo", "new"])
@pytest.mark.parametrize("kind", PUSH_HEADS)
def test_push_that_is_none_is_refused(target: Target, name: str, kind: str) -> None:
    body, statuses = PUSH_HEADS[kind]
    path = b"/alice/%b/git-receive-pack" % name.encode()

    answer = target.ask(target.signed(b"POST", path, content_type(RECEIVE), body=body))

    assert_refused(answer, *statuses)


def fetch_v2(*arguments: bytes, command: bytes = b"fetch", capabilities: bytes = b"") -> bytes:
    lines = b"".join(map(packet, arguments))
    return packet(b"command=" + command + b"\n") + capabilities + b"0001" + lines + b"0000"


V2 = b"Git-Protocol: version=2"


@pytest.mark.parametrize(
    "body",
    [
        fetch_v2(command=b"nothing"),
        fetch_v2(b"want " + ONE, b"done", capabilities=packet(b"object-format=sha999")),
        fetch_v2(b"nonsense"),
        fetch_v2(b"want nothing"),
        fetch_v2(b"want " + ONE, b"done"),
        fetch_v2(b"want " + ONE, b"done") + b"garbage",
        fetch_v2(b"deepen 0", b"done"),
        fetch_v2(b"deepen -1", b"done"),
        fetch_v2(b"filter sparse:path=/etc/passwd", b"done"),
        packet(b"command=ls-refs") + b"0001" + packet(b"nonsense") + b"0000garbage",
        packet(b"command=fetch") * 2 + b"0000",
        packet(b"server-option=x") + b"0000",
    ],
)
def test_version_2_request_that_is_none_is_refused_in_words(target: Target, body: bytes) -> None:
    answer = call(target, UPLOAD, body, V2)

    # What git itself finds wrong after it has begun to answer stands in an ERR packet.
    assert answer.status == 400 or (answer.status == 200 and b"ERR " in answer.body), answer
    assert answer.body.strip()


@pytest.mark.parametrize("version", [0, 2])
def test_hidden_commit_is_not_given_out_in_any_form(target: Target, version: int) -> None:
    forms = [target.secret, target.secret.upper(), target.secret + b"_", target.secret + b"abcd"]
    for form in forms:
        if version == 2:
            body = fetch_v2(b"want " + form, b"done")
            answer = call(target, UPLOAD, body, V2)
        else:
            answer = call(target, UPLOAD, packet(b"want " + form) + b"0000" + packet(b"done\n"))

        assert b"PACK" not in answer.body, form
        assert b"packfile" not in answer.body, form


def test_hidden_commit_is_refused_like_one_that_does_not_exist(target: Target) -> None:
    hidden = call(target, UPLOAD, fetch_v2(b"want " + target.secret, b"done"), V2)
    missing = call(target, UPLOAD, fetch_v2(b"want " + ONE, b"done"), V2)

    assert hidden.status == missing.status == 200
    assert hidden.body.replace(target.secret, ONE) == missing.body
    assert b"ERR upload-pack: not our ref" in missing.body


@pytest.mark.parametrize("version", [0, 2])
def test_hundreds_of_thousands_of_haves_and_wants_are_borne(target: Target, version: int) -> None:
    haves = b"".join(packet(b"have %040x\n" % number) for number in range(300_000))
    wants = b"".join(packet(b"want %040x\n" % number) for number in range(5_000))
    want = packet(b"want " + target.head + b"\n")
    if version == 2:
        start = packet(b"command=fetch\n") + b"0001"
        many = call(target, UPLOAD, start + want + haves + packet(b"done\n") + b"0000", V2)
        unknown = call(target, UPLOAD, start + wants + packet(b"done\n") + b"0000", V2)
    else:
        many = call(target, UPLOAD, want + b"0000" + haves + packet(b"done\n"))
        unknown = call(target, UPLOAD, wants + b"0000" + packet(b"done\n"))

    assert b"PACK" in many.body
    assert unknown.status == 400 or b"not our ref" in unknown.body


def test_fetch_request_over_its_limit_is_too_large(target: Target) -> None:
    haves = packet(b"have " + ONE + b"\n") * 400_000

    assert_refused(call(target, UPLOAD, haves), 413)


def test_names_that_differ_in_case_reach_one_repository(target: Target) -> None:
    for path in (b"/Alice/Demo", b"/ALICE/DEMO.git", b"/alice/demo"):
        answer = target.ask(target.signed(b"GET", advert(path)))

        assert answer.status == 200
        assert target.head in answer.body
