"""Protection that is tried hard: raced, flooded, without git, beside foreign hooks, killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.support.databases import SqliteDatabases
from tests.support.listing import listed_below
from tests.support.packs import pack_of
from tests.support.processes import is_running, processes_with, wait_until
from tests.support.protected import Protected, new_history, open_protected, rewrite
from tests.support.repositories import all_refs, commit, oid_of
from tests.support.server import git_environment, run_git, running_server
from wit_admin.git.children.processes import is_in_use
from wit_admin.git.pktline import write_packet

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module")
def forge(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Protected]:
    databases: SqliteDatabases = request.getfixturevalue("_sqlite")
    home = tmp_path_factory.mktemp("attacks") / "home"
    with open_protected(databases, home, check_timeout_s=5) as opened:
        yield opened


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return new_history(tmp_path / "work")


def test_of_many_forced_and_plain_pushes_at_once_none_loses_a_commit(
    forge: Protected, work: Path
) -> None:
    forge.begin("raced", work)
    forge.protect("raced", "main")
    begun = oid_of(work, "main")
    run_git(work, "branch", "forward", commit(work, "third"))
    run_git(work, "reset", "--quiet", "--hard", "HEAD~1")
    rewrite(work)

    with ThreadPoolExecutor(8) as pool:
        sources = ["+main:main", "forward:main"] * 4
        done = list(pool.map(lambda source: forge.push(work, "raced", source), sources))

    assert all(push.returncode == 1 for push in done[::2])
    assert oid_of(forge.gitdir("raced"), "main") == oid_of(work, "forward")
    moved = [(row.before, row.after) for row in forge.pushes("raced")[1:]]
    assert moved == [(begun, oid_of(work, "forward"))]


def test_one_refused_ref_of_very_many_does_not_hold_up_the_others(
    forge: Protected, work: Path
) -> None:
    forge.begin("many", work)
    forge.protect("many", "main")
    forge.protect("many", "secret/**", pushers=["alice"])
    rewrite(work)
    names = [f"topic/{number}" for number in range(300)] + ["a", "a-b", "ä", "secret/x/y"]

    done = forge.push(work, "many", "+main", *(f"main:refs/heads/{n}" for n in names), user="bob")

    made = run_git(forge.gitdir("many"), "for-each-ref", "--format=%(refname:short)").stdout
    assert "main -> main (protected: no forced pushes)" in done.stderr
    assert "secret/x/y (protected: you are not among those who may push to it)" in done.stderr
    assert set(made.split()) == {"main", *names} - {"secret/x/y"}
    assert oid_of(forge.gitdir("many"), "main") != oid_of(work, "main")


def test_of_a_signed_push_one_ref_is_refused_and_the_certificate_stays_whole(
    forge: Protected, work: Path, tmp_path: Path
) -> None:
    forge.begin("signed", work)
    forge.protect("signed", "main")
    run_git(forge.gitdir("signed"), "config", "receive.certNonceSeed", "seed")
    keygen = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(tmp_path / "key")]
    subprocess.run(keygen, check=True)
    run_git(work, "config", "gpg.format", "ssh")
    run_git(work, "config", "user.signingKey", str(tmp_path / "key"))
    rewrite(work)

    done = forge.push(work, "signed", "--signed", "+main", "main:fresh")
    whole = forge.push(work, "signed", "--signed", "--atomic", "+main", "main:again")

    assert "main -> main (protected: no forced pushes)" in done.stderr
    assert "[new branch]      main -> fresh" in done.stderr
    assert "main -> again (atomic push failure)" in whole.stderr
    assert [row.ref for row in forge.pushes("signed")[1:]] == ["refs/heads/fresh"]
    listed = run_git(
        forge.gitdir("signed"),
        "cat-file",
        "--batch-all-objects",
        "--batch-check=%(objectname) %(objecttype)",
    ).stdout.split()
    blobs = [oid for oid, kind in zip(listed[::2], listed[1::2], strict=True) if kind == "blob"]
    texts = [run_git(forge.gitdir("signed"), "cat-file", "blob", oid).stdout for oid in blobs]
    certificates = [text for text in texts if text.startswith("certificate version")]
    assert certificates
    for certificate in certificates:
        assert certificate.count(" refs/heads/") == 2
        assert certificate.rstrip().endswith("-----END SSH SIGNATURE-----")


def test_check_of_a_server_that_is_killed_ends_with_it_and_nothing_is_accepted(
    request: pytest.FixtureRequest, work: Path, tmp_path: Path
) -> None:
    databases: SqliteDatabases = request.getfixturevalue("_sqlite")
    with open_protected(databases, tmp_path / "home") as forge:
        forge.begin("killed", work)
        mark = f"GIT_DIR={forge.gitdir('killed')}"
        forge.install("hanging", "trap '' TERM; sleep 600")
        forge.protect("killed", "main", check="hanging")
        before = oid_of(work, "main")
        commit(work, "third")
        with ThreadPoolExecutor(1) as pool:
            pushing = pool.submit(forge.push, work, "killed", "main")
            wait_until(lambda: processes_with(mark))

            forge.server.process.send_signal(signal.SIGKILL)
            forge.server.process.wait()

            assert pushing.result().returncode != 0
        wait_until(lambda: not processes_with(mark))
        wait_until(lambda: not is_in_use(forge.gitdir("killed")))
        assert oid_of(forge.gitdir("killed"), "main") == before
        variables = [*forge.server.environment.items()]
        with running_server(tmp_path / "home", variables=variables):
            wait_until(lambda: not forge.pending())
        assert len(forge.pushes("killed")) == 1
        for folder in (tmp_path / "home/run/hooks").glob("*"):
            shutil.rmtree(folder)


def test_client_that_goes_away_leaves_nothing_behind(forge: Protected, work: Path) -> None:
    """What was pushed whole goes on without its client: the check ends it, or its timeout."""
    forge.begin("gone", work)
    mark = f"GIT_DIR={forge.gitdir('gone')}"
    forge.install("waiting", "sleep 600")
    forge.protect("gone", "main", check="waiting")
    before = oid_of(work, "main")
    commit(work, "third")

    client = subprocess.Popen(
        ["git", "-C", str(work), "push", forge.url("gone"), "main"],
        env=git_environment(),
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    wait_until(lambda: processes_with(mark))
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()

    wait_until(lambda: not processes_with(mark))
    wait_until(lambda: not listed_below(forge.gitdir("gone"), "*incoming-*"))
    assert oid_of(forge.gitdir("gone"), "main") == before
    assert is_running(forge.server.process.pid)


def test_own_hooks_of_a_repository_run_beside_ours(
    request: pytest.FixtureRequest, work: Path, tmp_path: Path
) -> None:
    databases: SqliteDatabases = request.getfixturevalue("_sqlite")
    with open_protected(databases, tmp_path / "home", "--repository-hooks") as forge:
        forge.begin("hooked", work)
        forge.protect("hooked", "main")
        hooks = forge.gitdir("hooked") / "hooks"
        hooks.mkdir(exist_ok=True)
        scripts = {
            "pre-receive": "cat > before",
            "update": 'echo "$1" >> updated; [ "$1" != refs/heads/vetoed ]',
            "post-receive": "cat > after",
        }
        for name, script in scripts.items():
            (hooks / name).write_text(f"#!/bin/sh\n{script}\n")
            (hooks / name).chmod(0o755)
        rewrite(work)

        done = forge.push(work, "hooked", "+main", "main:fresh", "main:vetoed")

        written = {
            name: (forge.gitdir("hooked") / name).read_text() for name in ("before", "after")
        }
    assert "main -> main (protected: no forced pushes)" in done.stderr
    assert "main -> vetoed (hook declined)" in done.stderr
    assert "[new branch]      main -> fresh" in done.stderr
    assert written["before"].count("\n") == 3
    assert written["after"].split()[2::3] == ["refs/heads/fresh"]


def test_without_git_what_would_need_a_look_is_refused(
    request: pytest.FixtureRequest, work: Path, tmp_path: Path
) -> None:
    databases: SqliteDatabases = request.getfixturevalue("_sqlite")
    with open_protected(databases, tmp_path / "home", path="/nonexistent") as forge:
        forge.begin("bare", work)
        forge.protect("bare", "main", max_blob_bytes=10)
        forge.protect("bare", "release/*", pushers=["bob"])
        commit(work, "third")

        looked_at = forge.push(work, "bare", "main")
        partly = forge.push(work, "bare", "main:release/1", "main:topic")
        free = forge.push(work, "bare", "main:topic")

    assert "main -> main (protected: this server has no git to check it)" in looked_at.stderr
    assert "release/1 (protected: you are not among those who may push to it)" in partly.stderr
    assert "topic (refused with another ref, because this server has no git)" in partly.stderr
    assert free.returncode == 0


def test_hooks_that_cannot_be_made_refuse_the_push(forge: Protected, work: Path) -> None:
    forge.begin("unhooked", work)
    forge.protect("unhooked", "main")
    before = oid_of(work, "main")
    rewrite(work)
    hooks = forge.server.home / "run/hooks"
    hooks.rename(hooks.with_name("kept"))
    hooks.touch()
    try:
        done = forge.push(work, "unhooked", "+main")
    finally:
        hooks.unlink()
        hooks.with_name("kept").rename(hooks)

    assert "Protected refs cannot be checked now" in done.stderr
    assert oid_of(forge.gitdir("unhooked"), "main") == before


@pytest.mark.parametrize("capabilities", [b"report-status", b"report-status side-band-64k", b""])
def test_client_of_few_words_and_false_ones_gets_past_nothing(
    forge: Protected, work: Path, capabilities: bytes
) -> None:
    name = f"raw-{len(capabilities)}"
    forge.begin(name, work, "main", "main:side", "main~1:refs/heads/old")
    forge.protect(name, "main")
    forge.protect(name, "old", max_blob_bytes=1)
    before, zero = all_refs(forge.gitdir(name)), b"0" * 40
    tip, first = (oid_of(work, revision).encode() for revision in ("main", "main~1"))
    commands = [
        # A lie: it is no step forward from where the branch is. And another: it is not there.
        b"%b %b refs/heads/main\0%b" % (first, first, capabilities),
        b"%b %b refs/heads/old" % (zero, tip),
        b"%b %b refs/heads/side" % (tip, first),
    ]
    body = b"".join(map(write_packet, commands)) + b"0000" + pack_of()

    answer = ask_to_receive(forge, name, body)

    moved = before.replace(f"{tip.decode()} refs/heads/side", f"{first.decode()} refs/heads/side")
    assert all_refs(forge.gitdir(name)) == moved
    if capabilities:
        assert b"ok refs/heads/side" in answer
        assert b"ng refs/heads/main" in answer
        assert b"ng refs/heads/old protected: file.txt is larger than 1 bytes" in answer


def ask_to_receive(forge: Protected, name: str, body: bytes) -> bytes:
    """Post a push as it stands, as alice, and return the answer."""
    request = urllib.request.Request(
        f"{forge.server.url}alice/{name}/git-receive-pack",
        data=body,
        headers={
            "Content-Type": "application/x-git-receive-pack-request",
            "Authorization": f"Bearer {forge.tokens['alice']}",
        },
    )
    with urllib.request.urlopen(request, timeout=60) as answer:
        return bytes(answer.read())
