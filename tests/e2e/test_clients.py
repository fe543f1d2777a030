"""Foreign clients, and the ways stock git sends credentials."""

from __future__ import annotations

import base64
import io
import re
import shutil
from pathlib import Path
from urllib.parse import urlsplit

import pygit2
import pytest
from dulwich import porcelain

from tests.support.place import Place
from tests.support.processes import wait_until
from tests.support.raw_http import connected
from tests.support.repositories import commit, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e


def bare_url(alice: Place, name: str) -> str:
    """Return the URL without credentials."""
    return alice.server.remote(f"alice/{name}")


def bearer(alice: Place) -> tuple[str, str]:
    return ("-c", f"http.extraHeader=Authorization: Bearer {alice.token}")


def basic(username: str, password: str) -> tuple[str, str]:
    encoded = base64.b64encode(f"{username}:{password}".encode()).decode()
    return ("-c", f"http.extraHeader=Authorization: Basic {encoded}")


def test_credential_helper_remembers_the_token(alice: Place, work: Path, tmp_path: Path) -> None:
    host = urlsplit(alice.server.url).netloc
    store = tmp_path / "credentials"
    store.write_text(f"http://alice:{alice.token}@{host}\n")
    helper = ("-c", f"credential.helper=store --file={store}")
    url = bare_url(alice, "helped")

    run_git(work, *helper, "push", "--quiet", url, "main")
    run_git(tmp_path, *helper, "clone", "--quiet", url, "copy")

    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(work, "HEAD")
    assert alice.token is not None
    assert alice.token in store.read_text(), "git drops from the store what is refused"
    assert [row.actor for row in alice.pushes("helped")] == ["alice"]


