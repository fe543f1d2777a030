"""Repositories by name and in lists, renamed and hidden; what happened in them."""

from __future__ import annotations

import uuid
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import (
    LATER,
    NOW,
    make_demo,
    make_repository,
    make_user,
)
from wit_admin.db.models.repositories import Star, Visibility, Watch
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries import (
    activities,
    organizations,
    repositories,
    repository_lists,
    serving,
    stars,
)
from wit_admin.db.queries.activities import ActivityFilter
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.db.queries.repository_lists import RepositoryFilter, RepositorySort
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.names import RepoName

DEMO = RepoName("alice", "demo")


FILTERED = [
    (RepositoryFilter(), ["acme/tools", "alice/demo", "alice/old", "alice/Tools"]),
    (RepositoryFilter(owner="ALICE"), ["alice/demo", "alice/old", "alice/Tools"]),
    (RepositoryFilter(owner="acme"), ["acme/tools"]),
    (RepositoryFilter(visibility=Visibility.PRIVATE), ["alice/Tools"]),
    (RepositoryFilter(text="tool"), ["acme/tools", "alice/Tools"]),
    (RepositoryFilter(text="FIRST"), ["alice/demo"]),
    (RepositoryFilter(text="0%"), ["alice/Tools"]),
    (RepositoryFilter(is_fork=True), ["acme/tools"]),
    (RepositoryFilter(is_archived=True), ["alice/old"]),
    (RepositoryFilter(is_archived=False, is_fork=False), ["alice/demo", "alice/Tools"]),
]


@pytest.fixture
def alice(sessions: sessionmaker[Session]) -> uuid.UUID:
    """Owner of three repositories; ``acme/tools`` is an organization's fork of one."""
    with sessions.begin() as session:
        alice = make_user(session)
        demo = make_repository(
            session, alice, "demo", visibility=Visibility.PUBLIC, description="A first try"
        )
        make_repository(session, alice, "Tools", description="100% useful")
        old = make_repository(session, alice, "old", visibility=Visibility.PUBLIC, pushed_at=NOW)
        repositories.update_repository(session, old, archived_at=NOW, now=LATER, size_bytes=7)
        acme = organizations.create_organization(session, "acme", owner_id=alice, now=NOW)
        make_repository(
            session, acme.id, "tools", forked_from_id=demo, visibility=Visibility.PUBLIC
        )
        gone = make_repository(session, alice, "gone")
        repositories.delete_repository(session, gone, trash_path="trash/gone.git", now=NOW)
        stars.add_mark(session, Star, demo, alice, now=NOW)
    return alice


def test_a_list_is_what_the_filter_asks_for(
    sessions: sessionmaker[Session], alice: uuid.UUID
) -> None:
    found = []
    with sessions() as session:
        for wanted, _ in FILTERED:
            page = repository_lists.search_repositories(session, wanted)
            found.append((wanted, [f"{row.owner}/{row.name}" for row in page.items]))

    assert found == FILTERED


@pytest.mark.parametrize("sort", list(RepositorySort))
def test_a_list_in_any_order_is_whole_in_pages(
    sessions: sessionmaker[Session], alice: uuid.UUID, sort: RepositorySort
) -> None:
    with sessions() as session:
        names, cursor = [], None
        for _ in range(4):
            page = repository_lists.search_repositories(
                session, sort=sort, at=PageRequest(1, cursor)
            )
            names += [row.name for row in page.items]
            cursor = page.next_cursor

    firsts = {"NAME": "tools", "STARS": "demo"}
    assert names[0] == firsts.get(sort.name, "old")
    assert (sorted(names), cursor) == (["Tools", "demo", "old", "tools"], None)


def test_a_repository_is_found_by_its_name_in_any_case(
    sessions: sessionmaker[Session], alice: uuid.UUID
) -> None:
    with sessions() as session:
        found = repositories.find_repository_by_name(session, RepoName("ALICE", "TOOLS"))
        assert found is not None
        assert repositories.find_place(session, alice, "tools") == (found.id, found.disk_path)
        assert repositories.find_repository_id(session, RepoName("alice", "gone")) is None
        assert repositories.find_repository_by_name(session, RepoName("bob", "tools")) is None


