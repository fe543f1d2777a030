"""The composition root of the server: creates its parts from the settings and connects them.

``forge_jobs`` does the same for periodic jobs, ``forge_watcher`` for watching jj repositories.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.data_version import watch_changes
from wit_admin.db.engine import EngineOptions, make_sessions, open_engine, parse_url
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.revisions import require_current
from wit_admin.errors import ConfigError
from wit_admin.git.backend import Backend
from wit_admin.git.child_backend import ChildBackend
from wit_admin.git.children.environment import ChildEnvironment, write_defaults
from wit_admin.git.children.program import find_git
from wit_admin.git.children.tools import GitTools
from wit_admin.git.files.mounts import is_local
from wit_admin.git.in_process_backend import InProcessBackend
from wit_admin.git.objects.ancestry import Ancestry
from wit_admin.git.pushes.checks import GuardSettings
from wit_admin.git.pushes.hooks import sweep_hooks
from wit_admin.git.repositories.disk import Disk
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.services.access.attempts import open_attempts
from wit_admin.services.access.credentials import PasswordChecker
from wit_admin.services.access.decision import PushCreate
from wit_admin.services.access.gate import DatabaseGate, DiskGate, Gate, PushPolicy
from wit_admin.services.access.known_public import open_known_public
from wit_admin.services.access.read_cache import ReadCache, SharedReads
from wit_admin.services.accounts.sessions import LoginSessions
from wit_admin.services.jj.options import JjKind, JjSyncOptions
from wit_admin.services.pushes.flow import PushFlow
from wit_admin.services.servers import Enrolment, Servers
from wit_admin.settings import Settings

PROMPT = EngineOptions(connect_timeout_s=3, patience_s=10.0)
"""Database options where a client waits for the answer."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits on one client."""

    max_push_bytes: int
    idle_timeout_s: float


@dataclass(frozen=True, slots=True)
class Forge:
    """The parts of the server, ready for use."""

    settings: Settings
    engine: Engine | None
    sessions: sessionmaker[Session] | None
    gate: Gate
    pushes: PushFlow
    backend: Backend
    limits: Limits
    tools: GitTools
    inspector: Inspector
    logins: LoginSessions | None
    """``None`` without a database."""


@contextmanager
def open_database(settings: Settings) -> Iterator[sessionmaker[Session]]:
    """Open only the database, for commands that need nothing else.

    Raises:
        ConfigError: It is the embedded database and does not exist yet, or its schema is older or
            newer than this program needs.
        UnavailableError: The database is gone.
    """
    with open_any_schema(settings) as engine:
        require_current(engine)
        yield make_sessions(engine)


@contextmanager
def open_any_schema(settings: Settings, options: EngineOptions | None = None) -> Iterator[Engine]:
    """Open the database without checking its schema.

    Raises:
        ConfigError: It is the embedded database and does not exist yet.
    """
    refuse_absent_database(settings)
    engine = open_engine(settings.database_url.reveal(), options)
    try:
        yield engine
    finally:
        engine.dispose()


def find_tools(settings: Settings) -> GitTools:
    """Find git, and write the default configuration of its children.

    Raises:
        ConfigError: The configured git does not exist, or is too old.
    """
    defaults = settings.cache_dir / "gitconfig"
    write_defaults(defaults)
    environment = ChildEnvironment(defaults, repository_hooks=settings.repository_hooks)
    return GitTools(find_git(settings.git_program), environment, settings.child_memory_bytes)


def make_inspector(settings: Settings) -> Inspector:
    """Return the inspector, which decides whether git may open a repository."""
    return Inspector(
        (settings.repositories_root, *settings.shared_objects),
        allows_includes=settings.repository_hooks,
    )


