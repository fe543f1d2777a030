"""Opens engines and sessions, and configures SQLite and PostgreSQL connections."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import URL, Engine, create_engine, event, make_url, text
from sqlalchemy.engine import Connection
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Mapper, Session, SessionTransaction, sessionmaker

from wit_admin.db.durability import DURABLE, wait_for_the_disk
from wit_admin.db.errors import RenamingPool, rename_errors
from wit_admin.db.patience import bound_waiting
from wit_admin.db.sqlite_file import watch_file
from wit_admin.errors import ConfigError

WRITES = "wit_writes"
"""Execution option: the transaction will write, so SQLite takes the write lock at its start."""

_SQLITE_PRAGMAS = (
    # Another process may hold the file for longer; queueing beats failing.
    "PRAGMA busy_timeout = {busy_timeout_ms}",
    "PRAGMA journal_mode = WAL",
    # In WAL mode, NORMAL may lose the last commits in a power cut, but never damages the file.
    "PRAGMA synchronous = NORMAL",
    "PRAGMA foreign_keys = ON",
    "PRAGMA cache_size = -64000",
)


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """Pool sizes and timeouts of an engine; the defaults suit a server."""

    pool_size: int = 10
    max_overflow: int = 10
    pool_timeout_s: float = 10.0
    connect_timeout_s: int = 5
    application_name: str = "wit-admin"
    """PostgreSQL only: what ``pg_stat_activity`` calls its sessions."""
    idle_in_transaction_ms: int = 0
    """PostgreSQL only: the server ends transactions that are idle for longer, so that a process
    that was stopped cannot block others with its locks; 0 is no limit."""
    patience_s: float | None = None
    """PostgreSQL only: how long to wait for any answer of the server; ``None`` is for ever."""
    busy_timeout_ms: int = 10_000
    """SQLite only: how long a writer waits for another."""


def parse_url(text_: str) -> URL:
    """Parse a database URL; ``postgres://`` and ``postgresql://`` both mean psycopg 3.

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
    """Return an engine that connects when it is first used; the caller must dispose of it.

    A connection that fails at any time raises ``UnavailableError`` instead of the driver's error.

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
        # This round trip of about 30 µs prevents errors after a restart of the server.
        pool_pre_ping=not is_sqlite,
        # The one used last knows the newest pages.
        pool_use_lifo=True,
        hide_parameters=True,
        connect_args=_sqlite_arguments(options) if is_sqlite else _postgres_arguments(options),
    )
    if is_sqlite:
        _prepare_sqlite(engine, options)
        watch_file(engine, parsed.database or "")
    else:
        wait_for_the_disk(engine)
        if options.patience_s is not None:
            bound_waiting(engine, options.patience_s)
    event.listen(engine, "handle_error", rename_errors, retval=True)
    return engine


def make_sessions(engine: Engine) -> sessionmaker[Session]:
    """Return the session factory of ``engine``.

    ``with sessions.begin() as session`` is for work that writes: on SQLite it waits for the write
    lock at once (``BEGIN IMMEDIATE``), so a transaction that reads first and then writes cannot
    fail because another process wrote in between. ``with sessions() as session`` is for reading,
    and never waits for a writer.
    """
    return sessionmaker(
        engine, class_=_ForgeSession, expire_on_commit=False, autobegin=True, autoflush=True
    )


def ping(engine: Engine) -> float:
    """Send a query to the database and return how many seconds the answer took.

    Raises:
        UnavailableError: There is no answer.
    """
    started = time.perf_counter()
    # SQLite would answer ``SELECT 1`` without reading its file.
    is_sqlite = engine.dialect.name == "sqlite"
    question = "SELECT count(*) FROM sqlite_master" if is_sqlite else "SELECT 1"
    with engine.connect() as connection:
        connection.execute(text(question))
    return time.perf_counter() - started


class _ForgeSession(Session):
    """A session that marks explicitly begun transactions as writing."""

    def begin(self, nested: bool = False) -> SessionTransaction:  # noqa: FBT001, FBT002 - SQLAlchemy's signature
        """Begin a transaction that will write."""
        self.info[WRITES] = True
        return super().begin(nested=nested)

    def get_bind(
        self, mapper: type[Any] | Mapper[Any] | None = None, **arguments: Any
    ) -> Engine | Connection:
        """Return the engine, marked as writing if this session writes."""
        bind = super().get_bind(mapper, **arguments)
        if self.info.get(WRITES) and isinstance(bind, Engine):
            # Keep one marked engine per session: SQLAlchemy finds its connection by the engine.
            options = {WRITES: True, DURABLE: self.info.get(DURABLE, False)}
            marked: Engine = self.info.setdefault(bind, bind.execution_options(**options))
            return marked
        return bind


def _sqlite_arguments(options: EngineOptions) -> dict[str, Any]:
    return {"timeout": options.busy_timeout_ms / 1000, "check_same_thread": False}


def _postgres_arguments(options: EngineOptions) -> dict[str, Any]:
    idle_ms = options.idle_in_transaction_ms
    return {
        "connect_timeout": options.connect_timeout_s,
        "application_name": options.application_name,
        **({"options": f"-c idle_in_transaction_session_timeout={idle_ms}"} if idle_ms else {}),
    }


def _prepare_sqlite(engine: Engine, options: EngineOptions) -> None:
    pragmas = [line.format(busy_timeout_ms=options.busy_timeout_ms) for line in _SQLITE_PRAGMAS]

    @event.listens_for(engine, "connect")
    def _set_up(connection: sqlite3.Connection, _record: object) -> None:
        # The driver would begin transactions late and commit before DDL, so ``_begin`` does it.
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


def _run(connection: sqlite3.Connection, statements: Iterable[str]) -> None:
    for statement in statements:
        connection.execute(statement).close()
