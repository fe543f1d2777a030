"""Protected refs: each is refused by itself, with its reason, and nothing else is held up."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import KINDS
from tests.support.databases import PostgresDatabases, SqliteDatabases
from tests.support.kernel import unreaped_children_of
from tests.support.processes import processes_with, wait_until
from tests.support.protected import Protected, new_history, open_protected, rewrite
from tests.support.repositories import all_refs, commit, oid_of
from tests.support.server import run_git
from wit_admin.db.models.organizations import Permission
from wit_admin.services.access.actors import Scope
from wit_admin.services.accounts.tokens import TokenOrder, create_token

pytestmark = pytest.mark.e2e


@pytest.fixture(scope="module", params=KINDS)
def forge(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Protected]:
    databases: SqliteDatabases | PostgresDatabases = request.getfixturevalue(f"_{request.param}")
    with open_protected(databases, tmp_path_factory.mktemp("protection") / "home") as opened:
        yield opened


@pytest.fixture(scope="module")
def hasty(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Protected]:
    """One that gives up soon on a check."""
    databases: SqliteDatabases = request.getfixturevalue("_sqlite")
    home = tmp_path_factory.mktemp("hasty") / "home"
    with open_protected(databases, home, check_timeout_s=1) as opened:
        yield opened


@pytest.fixture
def work(tmp_path: Path) -> Path:
    return new_history(tmp_path / "work")


def test_forced_push_to_a_protected_branch_is_refused_and_the_others_go_through(
    forge: Protected, work: Path
) -> None:
    forge.begin("forced", work, "main", "main:side")
    forge.protect("forced", "main")
    old = oid_of(work, "main")
    rewrite(work)

    done = forge.push(work, "forced", "+main", "+main:side", "main:fresh")

    assert done.returncode == 1
    assert "! [remote rejected] main -> main (protected: no forced pushes)" in done.stderr
    assert "main -> side (forced update)" in done.stderr
    assert "[new branch]      main -> fresh" in done.stderr
    assert oid_of(forge.gitdir("forced"), "main") == old
    assert oid_of(forge.gitdir("forced"), "side") == oid_of(work, "main")
    assert {row.ref for row in forge.pushes("forced")[2:]} == {
        "refs/heads/side",
        "refs/heads/fresh",
    }


def test_atomic_push_is_refused_as_a_whole(forge: Protected, work: Path) -> None:
    forge.begin("atomic", work)
    forge.protect("atomic", "main")
    forge.protect("atomic", "refs/tags/v*", permission=Permission.ADMIN)
    before = all_refs(forge.gitdir("atomic"))
    rewrite(work)

    by_force = forge.push(work, "atomic", "--atomic", "+main", "main:fresh")
    by_name = forge.push(work, "atomic", "--atomic", "main:fresh", "main:refs/tags/v1", user="bob")

    assert "main -> main (protected: no forced pushes)" in by_force.stderr
    assert "main -> fresh (atomic push failure)" in by_force.stderr
    assert "main -> v1 (protected: admin permission is needed)" in by_name.stderr
    assert "main -> fresh (atomic push failure)" in by_name.stderr
    assert all_refs(forge.gitdir("atomic")) == before
    assert len(forge.pushes("atomic")) == 1


def test_fast_forward_is_welcome(forge: Protected, work: Path) -> None:
    forge.begin("forward", work)
    forge.protect("forward", "main")
    small = commit(work, "third")
    by_one = forge.push(work, "forward", "main", user="bob")
    commit(work, "fourth")
    by_two = forge.push(work, "forward", "main", "main:fresh", user="bob")

    assert (by_one.returncode, by_two.returncode) == (0, 0)
    assert oid_of(forge.gitdir("forward"), "main~1") == small


def test_deletion_is_refused(forge: Protected, work: Path) -> None:
    forge.begin("deleted", work, "main", "main:release/1", "main:release/2")
    forge.protect("deleted", "release/*")
    alone = forge.push(work, "deleted", ":release/1")
    beside = forge.push(work, "deleted", ":release/1", ":release/2", "main:fresh")
    forge.protect("deleted", "release/*", allow_delete=True)
    allowed = forge.push(work, "deleted", ":release/1")

    assert "[remote rejected] release/1 (protected: it may not be deleted)" in alone.stderr
    assert "[remote rejected] release/2 (protected: it may not be deleted)" in beside.stderr
    assert "[new branch]      main -> fresh" in beside.stderr
    assert allowed.returncode == 0


def test_who_is_not_named_may_not_push(forge: Protected, work: Path) -> None:
    forge.begin("named", work)
    forge.protect("named", "main", pushers=["alice"])
    commit(work, "third")

    theirs = forge.push(work, "named", "main", "main:bob/topic", user="bob")
    own = forge.push(work, "named", "main")

    reason = "(protected: you are not among those who may push to it)"
    assert f"[remote rejected] main -> main {reason}" in theirs.stderr
    assert "[new branch]      main -> bob/topic" in theirs.stderr
    assert own.returncode == 0
    kinds = [(row.ref, row.actor) for row in forge.pushes("named")[1:]]
    assert kinds == [("refs/heads/bob/topic", "bob"), ("refs/heads/main", "alice")]


def test_tag_is_not_moved(forge: Protected, work: Path) -> None:
    forge.begin("tags", work, "main", "main~1:refs/tags/v1")
    forge.protect("tags", "refs/tags/v*")

    done = forge.push(work, "tags", "+main:refs/tags/v1", "main:refs/tags/v2")

    assert "main -> v1 (protected: a tag may not be moved)" in done.stderr
    assert "[new tag]         main -> v2" in done.stderr


def test_ref_that_another_leads_to_is_protected_too(forge: Protected, work: Path) -> None:
    forge.begin("alias", work)
    forge.protect("alias", "main")
    run_git(forge.gitdir("alias"), "symbolic-ref", "refs/heads/master", "refs/heads/main")
    rewrite(work)

    done = forge.push(work, "alias", "+main:master")

    assert "main -> master (protected: no forced pushes)" in done.stderr


def test_large_file_is_refused_wherever_it_comes_from(forge: Protected, work: Path) -> None:
    forge.begin("large", work)
    forge.protect("large", "main", max_blob_bytes=1000)
    forge.protect("large", "refs/tags/v*", max_blob_bytes=1000)
    commit(work, "x" * 1000, "exact.txt")
    fits = forge.push(work, "large", "main")
    commit(work, "x" * 1001, "big.txt")
    run_git(work, "rm", "--quiet", "big.txt")
    run_git(work, "commit", "--quiet", "-m", "gone again")

    straight = forge.push(work, "large", "main")
    elsewhere = forge.push(work, "large", "main:topic")
    round_about = forge.push(work, "large", "main", "main:refs/tags/v1")
    mixed = forge.push(work, "large", "main~2:refs/tags/v3", "main:refs/tags/v4")
    blob = run_git(work, "rev-parse", "HEAD~1:big.txt").stdout.strip()
    bare = forge.push(work, "large", f"{blob}:refs/tags/v2")

    reason = "(protected: big.txt is larger than 1000 bytes)"
    assert (fits.returncode, elsewhere.returncode) == (0, 0)
    assert f"main -> main {reason}" in straight.stderr
    assert f"main -> main {reason}" in round_about.stderr
    assert f"main -> v1 {reason}" in round_about.stderr
    assert "[new tag]         main~2 -> v3" in mixed.stderr
    assert f"main -> v4 {reason}" in mixed.stderr
    assert "(protected: a file is larger than 1000 bytes)" in bare.stderr


def test_check_sees_new_objects_before_they_are_accepted(forge: Protected, work: Path) -> None:
    forge.install(
        "no-wip",
        'git cat-file -e "$3" || exit 1\n'
        'echo "looking at $1 for $REMOTE_USER in $WIT_REPOSITORY, $GIT_PUSH_OPTION_0"\n'
        'subject=$(git log -1 --format=%s "$3")\n'
        'case $subject in wip*) echo "no work in progress" >&2; exit 1;; esac',
    )
    forge.begin("checked", work)
    forge.protect("checked", "main", check="no-wip")
    commit(work, "wip: half")
    half = oid_of(work, "main")

    refused = forge.push(work, "checked", "-o", "please", "main", user="bob")
    is_kept = run_git(forge.gitdir("checked"), "cat-file", "-e", half, check=False).returncode == 0
    beside = forge.push(work, "checked", "main", "main:topic")
    run_git(work, "commit", "--quiet", "--amend", "-m", "whole")
    accepted = forge.push(work, "checked", "main")

    assert "remote: looking at refs/heads/main for bob in alice/checked, please" in refused.stderr
    assert "remote: no work in progress" in refused.stderr
    assert "main -> main (the check no-wip refuses it)" in refused.stderr
    assert not is_kept
    assert "[new branch]      main -> topic" in beside.stderr
    assert accepted.returncode == 0


@pytest.mark.parametrize(
    ("name", "script", "reason"),
    [
        ("killed", "kill -9 $$", "was ended"),
        ("painting", r"printf '\033[31mred\033]0;title\007\n'; exit 1", "refuses it"),
        ("endless-line", "head -c 10000000 /dev/zero | tr '\\0' 'x'; exit 1", "refuses it"),
        ("forking", "(trap '' TERM; sleep 600) & exit 1", "refuses it"),
    ],
)
def test_hostile_check_refuses_and_leaves_nothing(
    forge: Protected, work: Path, name: str, script: str, reason: str
) -> None:
    assert_refuses_and_leaves_nothing(forge, work, name, script, reason)


@pytest.mark.parametrize(
    ("name", "script"), [("hanging", "sleep 600 & sleep 600"), ("endless", "yes")]
)
def test_check_that_does_not_end_refuses_and_leaves_nothing(
    hasty: Protected, work: Path, name: str, script: str
) -> None:
    assert_refuses_and_leaves_nothing(hasty, work, name, script, "took too long")


def assert_refuses_and_leaves_nothing(
    forge: Protected, work: Path, name: str, script: str, reason: str
) -> None:
    forge.install("hostile", script)
    forge.begin(name, work)
    forge.protect(name, "main", check="hostile")
    commit(work, "third")

    done = forge.push(work, name, "main")

    assert f"main -> main (the check hostile {reason})" in done.stderr
    assert "\033" not in done.stderr.replace("\033[K", "")
    assert len(done.stderr) < 10_000
    wait_until(lambda: not unreaped_children_of(forge.server.process.pid))
    wait_until(lambda: not processes_with(f"GIT_DIR={forge.gitdir(name)}"))


def test_check_that_is_missing_refuses(forge: Protected, work: Path) -> None:
    forge.begin("missing", work)
    forge.protect("missing", "main", check="nowhere")
    commit(work, "third")

    done = forge.push(work, "missing", "main")

    assert "main -> main (the check nowhere cannot be run)" in done.stderr


def test_token_is_held_to_its_refs(forge: Protected, work: Path) -> None:
    forge.begin("token", work)
    order = TokenOrder("bot", [Scope.REPO_WRITE], ref="bot/**")
    forge.tokens["bot"] = create_token(forge.sessions, "bob", order=order).token
    commit(work, "third")

    done = forge.push(work, "token", "main", "main:bot/a/b", user="bot")

    assert "main -> main (the token may change refs/heads/bot/** only)" in done.stderr
    assert "[new branch]      main -> bot/a/b" in done.stderr
    assert [row.ref for row in forge.pushes("token")[1:]] == ["refs/heads/bot/a/b"]


def test_token_for_some_refs_creates_repositories_by_these_alone(
    forge: Protected, work: Path
) -> None:
    order = TokenOrder("bot", [Scope.REPO_WRITE], ref="bot/**")
    forge.tokens["own-bot"] = create_token(forge.sessions, "alice", order=order).token

    refused = forge.push(work, "born", "main", user="own-bot")
    was_made = forge.gitdir("born").exists()
    partly = forge.push(work, "born", "main", "main:bot/x", user="own-bot")

    assert "main -> main (the token may change refs/heads/bot/** only)" in refused.stderr
    assert not was_made
    assert "[new branch]      main -> bot/x" in partly.stderr
    assert all_refs(forge.gitdir("born")).split()[1::2] == ["refs/heads/bot/x"]
