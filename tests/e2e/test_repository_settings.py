"""Settings of a repository that say how it is served: obeyed, as plain git obeys them."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.accounts import make_account
from tests.support.place import Place
from tests.support.repositories import commit, listing, new_work, oid_of
from tests.support.server import run_git, running_server

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("version", [0, 1, 2])
@pytest.mark.parametrize("setting", ["uploadpack.hideRefs", "transfer.hideRefs"])
def test_refs_that_the_repository_hides_are_hidden(
    disk: Place, work: Path, setting: str, version: int
) -> None:
    name = f"hiding-{setting[:6]}-{version}"
    gitdir = disk.add(name, work)
    for ref in ("refs/secret/one", "refs/secret/shown", "refs/heads/secret"):
        run_git(gitdir, "update-ref", ref, "main")
    run_git(gitdir, "config", "--add", setting, "refs/secret")
    run_git(gitdir, "config", "--add", setting, "refs/heads/secret")
    run_git(gitdir, "config", "--add", setting, "!refs/secret/shown")

    seen = listing(disk.url(name), version=version)

    assert seen == listing(str(gitdir), version=version)
    assert b"refs/secret/shown" in seen
    assert b"one" not in seen
    assert b"heads/secret" not in seen


@pytest.mark.parametrize("version", ["0", "2"])
def test_what_only_hidden_refs_hold_is_not_given_out_in_sha256(
    disk: Place, tmp_path: Path, version: str
) -> None:
    """Another test shows the same of SHA-1; libgit2 reads only those."""
    work = new_work(tmp_path / "work", "--object-format=sha256")
    commit(work, "shown")
    gitdir = disk.add(f"hiding-sha256-{version}", work)
    secret = commit(work, "hidden")
    blob = oid_of(work, "HEAD:file.txt")
    run_git(work, "push", "--quiet", str(gitdir), "main:refs/wit/keep")
    copy = new_work(tmp_path / "copy", "--object-format=sha256")
    fetch = ("-c", f"protocol.version={version}", "fetch", "--quiet", disk.url(gitdir.stem))

    refused = [run_git(copy, *fetch, oid, check=False) for oid in (secret, blob)]
    run_git(copy, *fetch, "main")

    assert all(result.returncode != 0 for result in refused)
    assert oid_of(copy, "FETCH_HEAD") == oid_of(work, "HEAD~1")


@pytest.mark.parametrize("value", ["false", "no", "0"])
@pytest.mark.parametrize("place", ["alice", "disk"])
def test_repository_switches_fetches_and_pushes_off(
    request: pytest.FixtureRequest, work: Path, tmp_path: Path, place: str, value: str
) -> None:
    forge: Place = request.getfixturevalue(place)
    url = forge.url(f"off-{value}")
    if place == "disk":
        forge.add(f"off-{value}", work)
    else:
        run_git(work, "push", "--quiet", url, "main")
    run_git(tmp_path, "clone", "--quiet", url, "before")
    gitdir = forge.gitdir(f"off-{value}")
    run_git(gitdir, "config", "http.uploadpack", value)
    clone = run_git(tmp_path, "clone", "--quiet", url, "after", check=False)
    run_git(gitdir, "config", "http.receivepack", value)
    commit(work, "second")

    push = run_git(work, "push", "--quiet", url, "main", check=False)
    run_git(gitdir, "config", "--unset", "http.uploadpack")
    run_git(tmp_path, "clone", "--quiet", url, "again")

    assert "403" in clone.stderr
    assert "403" in push.stderr
    assert "http.receivepack is false" in push.stderr
    assert oid_of(tmp_path / "again", "HEAD") == oid_of(work, "HEAD~1")


@pytest.mark.parametrize("setting", ["allowAnySHA1InWant", "allowReachableSHA1InWant"])
def test_repository_decides_which_ids_may_be_wanted(
    disk: Place, work: Path, tmp_path: Path, setting: str
) -> None:
    first = oid_of(work, "main")
    commit(work, "second")
    gitdir = disk.add(f"by-id-{setting.lower()}", work)
    new_work(tmp_path / "copy")
    fetch = ("-c", "protocol.version=0", "fetch", "--quiet", disk.url(gitdir.stem), first)

    refused = run_git(tmp_path / "copy", *fetch, check=False)
    run_git(gitdir, "config", f"uploadpack.{setting}", "true")
    run_git(tmp_path / "copy", *fetch)

    assert "not allow request for unadvertised object" in refused.stderr
    assert oid_of(tmp_path / "copy", "FETCH_HEAD") == first


@pytest.mark.parametrize("version", ["0", "2"])
def test_repository_may_give_the_tips_of_its_hidden_refs_by_id_and_never_the_servers(
    disk: Place, work: Path, tmp_path: Path, version: str
) -> None:
    gitdir = disk.add(f"tips-{version}", work)
    between, hidden, ours = (commit(work, text) for text in ("between", "hidden", "ours"))
    run_git(work, "push", "--quiet", str(gitdir), "main~1:refs/secret/one", "main:refs/wit/keep")
    run_git(gitdir, "config", "uploadpack.hideRefs", "refs/secret")
    new_work(tmp_path / "copy")
    fetch = ("-c", f"protocol.version={version}", "fetch", "--quiet", disk.url(gitdir.stem))

    def gives(oid: str) -> bool:
        return run_git(tmp_path / "copy", *fetch, oid, check=False).returncode == 0

    before = gives(hidden)
    for setting in ("allowAnySHA1InWant", "allowReachableSHA1InWant"):
        run_git(gitdir, "config", f"uploadpack.{setting}", "true")
    others_say = gives(hidden)
    run_git(gitdir, "config", "uploadpack.allowTipSHA1InWant", "true")

    assert (before, others_say) == (False, False)
    assert not gives(ours)
    assert not gives(between)
    assert gives(hidden)


@pytest.mark.parametrize("value", ["advertise", "allow", "ignore"])
def test_repository_decides_whether_an_unborn_head_is_told(
    disk: Place, work: Path, tmp_path: Path, value: str
) -> None:
    gitdir = disk.gitdir(f"unborn-{value}")
    run_git(work, "init", "--quiet", "--bare", "--initial-branch=later", str(gitdir))
    run_git(gitdir, "config", "lsrefs.unborn", value)

    run_git(tmp_path, "clone", "--quiet", disk.url(gitdir.stem), "copy")

    branch = run_git(tmp_path / "copy", "branch", "--show-current").stdout.strip()
    assert branch == ("later" if value == "advertise" else "master")


def test_bundles_are_told_of_where_git_can(disk: Place, work: Path) -> None:
    gitdir = disk.add("bundled", work)
    for key, value in [
        ("uploadpack.advertiseBundleURIs", "true"),
        ("bundle.version", "1"),
        ("bundle.mode", "all"),
        ("bundle.first.uri", "https://bundles.example/first.bundle"),
    ]:
        run_git(gitdir, "config", key, value)
    address = f"{disk.url('bundled')}/info/refs?service=git-upload-pack"
    heard = ["curl", "--silent", "-H", "Git-Protocol: version=2", address]

    seen = subprocess.run(heard, capture_output=True, check=True).stdout

    variables = {"GIT_PROTOCOL": "version=2"}
    options = ("--http-backend-info-refs", ".")
    told = run_git(gitdir, "upload-pack", *options, variables=variables).stdout
    assert (b"bundle-uri" in seen) == ("bundle-uri" in told)
    if "bundle-uri" not in told:
        pytest.skip(f"{run_git(work, 'version').stdout.strip()} knows no bundle URIs; 2.40 does")
    request = (
        "-d",
        "0017command=bundle-uri\n0000",
        "-H",
        "Content-Type: application/x-git-upload-pack-request",
    )
    bundles = subprocess.run(
        [*heard[:-1], *request, f"{disk.url('bundled')}/git-upload-pack"],
        capture_output=True,
        check=True,
    ).stdout
    assert b"https://bundles.example/first.bundle" in bundles


def test_hooks_run_only_where_the_operator_says_so(tmp_path: Path, work: Path) -> None:
    home = tmp_path / "home"
    gitdir = home / "repos/alice/hooked.git"
    run_git(tmp_path, "init", "--quiet", "--bare", str(gitdir))
    (gitdir / "hooks").mkdir(exist_ok=True)
    (gitdir / "hooks/update").write_text("#!/bin/sh\necho no thanks\nexit 1\n")
    (gitdir / "hooks/update").chmod(0o755)
    flags = ("--no-database", "--anonymous-push")

    with running_server(home, *flags, "--repository-hooks") as trusting:
        refused = run_git(work, "push", trusting.remote("alice/hooked"), "main", check=False)
    with running_server(home, *flags) as wary:
        accepted = run_git(work, "push", wary.remote("alice/hooked"), "main", check=False)

    assert "[remote rejected] main -> main (hook declined)" in refused.stderr
    assert "remote: no thanks" in refused.stderr
    assert accepted.returncode == 0


PROC_RECEIVE = """\
#!{python}
import subprocess, sys

