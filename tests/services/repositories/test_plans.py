"""Plans of the commands that take repositories away: shown first, done twice without harm."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.support.builders import run_at_once
from tests.support.sites import DEMO, Site
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.git.repositories import storage
from wit_admin.names import RepoName
from wit_admin.services.audit import trail
from wit_admin.services.repositories import trash

BOBS = RepoName("bob", "demo")


def actions_of(site: Site) -> list[str]:
    """Return what the audit trail says was done, latest first."""
    return [entry.action for entry in trail.list_events(site.sessions, AuditFilter(), limit=100)]


def test_plan_of_a_deletion_does_nothing(site: Site) -> None:
    repo_id = site.create()

    plan = site.plans().deletion([DEMO, DEMO]).build()

    assert plan.count() == {"delete": 1}
    assert plan.is_destructive
    assert site.leads_to(DEMO) == repo_id


def test_deletion_that_is_run_again_has_nothing_to_do(site: Site) -> None:
    site.create()
    site.create(BOBS)
    task = site.plans().deletion([DEMO, BOBS])
    trash.delete_repository(site.sessions, site.root, DEMO)

    applied = task.apply(task.build())

    assert applied.done == {"delete": 1}
    assert [remark.sentence for remark in applied.remarks] == ["It is in the trash already."]
    assert task.build().actions == ()
    site.assert_whole()


def test_deletion_touches_nothing_when_one_name_is_wrong(site: Site) -> None:
    site.create()

    with pytest.raises(NotFoundError, match="bob/demo"):
        site.plans().deletion([DEMO, BOBS]).build()


def test_stale_plan_does_not_delete_who_took_the_name(site: Site) -> None:
    site.create()
    task = site.plans().deletion([DEMO])
    plan = task.build()
    trash.delete_repository(site.sessions, site.root, DEMO)
    newer = site.create()

    task.apply(plan)

    assert site.leads_to(DEMO) == newer
    assert actions_of(site).count("repository.delete") == 1


def test_two_deletions_at_once_end_as_one(site: Site) -> None:
    site.create()
    task = site.plans().deletion([DEMO])
    plan = task.build()

    failures = run_at_once([lambda: task.apply(plan)] * 4)

    assert failures == [None] * 4
    assert actions_of(site).count("repository.delete") == 1
    site.assert_whole()


def test_transfer_that_is_run_again_has_nothing_to_do(site: Site) -> None:
    repo_id = site.create()
    task = site.plans().transfer(DEMO, "Bob")

    task.apply(task.build())
    again = task.build()

    assert again.actions == ()
    assert again.remarks[0].sentence == "It is bob/demo already."
    assert site.leads_to(BOBS) == repo_id
    assert actions_of(site)[0] == "repository.transfer"
    site.assert_whole()


def test_transfer_to_who_has_one_of_that_name_has_no_plan(site: Site) -> None:
    site.create()
    site.create(BOBS)

    with pytest.raises(ConflictError, match="already"):
        site.plans().transfer(DEMO, "bob").build()


def test_rename_that_is_run_again_has_nothing_to_do(site: Site) -> None:
    site.create()
    first = site.rename(DEMO, "tools")

    second = site.rename(DEMO, "tools")

    assert (first.is_changed, second.is_changed) == (True, False)
    assert actions_of(site).count("repository.rename") == 1


def test_emptying_spares_what_came_back_meanwhile(site: Site) -> None:
    repo_id = site.create()
    trash.delete_repository(site.sessions, site.root, DEMO)
    task = site.plans().emptying()
    plan = task.build()
    trash.restore_repository(site.sessions, site.root, DEMO)

    task.apply(plan)
    trash.delete_repository(site.sessions, site.root, DEMO)
    task.apply(plan)
    trash.restore_repository(site.sessions, site.root, DEMO)

    assert site.leads_to(DEMO) == repo_id
    site.assert_whole()


def test_emptying_takes_only_what_it_names(site: Site) -> None:
    tools = RepoName("alice", "tools")
    for name in (DEMO, tools, DEMO):
        site.create(name)
        trash.delete_repository(site.sessions, site.root, name)

    # What is not old enough is in the trash all the same.
    old = site.plans().emptying(names=[DEMO], older_than=timedelta(days=1))
    assert old.build().actions == ()
    task = site.plans().emptying(names=[RepoName("Alice", "Demo")])
    applied = task.apply(task.build())

    assert applied.done == {"purge": 2}
    assert [row.name for row in trash.list_trash(site.sessions)] == ["tools"]
    with pytest.raises(NotFoundError, match="no repository Alice/Demo"):
        task.build()
    site.assert_whole()


def test_emptying_takes_what_a_killed_one_left(site: Site) -> None:
    site.create()
    trash.delete_repository(site.sessions, site.root, DEMO)
    remains = site.root / trash.TRASH / ".gone-x"
    (remains / "objects").mkdir(parents=True)
    task = site.plans().emptying()

    applied = task.apply(task.build())

    assert applied.done == {"purge": 1, "sweep": 1}
    assert list((site.root / trash.TRASH).iterdir()) == []


def test_what_a_purge_had_only_renamed_still_comes_back(site: Site) -> None:
    repo_id = site.create()
    trash.delete_repository(site.sessions, site.root, DEMO)
    folder = site.root / trash.TRASH
    storage.move(folder / str(repo_id), folder / f".gone-{repo_id}")

    assert site.plans().emptying().build().count() == {"purge": 1}
    trash.restore_repository(site.sessions, site.root, DEMO)

    site.assert_whole()
