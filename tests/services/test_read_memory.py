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
from wit_admin.services.actors import Actor, Credentials
from wit_admin.services.known_public import open_known_public
from wit_admin.services.read_memory import Moment, ReadMemory, Shared
from wit_admin.services.targets import Served

NAME = RepoName("alice", "demo")
CREDENTIALS = Credentials("wit_a", "alice")


@pytest.fixture
def database(tmp_path: Path) -> Path:
    return make_numbers(tmp_path / "wit.db")


@pytest.fixture
def watched(database: Path) -> Iterator[ReadMemory]:
    changes = DataVersion(str(database))
    yield ReadMemory(changes)
    changes.close()


@pytest.fixture
def served(tmp_path: Path) -> Served:
    (tmp_path / "demo.git").mkdir()
    return Served(NAME, tmp_path / "demo.git")


def earlier(moment: Moment, seconds: float) -> Moment:
    return replace(moment, at=moment.at - seconds)


def test_it_is_remembered_while_the_database_has_not_changed(
    watched: ReadMemory, served: Served, database: Path
) -> None:
    asked = earlier(watched.moment(), 1)
    watched.remember(served, asked, CREDENTIALS)
    watched.remember_public(served, asked)
    before = watched.recall(NAME, CREDENTIALS), watched.recall(NAME, None)
    add_number(database)

    assert before == (served, served)
    assert watched.recall(NAME, CREDENTIALS) is None
    # Anybody may go on for the instant of one clone.
    wait_until(lambda: watched.recall(NAME, None) is None)
    assert watched.recall_public(NAME) == served


def test_a_change_after_the_question_began_is_not_overlooked(
    watched: ReadMemory, served: Served, database: Path
) -> None:
    asked = watched.moment()
    add_number(database)
    watched.remember_public(served, earlier(asked, 1))

    assert watched.recall(NAME, None) is None


@pytest.mark.parametrize(("age_s", "is_known"), [(0, True), (0.1, True), (1, False)])
def test_without_a_version_only_an_instant_counts(
    served: Served, age_s: float, *, is_known: bool
) -> None:
    public = ReadMemory(None)
    public.remember_public(served, earlier(public.moment(), age_s))

    assert (public.recall(NAME, None) is not None) is is_known


def test_what_was_long_ago_or_has_no_folder_is_asked_for_again(
    watched: ReadMemory, served: Served
) -> None:
    watched.remember_public(served, earlier(watched.moment(), 10))
    old = watched.recall(NAME, None)
    watched.remember_public(served, earlier(watched.moment(), 1))
    served.gitdir.rmdir()

    assert old is None
    assert watched.recall(NAME, None) is None


def test_what_became_private_is_forgotten(watched: ReadMemory, served: Served) -> None:
    watched.remember_public(served, watched.moment())
    watched.forget_public(NAME)

    assert watched.recall(NAME, None) is None
    assert watched.recall_public(NAME) is None


def test_credentials_are_remembered_with_their_owner_and_only_where_changes_are_seen(
    watched: ReadMemory, served: Served, database: Path
) -> None:
    actor = Actor(uuid.uuid4(), "alice")
    mine, other = Credentials("wit_a", "alice"), Credentials("wit_b", "alice")
    blind = ReadMemory(None)
    blind.remember(served, blind.moment(), mine)
    watched.remember(replace(served, actor=actor), watched.moment(), mine)

    found = watched.recall(NAME, mine)
    add_number(database)

    assert found is not None
    assert found.actor == actor
    assert blind.recall(NAME, mine) is None
    assert watched.recall(NAME, other) is None
    assert watched.recall(NAME, None) is None
    assert watched.recall_public(NAME) is None
    assert watched.recall(NAME, mine) is None


def test_one_part_of_credentials_does_not_run_into_the_next(
    watched: ReadMemory, served: Served
) -> None:
    watched.remember(served, watched.moment(), Credentials("b", "a\0"))

    assert watched.recall(NAME, Credentials("\0b", "a")) is None


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
    watched: ReadMemory, served: Served, own: str, *, is_given: bool
) -> None:
    known = replace(served, repo_id=uuid.uuid4())
    watched.remember_public(known, earlier(watched.moment(), 3600))
    text = own.format(id=known.repo_id, other=uuid.uuid4())
    (served.gitdir / "config").write_text(text, encoding="ascii")

    assert (watched.recall_public(NAME) is not None) is is_given


def test_without_a_database_what_has_no_folder_is_not_given(
    watched: ReadMemory, served: Served
) -> None:
    watched.remember_public(served, watched.moment())
    served.gitdir.rmdir()

    assert watched.recall_public(NAME) is None


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
        one, other = (ReadMemory(None, Shared(known, tmp_path)) for known in (mine, theirs))
        unknown = other.recall_public(NAME)
        one.remember_public(Served(NAME, gitdir, repo_id), one.moment())
        known = other.recall_public(NAME)
        other.forget_public(NAME)
        forgotten = ReadMemory(None, Shared(mine, tmp_path)).recall_public(NAME)

    assert (known is not None) is is_given
    assert known is None or known.repo_id == repo_id
    assert (unknown, forgotten) == (None, None)
