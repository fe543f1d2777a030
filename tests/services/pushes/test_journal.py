"""The journal is settled in the place of those who died, and of nobody else."""

from __future__ import annotations

import socket
import subprocess
import threading
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session, sessionmaker

from tests.support.server import run_git
from tests.support.tools import make_tools
from wit_admin.db.core import table_of
from wit_admin.db.models.events import Activity, AuditHead, AuditOrigin
from wit_admin.db.models.pushes import PushEntry, PushState
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries.activities import list_activity
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.git.children.environment import PUSH_ID_HOST
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.pushes.commands import PushRequest, RefCommand
from wit_admin.git.pushes.report import PushReport, RefResult
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.names import RepoName
from wit_admin.services.access.targets import Served
from wit_admin.services.accounts.accounts import create_user
from wit_admin.services.audit.check import verify_trail
from wit_admin.services.audit.trail import Origin, list_events
from wit_admin.services.pushes import records
from wit_admin.services.pushes.flow import PushFlow
from wit_admin.services.pushes.ref_updates import RefUpdate
from wit_admin.services.servers import Enrolment, Servers

ZERO = "0" * 40


class Site:
    """A repository with one commit to push, and pushes of servers that live or do not."""

    def __init__(self, sessions: sessionmaker[Session], folder: Path) -> None:
        self.sessions = sessions
        self.root = folder / "repos"
        self.servers = Servers(folder / "run")
        user = create_user(sessions, "alice")
        self.user_id = user.id
        name = RepoName("alice", "demo")
        storage.create_bare(self.root, name.disk_path, object_format="sha1")
        self.gitdir = self.root / name.disk_path
        new = NewRepository(
            owner_id=user.id,
            name="demo",
            disk_path=name.disk_path,
            visibility=Visibility.PUBLIC,
            object_format=ObjectFormat.SHA1,
        )
        self.repo_id = records.ensure_repository_row(sessions, new, owner="alice").repo_id
        self.disk = Disk(
            self.root,
            Inspector((self.root,), allows_includes=False),
            Ancestry(make_tools(self.root)),
        )
        self.commit = self.commit_on()

    def flow(self, server_id: str) -> PushFlow:
        return PushFlow(
            self.sessions,
            self.disk,
            visibility=Visibility.PUBLIC,
            enrolment=Enrolment(self.servers, server_id),
        )

    def commit_on(self, *parents: str) -> str:
        """Write a commit of an empty tree."""
        tree = run_git(self.gitdir, "mktree", "--missing").stdout.strip()
        options = [word for parent in parents for word in ("-p", parent)]
        line = ["commit-tree", "-m", str(uuid.uuid4()), *options, tree]
        return run_git(self.gitdir, *line).stdout.strip()

    def journal(self, server_id: str, *, host: str | None = None) -> uuid.UUID:
        """Journal a push of a new branch and move it, as git would; nobody records it."""
        update = RefUpdate(f"refs/heads/{uuid.uuid4()}", ZERO, self.commit)
        return self.journal_update(server_id, update, host=host)

    def journal_update(
        self, server_id: str, update: RefUpdate, *, host: str | None = None
    ) -> uuid.UUID:
        """Journal an update and carry it out."""
        by = Origin(AuditOrigin.HTTP, actor_id=self.user_id, request_id="r-1", address="192.0.2.7")
        origin = records.PushOrigin(host or socket.gethostname(), server_id, "alice/demo", by)
        entry = records.journal_push(
            self.sessions, self.repo_id, [update], origin=origin, is_creation=False
        )
        subprocess.run(
            ["git", "-C", self.gitdir, "update-ref", update.ref, update.after],
            check=True,
            env={"PATH": "/usr/bin:/bin", **committer(entry.push_id)},
        )
        return entry.push_id

    def states(self) -> dict[uuid.UUID, PushState]:
        with self.sessions() as session:
            return {
                row.id: row.state for row in session.execute(select(PushEntry.id, PushEntry.state))
            }

    def count_activities(self) -> int:
        with self.sessions() as session:
            return session.scalar(select(func.count()).select_from(Activity)) or 0


def committer(push_id: uuid.UUID) -> dict[str, str]:
    return {
        "GIT_COMMITTER_NAME": "alice",
        "GIT_COMMITTER_EMAIL": f"{push_id}@{PUSH_ID_HOST}",
        "GIT_CONFIG_COUNT": "1",
        "GIT_CONFIG_KEY_0": "core.logAllRefUpdates",
        "GIT_CONFIG_VALUE_0": "always",
    }


