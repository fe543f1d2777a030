"""Opens engines and sessions, each database configured as this program needs it."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError, DisconnectionError
from sqlalchemy.orm import Mapper, Session, SessionTransaction, sessionmaker
from sqlalchemy.pool import ConnectionPoolEntry

from wit_admin.db.durability import DURABLE, wait_for_the_disk
from wit_admin.db.errors import RenamingPool, rename_errors
from wit_admin.db.patience import bound_waiting
from wit_admin.errors import ConfigError, UnavailableError

WRITES = "wit_writes"
"""Execution option: the transaction will write, so SQLite takes the write lock at its start."""

_FILE = "wit_file"

_SQLITE_PRAGMAS = (
    # Another process may hold the file for longer; queueing beats failing.
    "PRAGMA busy_timeout = {busy_timeout_ms}",
    "PRAGMA journal_mode = WAL",
    # In WAL mode NORMAL can lose the last commits to a power cut, never the file's integrity.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -64000",
)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How an engine behaves under load and trouble; the defaults suit a server."""

    pool_size: int = 10
    max_overflow: int = 10
    pool_timeout_s: float = 10.0
    connect_timeout_s: int = 5
    statement_timeout_ms: int = 0
    """PostgreSQL only; 0 is no limit."""
    lock_timeout_ms: int = 0
    """PostgreSQL only; 0 is no limit."""
    idle_in_transaction_ms: int = 0
    """PostgreSQL only: for who may be stopped in the middle, with locks that others wait for; 0 is
    no limit."""
    patience_s: float | None = None
    """PostgreSQL only: how long anything may stay without an answer; ``None`` is for ever."""
    busy_timeout_ms: int = 10_000
    """SQLite only: how long a writer waits for another."""
    application_name: str = "wit-admin"


def parse_url(text_: str) -> URL:
    """Read a database URL; ``postgres://`` and ``postgresql://`` both mean psycopg 3.

    Raises:
        ConfigError: It is not a URL, names an unsupported database, or SQLite without a file.
    """
    try:
        url = make_url(text_)
    except (ArgumentError, ValueError):
        raise ConfigError(
            "The database URL cannot be read.",
            hint="Write postgresql://user:password@host/name or sqlite:////path/to/wit.db.",
        ) from None  # the original error quotes the URL, and with it the password
    if url.drivername in ("postgres", "postgresql", "postgresql+psycopg"):
        return url.set(drivername="postgresql+psycopg")
    if url.drivername in ("sqlite", "sqlite+pysqlite"):
        if not url.database or ":memory:" in url.database or "mode" in url.query:
            raise ConfigError(
                "The SQLite URL names no file.",
                hint="Write sqlite:////path/to/wit.db, with four slashes for an absolute path.",
            )
        return url.set(drivername="sqlite+pysqlite")
    raise ConfigError(
        f"The database '{url.drivername}' is not supported.", hint="Use PostgreSQL or SQLite."
    )