def test_credential_that_is_refused_is_dropped_from_the_store(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    host = urlsplit(alice.server.url).netloc
    store = tmp_path / "credentials"
    store.write_text(f"http://alice:wit_no-such-token@{host}\n")
    helper = ("-c", f"credential.helper=store --file={store}")

    refused = run_git(work, *helper, "push", bare_url(alice, "wrong"), "main", check=False)

    assert refused.returncode == 128
    assert store.read_text() == ""
    assert alice.row("wrong") is None


@pytest.mark.parametrize("kind", ["bearer", "password", "username", "x-oauth-basic", "account"])
def test_every_way_to_send_a_secret_works(
    alice: Place, work: Path, tmp_path: Path, kind: str
) -> None:
    token = alice.token or ""
    options = {
        "bearer": bearer(alice),
        "password": basic("anything", token),
        "username": basic(token, ""),
        "x-oauth-basic": basic(token, "x-oauth-basic"),
        "account": basic("alice", "correct horse"),
    }[kind]
    url = bare_url(alice, f"by-{kind}")

    run_git(work, *options, "push", "--quiet", url, "main")
    run_git(tmp_path, *options, "clone", "--quiet", url, "copy")
    anonymous = run_git(work, "ls-remote", url, check=False)

    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(work, "HEAD")
    assert [row.actor for row in alice.pushes(f"by-{kind}")] == ["alice"]
    assert anonymous.returncode == 128


def test_pygit2_creates_clones_fetches_and_pushes(alice: Place, work: Path, tmp_path: Path) -> None:
    url = bare_url(alice, "libgit2")
    callbacks = pygit2.RemoteCallbacks(pygit2.UserPass("alice", alice.token or ""))
    source = pygit2.Repository(str(work))

    source.remotes.create("origin", url).push(["refs/heads/main"], callbacks=callbacks)
    copy = pygit2.clone_repository(url, str(tmp_path / "copy"), callbacks=callbacks)
    latest = commit(work, "second")
    source.remotes["origin"].push(
        ["refs/heads/main", "refs/heads/main:refs/heads/b"], callbacks=callbacks
    )
    copy.remotes["origin"].fetch(callbacks=callbacks)

    assert str(copy.references["refs/remotes/origin/main"].target) == latest
    assert str(copy.references["refs/remotes/origin/b"].target) == latest
    assert oid_of(tmp_path / "copy", "HEAD") == oid_of(work, "HEAD~1")
    assert len(alice.pushes("libgit2")) == 3
    assert alice.clones("libgit2") == 1


def test_pygit2_is_told_why_a_ref_is_refused(alice: Place, work: Path) -> None:
    reasons = dict[str, str | None]()

    class Callbacks(pygit2.RemoteCallbacks):
        def push_update_reference(self, refname: str, message: str | None) -> None:
            reasons[refname] = message

    url = bare_url(alice, "libgit2-refused")
    callbacks = Callbacks(pygit2.UserPass("alice", alice.token or ""))
    source = pygit2.Repository(str(work))
    remote = source.remotes.create_anonymous(url)

    remote.push(["refs/heads/main", "refs/heads/main:refs/wit/x"], callbacks=callbacks)

    assert reasons == {"refs/heads/main": None, "refs/wit/x": "deny updating a hidden ref"}
    assert [row.ref for row in alice.pushes("libgit2-refused")] == ["refs/heads/main"]


def test_dulwich_creates_clones_fetches_and_pushes(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    url, said = bare_url(alice, "dulwich"), io.BytesIO()
    token = alice.token or ""

    def push() -> None:
        porcelain.push(
            str(work),
            url,
            "refs/heads/main",
            errstream=said,
            outstream=said,
            username="alice",
            password=token,
        )

    push()
    porcelain.clone(
        url, str(tmp_path / "copy"), errstream=said, username="alice", password=token
    ).close()
    latest = commit(work, "second")
    push()
    porcelain.fetch(
        str(tmp_path / "copy"),
        url,
        errstream=said,
        outstream=io.StringIO(),
        username="alice",
        password=token,
    )

    assert run_git(tmp_path / "copy", "cat-file", "-t", latest).stdout == "commit\n"
    assert oid_of(alice.gitdir("dulwich"), "main") == latest
    assert len(alice.pushes("dulwich")) == 2
    assert alice.clones("dulwich") == 1


@pytest.mark.parametrize("client", ["pygit2", "dulwich"])
def test_foreign_clients_take_an_empty_repository(
    disk: Place, work: Path, tmp_path: Path, client: str
) -> None:
    name = f"empty-{client}"
    run_git(work, "init", "--quiet", "--bare", "-b", "main", str(disk.gitdir(name)))
    copy = tmp_path / "copy"

    if client == "pygit2":
        pygit2.clone_repository(disk.url(name), str(copy)).free()
    else:
        porcelain.clone(disk.url(name), str(copy), errstream=io.BytesIO()).close()
    shutil.rmtree(copy)
    other = new_work(copy)
    latest = commit(other, "first")
    run_git(other, "push", "--quiet", disk.url(name), "main")

    assert oid_of(disk.gitdir(name), "main") == latest


def test_client_that_hangs_up_after_the_last_packet_is_counted(alice: Place, work: Path) -> None:
    run_git(work, "push", "--quiet", alice.url("hasty"), "main")
    line = f"want {oid_of(work, 'main')} side-band-64k\n".encode()
    body = b"%04x%b00000009done\n" % (len(line) + 4, line)
    head = (
        "POST /alice/hasty/git-upload-pack HTTP/1.1\r\nHost: wit\r\n"
        f"Authorization: Bearer {alice.token}\r\nContent-Length: {len(body)}\r\n"
        "Content-Type: application/x-git-upload-pack-request\r\n\r\n"
    )

    for _ in range(10):
        with connected(alice.server.url) as client:
            client.send(head.encode() + body)
            answer = b""
            # The end of the chunked body may come with the last packet, or after it.
            while not re.search(rb"PACK.*0000\r\n(?:0\r\n\r\n)?\Z", answer, re.DOTALL):
                answer += client.read_some()

    wait_until(lambda: alice.clones("hasty") == 10)
