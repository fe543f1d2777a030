"""Every way a push moves refs, and what is written down of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.place import Place
from tests.support.repositories import all_refs, commit, git_bytes, listing, new_work, oid_of
from tests.support.server import run_git

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize("version", ["0", "1", "2"])
@pytest.mark.parametrize("object_format", ["sha1", "sha256"])
def test_first_push_creates_in_the_clients_object_format(
    alice: Place, tmp_path: Path, object_format: str, version: str
) -> None:
    name = f"new-{object_format}-{version}"
    work = new_work(tmp_path / "work", f"--object-format={object_format}")
    first = commit(work, "first")
    chosen = ("-c", f"protocol.version={version}")

    run_git(work, *chosen, "push", "--quiet", alice.url(name), "main")
    second = commit(work, "second")
    run_git(work, *chosen, "push", "--quiet", alice.url(name), "main")

    run_git(tmp_path, *chosen, "clone", "--quiet", alice.url(name), "copy")
    assert oid_of(tmp_path / "copy", "HEAD") == second
    nothing = "0" * len(first)
    assert {(row.before, row.after) for row in alice.pushes(name)} == {
        (nothing, first),
        (first, second),
    }
    assert alice.clones(name) == 1


def test_odd_ref_names_are_pushed_recorded_and_followed(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    odd = b"refs/heads/caf\xe9"
    names = [odd, "refs/heads/grüße".encode(), b"refs/tags/50%25", b"refs/heads/a/b/c"]
    head = oid_of(work, "HEAD").encode()
    for name in names:
        git_bytes(work, "update-ref", name, head)

    git_bytes(work, "push", "--quiet", alice.url("odd"), odd)
    git_bytes(work, "push", "--quiet", alice.url("odd"), *names)

    lines = git_bytes(alice.gitdir("odd"), "for-each-ref", "--format=%(refname)").splitlines()
    assert sorted(lines) == sorted(names)
    assert listing(alice.url("odd")).startswith(b"ref: %b\tHEAD\n" % odd)
    assert {row.ref for row in alice.pushes("odd")} == {
        "refs/heads/caf\\xe9",
        "refs/heads/grüße",
        "refs/tags/50%25",
        "refs/heads/a/b/c",
    }
    row = alice.row("odd")
    assert row is not None
    assert row.default_branch == "caf\\xe9"


def test_force_with_lease_sees_what_others_pushed(alice: Place, work: Path, tmp_path: Path) -> None:
    url = alice.url("leased")
    run_git(work, "push", "--quiet", url, "main")
    run_git(work, "remote", "add", "origin", url)
    run_git(work, "fetch", "--quiet", "origin")
    run_git(tmp_path, "clone", "--quiet", url, "other")
    commit(tmp_path / "other", "theirs")
    run_git(tmp_path / "other", "push", "--quiet", "origin", "main")
    run_git(work, "commit", "--quiet", "--amend", "-m", "rewritten")

    refused = run_git(work, "push", "--force-with-lease", "origin", "main", check=False)
    run_git(work, "fetch", "--quiet", "origin")
    run_git(work, "push", "--quiet", "--force-with-lease", "origin", "main")

    assert refused.returncode == 1
    assert "stale info" in refused.stderr
    assert len(alice.pushes("leased")) == 3
    assert oid_of(alice.gitdir("leased"), "main") == oid_of(work, "main")


def test_hundreds_of_refs_in_one_push(alice: Place, work: Path) -> None:
    head = oid_of(work, "HEAD")
    names = [f"refs/heads/topic/{number}" for number in range(400)]
    git_bytes(
        work, "update-ref", "--stdin", stdin="".join(f"create {n} {head}\n" for n in names).encode()
    )

    run_git(work, "push", "--quiet", "--all", alice.url("hundreds"))

    assert all_refs(alice.gitdir("hundreds")) == all_refs(work)
    assert {row.ref for row in alice.pushes("hundreds")} == {*names, "refs/heads/main"}


def test_mirror_push_moves_creates_and_deletes(alice: Place, work: Path) -> None:
    url = alice.url("mirrored")
    run_git(work, "branch", "old")
    run_git(work, "tag", "-a", "-m", "one", "v1")
    run_git(work, "push", "--quiet", "--mirror", url)
    run_git(work, "branch", "-D", "old")
    run_git(work, "branch", "new")
    run_git(work, "tag", "light")
    run_git(work, "update-ref", "refs/notes/commits", "HEAD")
    run_git(work, "commit", "--quiet", "--amend", "-m", "rewritten")

    run_git(work, "push", "--quiet", "--mirror", url)

    assert all_refs(alice.gitdir("mirrored")) == all_refs(work)
    assert len(alice.pushes("mirrored")) == 3 + 5


def test_tags_are_followed_moved_and_deleted(alice: Place, work: Path, tmp_path: Path) -> None:
    url = alice.url("tags")
    run_git(work, "tag", "-a", "-m", "one", "v1")
    run_git(work, "push", "--quiet", "--follow-tags", url, "main")
    run_git(tmp_path, "clone", "--quiet", url, "copy")
    commit(work, "second")
    run_git(work, "tag", "-a", "-m", "two", "v2")
    run_git(work, "tag", "-f", "-a", "-m", "moved", "v1")

    unforced = run_git(work, "push", url, "v1", check=False)
    run_git(work, "push", "--quiet", "--force", url, "main", "v1", "v2")
    run_git(tmp_path / "copy", "fetch", "--quiet")
    run_git(work, "push", "--quiet", url, ":v1")

    assert unforced.returncode == 1
    assert oid_of(tmp_path / "copy", "v2^{}") == oid_of(work, "HEAD")
    assert oid_of(tmp_path / "copy", "v1^{}") == oid_of(work, "HEAD~1")
    assert run_git(alice.gitdir("tags"), "tag").stdout == "v2\n"


def test_push_options_and_unsigned_pushes_are_taken(alice: Place, work: Path) -> None:
    url = alice.url("options")

    run_git(work, "push", "--quiet", "-o", "ci.skip", "-o", "topic=ä", url, "main")
    signed = run_git(work, "push", "--signed=if-asked", url, "main:signed", check=False)
    strictly = run_git(work, "push", "--signed", url, "main:strictly", check=False)

    assert signed.returncode == 0
    assert "does not support --signed" in strictly.stderr
    assert len(alice.pushes("options")) == 2


def test_nothing_new_is_pushed_and_fetched_without_a_trace(
    alice: Place, work: Path, tmp_path: Path
) -> None:
    url = alice.url("settled")
    run_git(work, "push", "--quiet", url, "main")
    run_git(tmp_path, "clone", "--quiet", url, "copy")

    run_git(work, "push", "--quiet", url, "main")
    run_git(tmp_path / "copy", "fetch", "--quiet", "origin")
    run_git(work, "ls-remote", url)

    assert len(alice.pushes("settled")) == 1
    assert alice.clones("settled") == 1


def test_partial_clone_is_counted_once(alice: Place, work: Path, tmp_path: Path) -> None:
    """Each checkout in it fetches blobs, by requests that look like clones."""
    url = alice.url("partial")
    commit(work, "second")
    run_git(work, "push", "--quiet", url, "main")

    run_git(tmp_path, "clone", "--quiet", "--filter=blob:none", url, "copy")
    run_git(tmp_path / "copy", "checkout", "--quiet", "HEAD~1")

    assert (tmp_path / "copy/file.txt").read_text() == "first"
    assert alice.clones("partial") == 1


@pytest.mark.parametrize("name", ["PACK", "packfile"])
def test_refs_that_are_called_as_a_pack_are_no_clone(alice: Place, work: Path, name: str) -> None:
    url = alice.url(f"named-{name}")
    run_git(work, "push", "--quiet", url, f"main:{name}")

    run_git(work, "ls-remote", url)

    assert alice.clones(f"named-{name}") == 0