def read():
    lines = []
    while (size := int(sys.stdin.buffer.read(4), 16)) > 4:
        lines.append(sys.stdin.buffer.read(size - 4).decode().rstrip().split(chr(0))[0])
    return lines

def write(*lines):
    for line in lines:
        sys.stdout.write(f"{{len(line) + 5:04x}}{{line}}\\n")
    sys.stdout.write("0000")
    sys.stdout.flush()

read()
write("version=1")
(old, new, ref), = (line.split() for line in read())
for number in (1, 2):
    subprocess.run(["git", "update-ref", f"refs/changes/{{number}}", new], check=True)
write(*(line for number in (1, 2) for line in (
    f"ok {{ref}}", f"option refname refs/changes/{{number}}", f"option new-oid {{new}}")))
"""


def test_what_a_proc_receive_hook_moved_is_recorded(tmp_path: Path, work: Path) -> None:
    with running_server(tmp_path / "home", "--repository-hooks") as server:
        url = server.remote("alice/demo", token=make_account(server))
        run_git(work, "push", "--quiet", url, "main")
        gitdir = tmp_path / "home/repos/alice/demo.git"
        run_git(gitdir, "config", "receive.procReceiveRefs", "refs/for")
        hook = gitdir / "hooks/proc-receive"
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(PROC_RECEIVE.format(python=sys.executable))
        hook.chmod(0o755)

        run_git(work, "push", "--quiet", url, "main:refs/for/main")

        rows = json.loads(server.admin("activity", "list", "alice/demo", "--json"))
    moved = [(row["ref"], row["kind"]) for row in rows if row["ref"] != "refs/heads/main"]
    assert sorted(moved) == [("refs/changes/1", "created"), ("refs/changes/2", "created")]