def open_engine(url: str | URL, options: EngineOptions | None = None) -> Engine:
    """Return an engine that connects when it is first used; dispose of it when done.

    Connections that fail, at any time, raise ``UnavailableError`` in place of the driver's error.

    Raises:
        ConfigError: The URL is not usable.
    """
    options = options or EngineOptions()
    parsed = parse_url(url if isinstance(url, str) else url.render_as_string(hide_password=False))
    is_sqlite = parsed.get_backend_name() == "sqlite"
    engine = create_engine(
        parsed,
        poolclass=RenamingPool,
        pool_size=options.pool_size,
        max_overflow=options.max_overflow,
        pool_timeout=options.pool_timeout_s,
        # A round trip of some 30 µs prevents errors after a restart of the server.
        pool_pre_ping=not is_sqlite,
        # The one used last knows the newest pages.
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=_sqlite_arguments(options) if is_sqlite else _postgres_arguments(options),
    )
    if is_sqlite:
        _prepare_sqlite(engine, options)
        _watch_file(engine, parsed.database or "")
    else:
        wait_for_the_disk(engine)
        if options.patience_s is not None:
            bound_waiting(engine, options.patience_s)
    event.listen(engine, "handle_error", rename_errors, retval=True)
    return engine


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Return the factory of sessions on ``engine``.

    ``with sessions.begin() as session`` is for work that writes: on SQLite it queues for the
    write lock at once (``BEGIN IMMEDIATE``), so that reading first and writing later cannot fail
    because another wrote in between. ``with sessions() as session`` is for reading, and never
    waits for a writer.
    """
    return sessionmaker(
        engine, class_=_ForgeSession, expire_on_commit=False, autobegin=True, autoflush=True
    )


def ping(engine: Engine) -> float:
    """Ask the database for an answer and return how many seconds it took.

    Raises:
        UnavailableError: There is none.
    """
    started = time.perf_counter()
    # SQLite answers a constant without a look at its file.
    is_sqlite = engine.dialect.name == "sqlite"
    question = "SELECT count(*) FROM sqlite_master" if is_sqlite else "SELECT 1"
    with engine.connect() as connection:
        connection.execute(text(question))
    return time.perf_counter() - started


class _ForgeSession(Session):
    """A session whose explicitly begun transactions say that they will write."""

    def begin(self, nested: bool = False) -> SessionTransaction:  # noqa: FBT001, FBT002 - SQLAlchemy's signature
        """Begin a transaction that will write."""
        self.info[WRITES] = True
        return super().begin(nested=nested)

    def get_bind(
        self, mapper: type[Any] | Mapper[Any] | None = None, **arguments: Any
    ) -> Engine | Connection:
        """Return the engine, marked when this session writes."""
        bind = super().get_bind(mapper, **arguments)
        if self.info.get(WRITES) and isinstance(bind, Engine):
            # One marked engine per session: its transaction knows its connection by engine.
            options = {WRITES: True, DURABLE: self.info.get(DURABLE, False)}
            marked: Engine = self.info.setdefault(bind, bind.execution_options(**options))
            return marked
        return bind


def _sqlite_arguments(options: EngineOptions) -> dict[str, Any]:
    return {"timeout": options.busy_timeout_ms / 1000, "check_same_thread": False}


def _postgres_arguments(options: EngineOptions) -> dict[str, Any]:
    limits = {
        "statement_timeout": options.statement_timeout_ms,
        "lock_timeout": options.lock_timeout_ms,
        "idle_in_transaction_session_timeout": options.idle_in_transaction_ms,
    }
    arguments: dict[str, Any] = {
        "connect_timeout": options.connect_timeout_s,
        "application_name": options.application_name,
    }
    if any(limits.values()):
        arguments["options"] = " ".join(f"-c {name}={ms}" for name, ms in limits.items() if ms)
    return arguments


def _prepare_sqlite(engine: Engine, options: EngineOptions) -> None:
    pragmas = [line.format(busy_timeout_ms=options.busy_timeout_ms) for line in _SQLITE_PRAGMAS]

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions late and commit around DDL; we begin them ourselves.
        connection.isolation_level = None
        _run(connection, pragmas)

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        options = connection.get_execution_options()
        durable = options.get(DURABLE, False)
        if connection.info.get(DURABLE, False) != durable:
            connection.exec_driver_sql(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
            connection.info[DURABLE] = durable
        connection.exec_driver_sql("BEGIN IMMEDIATE" if options.get(WRITES, False) else "BEGIN")


def _watch_file(engine: Engine, path: str) -> None:
    """Notice that the database's file was taken away or replaced under open connections.

    SQLite would go on in the file that has no name any more, or make a new one without tables.
    """
    was_seen = False

    @event.listens_for(engine, "do_connect")
    def _refuse_to_make_another(*_: object) -> None:
        if was_seen and not os.path.exists(path):  # noqa: PTH110  on each connect
            raise _file_is_gone()

    @event.listens_for(engine, "connect")
    def _remember(_connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        nonlocal was_seen
        was_seen = True
        record.info[_FILE] = _identity(path)

    @event.listens_for(engine, "checkout")
    def _compare(_connection: object, record: ConnectionPoolEntry, _proxy: object) -> None:
        now = _identity(path)
        if now is None:
            raise _file_is_gone()
        if record.info[_FILE] != now:
            raise DisconnectionError


def _identity(path: str) -> tuple[int, int] | None:
    try:
        found = os.stat(path)  # noqa: PTH116  on each use of a connection
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _file_is_gone() -> UnavailableError:
    return UnavailableError(
        "The database is not available: its file is gone.", hint="Put it back, then try again."
    )


def _run(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement).close()
