"""Who may read what is remembered only while it is certain; what anybody may, for an instant."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.numbers import add_number, make_numbers
from tests.support.processes import wait_until
from wit_admin.db.data_version import DataVersion
from wit_admin.names import RepoName
from wit_admin.services.access.actors import Actor, Credentials
from wit_admin.services.access.known_public import open_known_public
from wit_admin.services.access.read_cache import Moment, ReadCache, SharedReads
from wit_admin.services.access.targets import Served

NAME = RepoName("alice", "demo")
CREDENTIALS = Credentials("wit_a", "alice")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_numbers(tmp_path / "wit.db")


@pytest.fixture
def watched(database: Path) -> Iterator[ReadCache]:
    changes = DataVersion(str(database))
    yield ReadCache(changes)
    changes.close()


@pytest.fixture
def served(tmp_path: Path) -> Served:
    (tmp_path / "demo.git").mkdir()
    return Served(NAME, tmp_path / "demo.git")


def earlier(moment: Moment, seconds: float) -> Moment:
    return replace(moment, at=moment.at - seconds)


def test_it_is_remembered_while_the_database_has_not_changed(
    watched: ReadCache, served: Served, database: Path
) -> None:
    asked = earlier(watched.moment(), 1)
    watched.add(served, asked, CREDENTIALS)
    watched.add_public(served, asked)
    before = watched.find(NAME, CREDENTIALS), watched.find(NAME, None)
    add_number(database)

    assert before == (served, served)
    assert watched.find(NAME, CREDENTIALS) is None
    # Anybody may go on for the instant of one clone.
    wait_until(lambda: watched.find(NAME, None) is None)
    assert watched.find_public(NAME) == served


def test_a_change_after_the_question_began_is_not_overlooked(
    watched: ReadCache, served: Served, database: Path
) -> None:
    asked = watched.moment()
    add_number(database)
    watched.add_public(served, earlier(asked, 1))

    assert watched.find(NAME, None) is None


@pytest.mark.parametrize(("age_s", "is_known"), [(0, True), (0.1, True), (1, False)])
def test_without_a_version_only_an_instant_counts(
    served: Served, age_s: float, *, is_known: bool
) -> None:
    public = ReadCache(None)
    public.add_public(served, earlier(public.moment(), age_s))

    assert (public.find(NAME, None) is not None) is is_known


def test_what_was_long_ago_or_has_no_folder_is_asked_for_again(
    watched: ReadCache, served: Served
) -> None:
    watched.add_public(served, earlier(watched.moment(), 10))
    old = watched.find(NAME, None)
    watched.add_public(served, earlier(watched.moment(), 1))
    served.gitdir.rmdir()

    assert old is None
    assert watched.find(NAME, None) is None


def test_what_became_private_is_forgotten(watched: ReadCache, served: Served) -> None:
    watched.add_public(served, watched.moment())
    watched.discard_public(NAME)

    assert watched.find(NAME, None) is None
    assert watched.find_public(NAME) is None


def test_credentials_are_remembered_with_their_owner_and_only_where_changes_are_seen(
    watched: ReadCache, served: Served, database: Path
) -> None:
    actor = Actor(uuid.uuid4(), "alice")
    mine, other = Credentials("wit_a", "alice"), Credentials("wit_b", "alice")
    blind = ReadCache(None)
    blind.add(served, blind.moment(), mine)
    watched.add(replace(served, actor=actor), watched.moment(), mine)

    found = watched.find(NAME, mine)
    add_number(database)

    assert found is not None
    assert found.actor == actor
    assert blind.find(NAME, mine) is None
    assert watched.find(NAME, other) is None
    assert watched.find(NAME, None) is None
    assert watched.find_public(NAME) is None
    assert watched.find(NAME, mine) is None


def test_one_part_of_credentials_does_not_run_into_the_next(
    watched: ReadCache, served: Served
) -> None:
    watched.add(served, watched.moment(), Credentials("b", "a\0"))

    assert watched.find(NAME, Credentials("\0b", "a")) is None


@pytest.mark.parametrize(
    ("own", "is_given"),
    [
        ("", True),
        ("[wit]\n\tid = {id}\n\tvisibility = public\n", True),
        ("[wit]\n\tid = {id}\n\tvisibility = private\n", False),
        ("[wit]\n\tid = {other}\n\tvisibility = public\n", False),
    ],
)
def test_without_a_database_only_what_is_public_still_by_its_own_word_is_given(
    watched: ReadCache, served: Served, own: str, *, is_given: bool
) -> None:
    known = replace(served, repo_id=uuid.uuid4())
    watched.add_public(known, earlier(watched.moment(), 3600))
    text = own.format(id=known.repo_id, other=uuid.uuid4())
    (served.gitdir / "config").write_text(text, encoding="ascii")

    assert (watched.find_public(NAME) is not None) is is_given


def test_without_a_database_what_has_no_folder_is_not_given(
    watched: ReadCache, served: Served
) -> None:
    watched.add_public(served, watched.moment())
    served.gitdir.rmdir()

    assert watched.find_public(NAME) is None


@pytest.mark.parametrize(
    ("own", "is_given"),
    [
        ("id = {id}\n\towner = alice\n\tname = demo\n\tvisibility = public\n", True),
        ("id = {id}\n\towner = alice\n\tname = demo\n\tvisibility = private\n", False),
        ("id = {id}\n\towner = alice\n\tname = other\n\tvisibility = public\n", False),
        ("id = {other}\n\towner = alice\n\tname = demo\n\tvisibility = public\n", False),
        ("id = {id}\n\towner = alice\n\tname = demo\n", False),
    ],
)
def test_what_another_process_served_is_given_if_its_own_word_says_all(
    tmp_path: Path, own: str, *, is_given: bool
) -> None:
    gitdir, repo_id = tmp_path / "alice/demo.git", uuid.uuid4()
    for name in ("objects", "refs"):
        (gitdir / name).mkdir(parents=True)
    (gitdir / "HEAD").write_text("ref: refs/heads/main\n")
    text = "[wit]\n\t" + own.format(id=repo_id, other=uuid.uuid4())
    (gitdir / "config").write_text(text, encoding="ascii")
    file = tmp_path / "run/known-public"

    with open_known_public(file) as mine, open_known_public(file) as theirs:
        one, other = (ReadCache(None, SharedReads(known, tmp_path)) for known in (mine, theirs))
        unknown = other.find_public(NAME)
        one.add_public(Served(NAME, gitdir, repo_id), one.moment())
        known = other.find_public(NAME)
        other.discard_public(NAME)
        forgotten = ReadCache(None, SharedReads(mine, tmp_path)).find_public(NAME)

    assert (known is not None) is is_given
    assert known is None or known.repo_id == repo_id
    assert (unknown, forgotten) == (None, None)
