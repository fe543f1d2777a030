"""Repositories imported over HTTP, from a real server, by the command line."""

from __future__ import annotations

import json
import random
import signal
import subprocess
import sys
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import ClassVar

import pytest

from tests.support import forker
from tests.support.listing import contents_below
from tests.support.place import Place
from tests.support.processes import wait_until
from tests.support.repositories import all_refs, commit, new_work, oid_of
from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.git.children.limited_child import ChildLimits
from wit_admin.git.remotes.fetching import Remote
from wit_admin.git.remotes.sources import parse_source
from wit_admin.git.repositories.storage import create_bare

pytestmark = pytest.mark.e2e

ALLOWED = "--allow-private-address"


@pytest.fixture(scope="module")
def origin(alice: Place, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The plain URL of a private repository with a large commit, on our own server."""
    work = new_work(tmp_path_factory.mktemp("origin") / "work")
    (work / "large").write_bytes(random.Random(2).randbytes(3 * 1024**2))
    run_git(work, "add", "large")
    commit(work, "first")
    run_git(work, "tag", "v1")
    run_git(work, "push", "--quiet", alice.url("origin"), "main:refs/heads/trunk", "v1")
    return alice.server.remote("alice/origin")


@pytest.fixture(scope="module")
def secret(alice: Place, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of credentials."""
    file = tmp_path_factory.mktemp("secret") / "credentials"
    file.write_text(f"alice:{alice.token}\n")
    return file


def start(place: Place, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "wit_admin", "repo", "import", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=place.server.environment,
    )


def refusal(place: Place, *arguments: str) -> tuple[int, str]:
    """Return how an import ends that must fail, and what it says."""
    ended = forker.run(["repo", "import", *arguments], place.server.environment)
    assert (ended.returncode != 0, ended.stdout) == (True, "")
    return ended.returncode, ended.stderr


def staging(place: Place) -> list[Path]:
    return list((place.server.home / "repos/alice").glob(".new~*"))


def test_private_repository_comes_in_whole(alice: Place, origin: str, secret: Path) -> None:
    shown = alice.server.admin(
        "repo", "import", origin, "alice/copy", ALLOWED, "--credentials-file", str(secret), "--json"
    )

    gitdir = alice.gitdir("copy")
    assert json.loads(shown)["name"] == "copy"
    assert all_refs(gitdir) == all_refs(alice.gitdir("origin"))
    assert (gitdir / "HEAD").read_text() == "ref: refs/heads/trunk\n"
    listed = run_git(Path("/"), "ls-remote", alice.url("copy"), "HEAD").stdout
    assert listed.split()[0] == oid_of(alice.gitdir("origin"), "trunk")


def test_secret_stands_nowhere(alice: Place, origin: str, secret: Path) -> None:
    alice.server.admin(
        "repo", "import", origin, "alice/hushed", ALLOWED, "--credentials-file", str(secret)
    )

    trail = alice.server.admin("audit", "list", "--json")
    assert "repository.import" in trail
    assert alice.token is not None
    assert alice.token not in trail
    for path, content in contents_below(alice.gitdir("hushed")):
        assert alice.token.encode() not in content, path


def test_source_without_the_credentials_is_refused(alice: Place, origin: str) -> None:
    code, said = refusal(alice, origin, "alice/none", ALLOWED)

    assert (code, "--credentials-file" in said) == (1, True)
    assert staging(alice) == []


def test_private_address_is_refused_unless_it_is_allowed(alice: Place, origin: str) -> None:
    code, said = refusal(alice, origin, "alice/none")

    assert (code, "not a public address" in said) == (1, True)


def test_source_that_does_not_answer_is_told(alice: Place) -> None:
    code, said = refusal(alice, "http://127.0.0.1:9/x", "alice/none", ALLOWED)

    assert (code, "could not fetch" in said) == (4, True)


class Redirecting(BaseHTTPRequestHandler):
    """Sends everybody on to ``target``."""

    target: ClassVar[str] = ""

    def do_GET(self) -> None:
        self.send_response(302)
        self.send_header("Location", self.target + self.path)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def redirecting(alice: Place) -> Iterator[str]:
    """The URL of a server that leads to our own."""
    Redirecting.target = alice.server.url.rstrip("/")
    with ThreadingHTTPServer(("127.0.0.1", 0), Redirecting) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/alice/origin"
        server.shutdown()


def test_redirect_is_not_followed(alice: Place, redirecting: str, secret: Path) -> None:
    options = ("--credentials-file", str(secret))

    code, said = refusal(alice, redirecting, "alice/none", ALLOWED, *options)

    assert (code, "redirects to another address" in said) == (4, True)


def test_git_asks_only_the_address_that_was_looked_at(
    alice: Place, origin: str, tmp_path: Path
) -> None:
    """No resolver knows the name, so git can have the address from us alone."""
    named = origin.replace("127.0.0.1", "rebound.invalid")
    remote = Remote(
        parse_source(named),
        ("127.0.0.1",),
        make_tools(tmp_path),
        ChildLimits(60.0, 1024**3),
        credentials=alice.token,
    )
    create_bare(tmp_path, "copy.git")

    remote.fetch_into(tmp_path / "copy.git")

    assert remote.list_refs().head == "trunk"
    assert all_refs(tmp_path / "copy.git") == all_refs(alice.gitdir("origin"))


def test_interrupted_import_leaves_nothing(alice: Place, origin: str, secret: Path) -> None:
    process = slow_import(alice, origin, secret)

    process.send_signal(signal.SIGINT)
    process.communicate(timeout=30)

    assert process.returncode == 130
    assert staging(alice) == []
    assert alice.row("slow") is None


def test_import_killed_at_any_moment_is_done_by_a_rerun(
    alice: Place, origin: str, secret: Path
) -> None:
    chance = random.Random(11)

    for number in range(4):
        arguments = (origin, f"alice/k{number}", ALLOWED, "--credentials-file", str(secret))
        started = forker.start(["repo", "import", *arguments], alice.server.environment)
        started.kill(after_s=chance.uniform(0.01, 0.8))
        alice.server.admin("repo", "import", *arguments, "--if-not-exists")
        assert all_refs(alice.gitdir(f"k{number}")) == all_refs(alice.gitdir("origin"))

    assert staging(alice) == []


def slow_import(place: Place, origin: str, secret: Path) -> subprocess.Popen[str]:
    """Start an import and return while it is fetching."""
    process = start(place, origin, "alice/slow", ALLOWED, "--credentials-file", str(secret))
    folder = place.server.home / "repos/alice"
    wait_until(
        lambda: any(folder.glob(".new~slow.import-*")) or process.poll() is not None, within_s=30
    )
    return process
