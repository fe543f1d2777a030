"""Commands on repositories killed ahead of each of their steps: a rerun sets all right.

And each by several at once: rows and folders agree, and one of them did it.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pygit2
import pytest

from tests.support.builders import run_at_once
from tests.support.killing import killed_at
from tests.support.own_words import assert_told
from tests.support.repositories import all_refs, commit, new_work
from tests.support.sites import ORDER, Site
from tests.support.tools import make_tools
from wit_admin.db.engine import make_sessions, open_engine
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.errors import ConflictError, NotFoundError, RefusedError
from wit_admin.git.children.limited_child import ChildLimits
from wit_admin.git.refs.head import read_head
from wit_admin.git.remotes.sources import parse_source
from wit_admin.names import RepoName
from wit_admin.services.audit import trail
from wit_admin.services.audit.check import verify_trail
from wit_admin.services.plans import A, Task
from wit_admin.services.repositories import edits, trash
from wit_admin.services.repositories.creation import create_repository
from wit_admin.services.repositories.importing import Importer, ImportOrder

MOST_STEPS = 100


@dataclass(frozen=True, slots=True)
class Command:
    """One command, and what must be there before it."""

    run: Callable[[Site, RepoName], object]
    prepare: Callable[[Site, RepoName], object]
    result: Callable[[RepoName], RepoName | None]
    """What the repository is called afterwards; ``None`` when it is in the trash."""
    holds: Callable[[Repository], bool] = lambda row: True
    """What is so of its row then."""


def apply(task: Task[A]) -> None:
    applied = task.apply(task.build())
    assert applied.failures == ()


def make(site: Site, name: RepoName) -> object:
    return create_repository(site.sessions, site.root, name, ORDER)


def make_with_branch(site: Site, name: RepoName) -> None:
    make(site, name)
    bare = pygit2.Repository(str(site.folder(name)))
    tree, author = bare.TreeBuilder().write(), pygit2.Signature("Ann", "ann@example.org", 0, 0)
    bare.create_commit("refs/heads/topic", author, author, "first", tree, [])


def discard(site: Site, name: RepoName) -> None:
    make(site, name)
    trash.delete_repository(site.sessions, site.root, name)


def bring_in(site: Site, name: RepoName) -> object:
    source = site.root.parent / "source"
    order = ImportOrder(parse_source(str(source)), Visibility.PUBLIC)
    tools = make_tools(Path(tempfile.mkdtemp(dir=site.root.parent)))
    return Importer(site.sessions, site.root, tools, ChildLimits(60.0, 1024**3)).run(name, order)


COMMANDS = {
    "create": Command(make, lambda site, name: None, lambda name: name),
    "rename": Command(
        lambda site, name: site.rename(name, f"{name.name}-new"),
        make,
        lambda name: RepoName(name.owner, f"{name.name}-new"),
    ),
    "transfer": Command(
        lambda site, name: apply(site.plans().transfer(name, "bob")),
        make,
        lambda name: RepoName("bob", name.name),
    ),
    "delete": Command(
        lambda site, name: apply(site.plans().deletion([name])), make, lambda name: None
    ),
    "restore": Command(
        lambda site, name: trash.restore_repository(site.sessions, site.root, name),
        discard,
        lambda name: name,
    ),
    "purge": Command(lambda site, name: apply(site.plans().emptying()), discard, lambda name: None),
    "import": Command(bring_in, lambda site, name: None, lambda name: name),
    "archive": Command(
        lambda site, name: edits.set_archived(site.sessions, site.root, name, archived=True),
        make,
        lambda name: name,
        lambda row: row.archived_at is not None,
    ),
    "visibility": Command(
        lambda site, name: edits.set_visibility(site.sessions, site.root, name, Visibility.PRIVATE),
        make,
        lambda name: name,
        lambda row: row.visibility is Visibility.PRIVATE,
    ),
    "edit": Command(
        lambda site, name: edits.edit_repository(site.sessions, site.root, name, description="New"),
        make,
        lambda name: name,
        lambda row: row.description == "New",
    ),
    "set_head": Command(
        lambda site, name: edits.set_head(site.sessions, site.root, name, "topic"),
        make_with_branch,
        lambda name: name,
        lambda row: row.default_branch == "topic",
    ),
}
"""All that change both disk and row; what owners do is killed in test_owner_crashes.py."""


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """What is imported."""
    work = new_work(tmp_path / "source")
    commit(work, "first")
    return work


@pytest.mark.parametrize("kind", COMMANDS)
def test_killed_ahead_of_any_step_it_is_finished_by_a_rerun(
    site: Site, source: Path, database_url: str, kind: str
) -> None:
    command = COMMANDS[kind]
    make(site, RepoName("alice", "warm-up"))

    def run_apart(name: RepoName) -> None:
        engine = open_engine(database_url)
        command.run(Site(make_sessions(engine), site.root), name)
        engine.dispose()

    for step in range(1, MOST_STEPS):
        name = RepoName("alice", f"r{step}")
        command.prepare(site, name)
        if not killed_at(step, partial(run_apart, name)):
            break
        rerun(site, command, name)
        assert_done(site, command, name)
    else:
        pytest.fail("It does not come to its end.")

    assert step > 5
    assert_agree(site)
    assert verify_trail(site.sessions).findings == ()


def rerun(site: Site, command: Command, name: RepoName) -> None:
    """Run it again; it does what is left, or finds that nothing is."""
    try:
        command.run(site, name)
    except (ConflictError, NotFoundError):
        # Killed after its transaction: it had been done.
        assert_done(site, command, name)


def assert_done(site: Site, command: Command, name: RepoName) -> None:
    result = command.result(name)
    if result is None:
        assert site.leads_to(name) is None
    else:
        repo_id = site.leads_to(result)
        assert repo_id is not None
        with site.sessions() as session:
            row = session.get_one(Repository, repo_id)
        assert command.holds(row)
        assert read_head(site.root / row.disk_path) == row.default_branch
    if command is COMMANDS["import"]:
        assert all_refs(site.folder(name)) == all_refs(site.root.parent / "source")


def assert_agree(site: Site) -> None:
    """Check that each row has its folder, which says the same of itself, and none is left over."""
    with site.sessions() as session:
        rows = {row.disk_path: row for row in session.query(Repository)}
    folders = {str(head.parent.relative_to(site.root)) for head in site.root.rglob("HEAD")}
    # What a killed run left under a name that is none is taken away when it is old.
    assert {path for path in folders if not re.search(r"/\.(new~|old~)", path)} == set(rows)
    assert_told(site.sessions, site.root)


@pytest.mark.parametrize("kind", COMMANDS)
def test_several_at_once_end_as_one(site: Site, source: Path, kind: str) -> None:
    command, name = COMMANDS[kind], RepoName("alice", "demo")
    command.prepare(site, name)

    failures = run_at_once([lambda: command.run(site, name)] * 4)

    assert None in failures
    assert [f for f in failures if f is not None and not isinstance(f, RefusedError)] == []
    assert_done(site, command, name)
    events = trail.list_events(site.sessions, AuditFilter(), limit=50)
    assert sum(event.action == f"repository.{kind}" for event in events) == 1
    assert_agree(site)