def test_a_name_and_a_path_are_taken_once(
    sessions: sessionmaker[Session], alice: uuid.UUID
) -> None:
    with sessions.begin() as session:
        place = repositories.find_place(session, alice, "demo")
        assert place is not None
        _, taken = place
        for name, path in (("DEMO", "new.git"), ("new", taken)):
            new = NewRepository(owner_id=alice, name=name, disk_path=path)
            with pytest.raises(ConflictError):
                repositories.create_repository(session, new, now=NOW)
        again = make_repository(session, alice, "gone")

    assert again is not None


def test_an_owner_who_is_gone_gets_no_repository(sessions: sessionmaker[Session]) -> None:
    with pytest.raises(NotFoundError), sessions.begin() as session:
        make_repository(session, uuid.uuid4())


def test_an_old_name_leads_to_the_repository_until_it_is_taken(
    sessions: sessionmaker[Session],
) -> None:
    with sessions.begin() as session:
        alice, repo_id = make_demo(session)
        repositories.rename_repository(session, repo_id, "better", now=LATER)
        by_old_name = serving.find_served(session, DEMO, None)
        taken = make_repository(session, alice, "demo")
        by_taken_name = serving.find_served(session, DEMO, None)
        with pytest.raises(ConflictError):
            repositories.rename_repository(session, repo_id, "DEMO", now=LATER)

    assert by_old_name is not None
    assert by_taken_name is not None
    assert (by_old_name.repo_id, by_taken_name.repo_id) == (repo_id, taken)


def test_a_repository_can_be_renamed_there_and_back(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        _, repo_id = make_demo(session)
        for name in ("better", "demo", "Demo", "better", "demo"):
            renamed = repositories.rename_repository(session, repo_id, name, now=LATER)
        served = serving.find_served(session, RepoName("alice", "better"), None)

    assert (renamed.name, renamed.updated_at) == ("demo", LATER)
    assert served is not None
    assert served.repo_id == repo_id


def test_feeds_are_filtered_and_paged_newest_first(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as session:
        alice, private = make_demo(session)
        bob = make_user(session, "bob")
        public = make_repository(session, bob, "open", visibility=Visibility.PUBLIC)
        stars.add_mark(session, Watch, public, alice, now=NOW)
        happened = [
            ("push", alice, private),
            ("clone", None, public),
            ("push", bob, public),
            ("follow", bob, None),
        ]
        activities.insert_activities(
            session,
            [
                {
                    "type": kind,
                    "actor_id": actor,
                    "repo_id": repo_id,
                    "created_at": NOW + timedelta(minutes=minutes),
                }
                for minutes, (kind, actor, repo_id) in enumerate(happened)
            ],
        )

    def kinds(wanted: ActivityFilter | None = None) -> list[str]:
        with sessions() as session:
            return [row.type for row in activities.list_feed(session, wanted).items]

    assert kinds() == ["follow", "push", "clone", "push"]
    assert kinds(ActivityFilter(repository=DEMO)) == ["push"]
    assert kinds(ActivityFilter(actor="BOB")) == ["follow", "push"]
    assert kinds(ActivityFilter(types=("clone", "follow"))) == ["follow", "clone"]
    assert kinds(ActivityFilter(watched_by=alice)) == ["push", "clone"]
    assert kinds(ActivityFilter(is_public=True)) == ["follow", "push", "clone"]
    with sessions() as session:
        first = activities.list_feed(session, at=PageRequest(3))
        last = activities.list_feed(session, at=PageRequest(3, first.next_cursor))
    assert [(row.actor, row.repository) for row in (*first.items, *last.items)] == [
        ("bob", None),
        ("bob", "bob/open"),
        (None, "bob/open"),
        ("alice", "alice/demo"),
    ]
