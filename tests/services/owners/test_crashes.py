"""Commands on owners killed ahead of each of their steps: a rerun ends what they began.

And each by several at once. Afterwards all that they own says whose it is.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlalchemy.orm import Session, sessionmaker

from tests.support.builders import apply_task, run_at_once
from tests.support.killing import killed_at
from tests.support.own_words import assert_told
from tests.support.owner_site import OwnerSite
from wit_admin.db.base import new_id, utc_now
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.queries import adoption
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError, NotFoundError, RefusedError
from wit_admin.names import RepoName
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.accounts.merge import AccountMerge
from wit_admin.services.audit import trail
from wit_admin.services.audit.check import verify_trail
from wit_admin.services.organizations import organizations
from wit_admin.services.owners.removal import OwnerRemoval
from wit_admin.services.owners.renaming import OwnerRenaming
from wit_admin.services.owners.repositories import Fate
from wit_admin.services.repositories import trash

MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class Command:
    """One command on an owner, who has a live repository and one in the trash."""

    run: Callable[[OwnerSite, str], object]
    make: Callable[[OwnerSite, str], object]
    action: str
    live: str
    """Where the live one is afterwards, with the owner's name in braces; empty if nowhere."""
    trashed: str
    """Whose the other one is."""


def rename(kind: OwnerType, site: OwnerSite, name: str) -> None:
    renaming = OwnerRenaming(site.sessions, site.root, kind, name, f"{name}-new")
    apply_task(renaming.task(site.run_dir))


def merge(site: OwnerSite, name: str) -> None:
    apply_task(AccountMerge(site.sessions, site.root, name, "heir").task(site.run_dir))


def remove(kind: OwnerType, fate: Fate, site: OwnerSite, name: str) -> None:
    removal = OwnerRemoval(site.sessions, site.root, name, kind, fate)
    apply_task(removal.task(site.run_dir))


def claim(site: OwnerSite, name: str) -> None:
    organizations.claim_organization(site.sessions, site.root, name, owner="heir")


def make_user(site: OwnerSite, name: str) -> None:
    create_user(site.sessions, name)


def make_organization(site: OwnerSite, name: str) -> None:
    organizations.create_organization(site.sessions, name, owner="heir")


def make_placeholder(site: OwnerSite, name: str) -> None:
    with site.sessions.begin() as session:
        adoption.insert_placeholders(session, {new_id(): (name, OwnerType.USER)}, utc_now())


USER, ORGANIZATION = OwnerType.USER, OwnerType.ORGANIZATION
TO_HEIR, TO_TRASH = Fate("heir"), Fate(to_trash=True)
COMMANDS = {
    "user-rename": Command(partial(rename, USER), make_user, "user.rename", "{}-new", "{}-new"),
    "org-rename": Command(
        partial(rename, ORGANIZATION), make_organization, "organization.rename", "{}-new", "{}-new"
    ),
    "merge": Command(merge, make_user, "user.merge", "heir", "heir"),
    "user-delete": Command(
        partial(remove, USER, TO_HEIR), make_user, "user.delete", "heir", "heir"
    ),
    "org-delete": Command(
        partial(remove, ORGANIZATION, TO_TRASH), make_organization, "organization.delete", "", "{}"
    ),
    "org-claim": Command(claim, make_placeholder, "organization.claim", "{}", "{}"),
}


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> OwnerSite:
    create_user(sessions, "heir")
    return OwnerSite(sessions, tmp_path / "home/repos")


def prepare(site: OwnerSite, command: Command, name: str) -> None:
    command.make(site, name)
    site.create(f"{name}/live-{name}", f"{name}/gone-{name}")
    trash.delete_repository(site.sessions, site.root, RepoName(name, f"gone-{name}"))


def assert_done(site: OwnerSite, command: Command, name: str) -> None:
    live, trashed = command.live.format(name), command.trashed.format(name)
    if live:
        assert site.leads_to(f"{name}/live-{name}") == f"{live}/live-{name}"
    else:
        assert site.leads_to(f"{name}/live-{name}") is None
    found = {f"{row.owner}/{row.name}" for row in trash.list_trash(site.sessions)}
    assert f"{trashed}/gone-{name}" in found


@pytest.mark.parametrize("kind", COMMANDS)
def test_killed_ahead_of_any_step_it_is_ended_by_a_rerun(
    site: OwnerSite, database_url: str, kind: str
) -> None:
    command = COMMANDS[kind]

    def run_apart(name: str) -> None:
        engine = open_engine(database_url)
        command.run(OwnerSite(make_sessions(engine), site.root), name)
        engine.dispose()

    # What is done on disk is the same on both; of PostgreSQL each third step is enough.
    stride = 3 if database_url.startswith("postgresql") else 1
    for step in range(1, MOST_STEPS, stride):
        name = f"o{step}"
        prepare(site, command, name)
        if not killed_at(step, partial(run_apart, name)):
            break
        try:
            command.run(site, name)
        except (ConflictError, NotFoundError):
            # Killed after its last transaction: it had been done.
            assert_done(site, command, name)
        assert_done(site, command, name)
    else:
        pytest.fail("It does not come to its end.")

    assert step > 5
    assert_told(site.sessions, site.root)
    assert verify_trail(site.sessions).findings == ()


@pytest.mark.parametrize("kind", COMMANDS)
def test_several_at_once_end_as_one(site: OwnerSite, kind: str) -> None:
    command = COMMANDS[kind]
    prepare(site, command, "octo")

    failures = run_at_once([partial(command.run, site, "octo")] * 3)

    assert None in failures
    assert [f for f in failures if f is not None and not isinstance(f, RefusedError)] == []
    assert_done(site, command, "octo")
    assert_told(site.sessions, site.root)
    told = trail.list_events(site.sessions, AuditFilter(action=command.action), limit=9)
    assert len(told) == 1