@pytest.fixture
def site(sessions: sessionmaker[Session], tmp_path: Path) -> Site:
    return Site(sessions, tmp_path)


@pytest.fixture
def dead(site: Site) -> str:
    with site.servers.enrol() as enrolment:
        return enrolment.server_id


@pytest.fixture
def living(site: Site) -> Iterator[str]:
    with site.servers.enrol() as enrolment:
        yield enrolment.server_id


def test_pushes_of_the_dead_are_settled_and_those_of_the_living_are_not(
    site: Site, dead: str, living: str
) -> None:
    abandoned = site.journal(dead)
    under_way = site.journal(living)

    replayed = site.flow("me").replay()

    assert (replayed.settled, replayed.left) == (1, 0)
    assert site.states() == {abandoned: PushState.SETTLED, under_way: PushState.PENDING}
    assert site.count_activities() == 1
    [told] = list_events(site.sessions, AuditFilter(action="repository.push"), limit=9)
    assert (told.who, told.request_id, told.target_name) == ("alice", "r-1", "alice/demo")
    assert told.after is not None
    assert told.after["push"] == str(abandoned)
    [update] = told.after["updates"]
    assert (update["before"], update["after"]) == (ZERO, site.commit)


def test_push_that_a_damaged_trail_cannot_tell_waits_until_it_is_mended(
    site: Site, living: str
) -> None:
    flow = site.flow(living)
    command = RefCommand(ZERO, site.commit, b"refs/heads/main")
    request = PushRequest((command,), frozenset(), (), (), is_signed=False, head_bytes=0)
    target = Served(RepoName("alice", "demo"), site.gitdir, site.repo_id)
    with site.sessions.begin() as session:
        head = session.execute(select(table_of(AuditHead))).mappings().one()
        session.execute(delete(AuditHead))
    ticket = flow.open(target, request)
    run_git(site.gitdir, "update-ref", "refs/heads/main", site.commit)

    report = PushReport(
        is_complete=True, unpack="ok", results=(RefResult(command.ref, is_accepted=True),)
    )
    accepted = flow.settle(ticket, report)

    assert (accepted, flow.has_unrecorded, site.count_activities()) == (1, True, 0)
    with site.sessions.begin() as session:
        session.execute(insert(table_of(AuditHead)).values(**head))
    assert flow.replay().settled == 1
    assert site.count_activities() == 1
    assert verify_trail(site.sessions).findings == ()


def test_a_forced_push_of_the_dead_is_recorded_as_such(site: Site, dead: str) -> None:
    onward, elsewhere = site.commit_on(site.commit), site.commit_on()
    site.journal_update(dead, RefUpdate("refs/heads/main", ZERO, site.commit))
    site.journal_update(dead, RefUpdate("refs/heads/main", site.commit, onward))
    site.journal_update(dead, RefUpdate("refs/heads/main", onward, elsewhere))

    site.flow("me").replay()

    with site.sessions() as session:
        rows = list_activity(session, repository=None, limit=10)
    assert [row.kind for row in rows] == ["forced", "updated", "created"]


def test_pushes_of_another_host_are_left_alone(site: Site, dead: str) -> None:
    elsewhere = site.journal(dead, host="elsewhere.example")

    assert site.flow("me").replay().settled == 0
    assert site.states() == {elsewhere: PushState.PENDING}


def test_a_push_whose_git_child_still_runs_waits_for_it(site: Site, dead: str) -> None:
    push_id = site.journal(dead)
    with subprocess.Popen(["sleep", "60"], env=committer(push_id)) as child:
        early = site.flow("me").replay()
        child.kill()
        child.wait()

    assert (early.settled, early.left) == (0, 1)
    assert site.flow("me").replay_all(patience_s=60) == 1


def test_many_replayers_at_once_end_as_one(site: Site, dead: str) -> None:
    for _ in range(3):
        site.journal(dead)
    settled: list[int] = []
    threads = [
        threading.Thread(target=lambda: settled.append(site.flow("me").replay().settled))
        for _ in range(4)
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sum(settled) == 3
    assert set(site.states().values()) == {PushState.SETTLED}