@contextmanager
def open_forge(settings: Settings, *, is_prompt: bool = False) -> Iterator[Forge]:
    """Create the parts of a server, and close the database connections afterwards.

    Meanwhile this process counts as a server, so no other process settles its pushes.
    ``is_prompt`` is for processes with waiting clients: a database that does not answer within
    seconds counts as gone. Without it statements may take long, as those of a migration do.
    """
    url, options = settings.database_url, PROMPT if is_prompt else None
    engine = None if settings.no_database else open_engine(url.reveal(), options)
    servers = Servers(settings.run_dir)
    run_dir = settings.run_dir
    try:
        with (
            servers.enrol() as enrolment,
            open_attempts(run_dir / "attempts") as attempts,
            open_known_public(run_dir / "known-public") as known,
        ):
            shared = SharedReads(known, settings.repositories_root)
            reads = ReadCache(watch_changes(engine) if engine else None, shared)
            yield _assemble(settings, engine, enrolment, PasswordChecker(attempts), reads)
    finally:
        if engine is not None:
            engine.dispose()


def make_jj_options(settings: Settings) -> JjSyncOptions:
    """Return the options of a jj sync, from the settings."""
    return JjSyncOptions(
        max_changes=settings.watch_max_changes,
        **{f"sync_{kind}": kind in settings.watch_kinds for kind in JjKind},
    )


def refuse_absent_database(settings: Settings) -> None:
    """Check that the embedded database exists, if that is the one in use.

    Raises:
        ConfigError: It does not.
    """
    file = parse_url(settings.database_url.reveal()).database
    if settings.uses_embedded_database and file and not Path(file).exists():
        raise ConfigError(
            f"There is no database yet; {file} does not exist.",
            hint="Create it with 'wit-admin db migrate', or start 'wit-admin serve'.",
        )


def _assemble(
    settings: Settings,
    engine: Engine | None,
    enrolment: Enrolment,
    checker: PasswordChecker,
    reads: ReadCache,
) -> Forge:
    sessions = None if engine is None else make_sessions(engine)
    inspector, tools = make_inspector(settings), find_tools(settings)
    lifetime = settings.session_lifetime
    logins = None if sessions is None else LoginSessions(sessions, checker, lifetime=lifetime)
    return Forge(
        settings,
        engine,
        sessions,
        _make_gate(settings, sessions, inspector, checker, reads),
        PushFlow(
            sessions,
            Disk(settings.repositories_root, inspector, Ancestry(tools)),
            visibility=Visibility(settings.default_visibility),
            enrolment=enrolment,
        ),
        _make_backend(settings, tools, inspector, has_journal=sessions is not None),
        Limits(settings.max_push_bytes, settings.idle_timeout_s),
        tools,
        inspector,
        logins=logins,
    )


def _make_gate(
    settings: Settings,
    sessions: sessionmaker[Session] | None,
    inspector: Inspector,
    checker: PasswordChecker,
    reads: ReadCache,
) -> Gate:
    root = settings.repositories_root
    if sessions is None:
        return DiskGate(root, inspector, anonymous_push=settings.anonymous_push)
    return DatabaseGate(
        sessions,
        root,
        inspector,
        policy=PushPolicy(PushCreate(settings.push_create), settings.anonymous_push),
        checker=checker,
        reads=reads,
    )


def _make_backend(
    settings: Settings, tools: GitTools, inspector: Inspector, *, has_journal: bool
) -> Backend:
    children = ChildBackend(
        tools, inspector, _make_guards(settings), max_processes=settings.max_git_processes
    )
    return InProcessBackend(
        children,
        # A server that is killed with a branch locked leaves the lock to the journal's replay.
        takes_pushes=has_journal and not settings.repository_hooks,
        waits_for_disk=not is_local(settings.repositories_root),
        cache_bytes=settings.answer_cache_bytes,
    )


def _make_guards(settings: Settings) -> GuardSettings:
    hooks = settings.run_dir / "hooks"
    sweep_hooks(hooks)
    return GuardSettings(hooks, settings.push_checks, settings.check_timeout_s)
