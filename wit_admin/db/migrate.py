"""Alembic driven from code: upgrade, downgrade, status, and comparison of models and schema."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionError
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, text

from wit_admin.db import models
from wit_admin.db.base import Base
from wit_admin.db.engine import WRITES
from wit_admin.db.revisions import known_revisions, older_schema, read_revision, refuse_newer
from wit_admin.errors import ConflictError, InvalidInputError

_LOCK_KEY = 0x7769745F6462  # "wit_db"

METADATA = Base.metadata
"""Of all tables: importing the models registers them."""


@dataclass(frozen=True, slots=True)
class MigrationStatus:
    """The state of the schema. ``revision`` is ``None`` for an empty database."""

    revision: str | None
    head: str
    pending: tuple[str, ...]
    is_newer: bool


def status(engine: Engine) -> MigrationStatus:
    """Compare the database's revision with the newest this program knows."""
    with engine.connect() as connection:
        return _status(connection)


def upgrade(engine: Engine, to: str = "head") -> MigrationStatus:
    """Migrate up, all steps in one transaction.

    A second migrator at once waits, then finds nothing to do.

    Raises:
        ConfigError: The schema is newer than this program knows.
        InvalidInputError: There is no such revision.
    """
    with _locked(engine) as connection:
        refuse_newer(_status(connection).revision)
        _run(command.upgrade, _config(connection=connection), to)
        return _status(connection)


def ensure_current(engine: Engine, *, may_upgrade: bool, hint: str) -> MigrationStatus:
    """Return the status of a schema that this program can work with, migrating if it may.

    Raises:
        ConfigError: The schema is newer than this program knows, or older and may not change.
    """
    now = status(engine)
    refuse_newer(now.revision)
    if not now.pending:
        return now
    if may_upgrade:
        return upgrade(engine)
    raise older_schema(now.revision, hint=hint)


def downgrade(engine: Engine, to: str = "-1") -> MigrationStatus:
    """Migrate down to ``to``; ``base`` removes every table and every row.

    Raises:
        ConflictError: The database is empty.
        ConfigError: The schema is newer than this program knows.
        InvalidInputError: There is no such revision.
    """
    with _locked(engine) as connection:
        _revision_to_leave(_status(connection))
        _run(command.downgrade, _config(connection=connection), to)
        return _status(connection)


def list_rolled_back(engine: Engine, to: str = "-1") -> list[tuple[str, str]]:
    """Return the revisions that :func:`downgrade` would roll back, and what each made, in order.

    Raises:
        ConflictError: The database is empty.
        ConfigError: The schema is newer than this program knows.
        InvalidInputError: There is no such revision.
    """
    revision = _revision_to_leave(status(engine))
    scripts = ScriptDirectory.from_config(_config())
    try:
        steps = scripts.iterate_revisions(revision, to or "?", select_for_downgrade=True)
        return [(step.revision, step.doc) for step in steps]
    except (CommandError, RevisionError) as error:
        raise InvalidInputError(f"There is no way to revision {to!r}: {error}") from error


def _revision_to_leave(now: MigrationStatus) -> str:
    refuse_newer(now.revision)
    if now.revision is None:
        raise ConflictError("The database is empty: there is nothing to roll back.")
    return now.revision


def render_sql(dialect: str, to: str = "head") -> str:
    """Return the SQL of all migrations from nothing up to ``to``.

    Raises:
        InvalidInputError: There is no such revision.
    """
    output = io.StringIO()
    config = _config(dialect=dialect)
    config.output_buffer = output
    _run(partial(command.upgrade, sql=True), config, to)
    return output.getvalue()


def list_differences(engine: Engine) -> list[str]:
    """Return how the schema differs from the models; empty if they agree.

    Each difference is the step that would end it: ``add column users.email``.
    """
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        found = compare_metadata(context, METADATA)
    # Changes of one column come as a list of their own.
    flat = [step for item in found for step in (item if isinstance(item, list) else [item])]
    return [_said(step) for step in flat]


def _said(step: tuple[Any, ...]) -> str:
    """Describe one step of Alembic's. Source: alembic.autogenerate.compare_metadata."""
    verb = str(step[0]).replace("_", " ")
    if verb.startswith("modify"):
        return f"{verb} of {step[2]}.{step[3]}"
    if verb.endswith(" column"):
        return f"{verb} {step[2]}.{step[3].name}"
    table = getattr(step[1], "table", None)
    name = getattr(step[1], "name", None) or "without a name"
    return f"{verb} {name}" if table is None else f"{verb} {name} of {table.name}"


def _status(connection: Connection) -> MigrationStatus:
    known, revision = known_revisions(), read_revision(connection)
    if revision is not None and revision not in known:
        return MigrationStatus(revision, known[-1], (), is_newer=True)
    done = 0 if revision is None else known.index(revision) + 1
    return MigrationStatus(revision, known[-1], known[done:], is_newer=False)


@contextmanager
def _locked(engine: Engine) -> Iterator[Connection]:
    """Yield a connection in a transaction that only one migrator at a time can have."""
    with engine.execution_options(**{WRITES: True}).connect() as connection:
        if engine.dialect.name == "sqlite":
            # BEGIN IMMEDIATE took the write lock, which is the lock; other writers wait for it.
            connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
        else:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
            # Every reader queues behind an ALTER TABLE that waits, so that must give up soon.
            connection.execute(text("SET LOCAL lock_timeout = '5s'"))
        yield connection
        connection.commit()


def _run(step: Callable[[Config, str], None], config: Config, to: str) -> None:
    if not to:
        raise InvalidInputError("A revision is missing.", hint="See 'wit-admin db status'.")
    try:
        step(config, to)
    except CommandError as error:
        raise InvalidInputError(f"There is no way to revision {to!r}: {error}") from error


def _config(**attributes: object) -> Config:
    """Return Alembic's configuration; ``attributes`` are for the migrations' ``env.py``."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes.update(attributes, metadata=METADATA)
    return config


__all__ = [
    "METADATA",
    "MigrationStatus",
    "downgrade",
    "ensure_current",
    "list_differences",
    "list_rolled_back",
    "models",
    "render_sql",
    "status",
    "upgrade",
]
