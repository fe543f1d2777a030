"""Syncs beside a server that is at work: what it pushed stays, and what it lost comes back."""

from __future__ import annotations

import json
import shutil
import threading
from pathlib import Path

from tests.support.place import Place
from tests.support.repositories import commit, oid_of
from tests.support.server import run_git
from wit_admin.git.repositories import own_config


def sync(place: Place) -> dict[str, int]:
    done: dict[str, int] = json.loads(place.server.admin("sync-repos", "--json"))["done"]
    return done


def test_repository_that_a_push_made_says_who_it_is(alice: Place, work: Path) -> None:
    run_git(work, "push", "--quiet", alice.url("made"), "main")
    rows = {row["name"]: row for row in json.loads(alice.server.admin("repo", "list", "--json"))}

    own = own_config.read_own(alice.gitdir("made"))

    assert own == {
        "id": rows["made"]["id"],
        "owner": "alice",
        "name": "made",
        "visibility": "private",
    }
    assert sync(alice).keys() <= {"refresh"}
    assert sync(alice) == {}


def test_pushes_go_on_while_syncs_run(alice: Place, work: Path) -> None:
    def push() -> None:
        for number in range(6):
            commit(work, str(number))
            for name in ("busy", f"new{number}"):
                run_git(work, "push", "--quiet", alice.url(name), "HEAD:refs/heads/main")

    thread = threading.Thread(target=push)
    thread.start()
    while thread.is_alive():
        alice.server.admin("sync-repos")
    thread.join()

    sync(alice)
    assert sync(alice) == {}
    assert len(alice.pushes("busy")) == 6
    for name in ("busy", *(f"new{number}" for number in range(6))):
        assert own_config.read_own(alice.gitdir(name))["name"] == name
    assert oid_of(alice.gitdir("busy"), "main") == oid_of(work, "HEAD")


def test_folder_that_was_moved_is_served_by_its_new_name_and_by_its_old(
    alice: Place, work: Path
) -> None:
    run_git(work, "push", "--quiet", alice.url("here"), "main")
    shutil.move(alice.gitdir("here"), alice.gitdir("there"))

    assert sync(alice)["move"] == 1

    for name in ("here", "there"):
        listed = run_git(work, "ls-remote", alice.url(name), "refs/heads/main").stdout
        assert listed.split()[0] == oid_of(work, "main")
