"""Databases for tests: a migrated template of each kind, copied for every test."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg
from psycopg import sql
from sqlalchemy import make_url

from tests.support.processes import wait_until
from wit_admin.db import migrate
from wit_admin.db.engine import open_engine

_TEMPLATE = "wit_template"
TABLES = [table.name for table in migrate.METADATA.sorted_tables]


def migrated(url: str) -> str:
    """Bring the database at ``url`` up to date and let go of it."""
    engine = open_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


def _statement(text: sql.SQL, table: str) -> sql.Composed:
    return text.format(sql.Identifier(table))


class SqliteDatabases:
    """Files in one folder; the template is closed, so copying it is safe."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._numbers = itertools.count()
        self._template = folder / "template.db"
        migrated(f"sqlite:///{self._template}")

    @contextmanager
    def create(self, *, empty: bool = False) -> Iterator[str]:
        path = self._folder / f"{next(self._numbers)}.db"
        if not empty:
            shutil.copyfile(self._template, path)
        yield f"sqlite:///{path}"
        for file in self._folder.glob(f"{path.name}*"):
            file.unlink(missing_ok=True)


_SCHEMA = """
    SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
        SELECT concat_ws(' ', attrelid::regclass, attname, atttypid::regtype, attnotnull) AS line
          FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
         WHERE relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
        UNION ALL
        SELECT indexdef FROM pg_indexes WHERE schemaname = 'public'
        UNION ALL
        SELECT pg_get_constraintdef(oid) FROM pg_constraint
         WHERE connamespace = 'public'::regnamespace
    ) AS lines
"""
_REVISION = "SELECT version_num FROM alembic_version"
_ALL = sql.SQL("SELECT * FROM {}")
_EMPTY = sql.SQL("DELETE FROM {}")
_ADD = sql.SQL("INSERT INTO {} VALUES (")
_END_OTHERS = """
    SELECT pg_terminate_backend(pid) FROM pg_stat_activity
     WHERE datname = current_database() AND pid <> pg_backend_pid()
"""


class PostgresDatabases:
    """Databases of one server, which may have other databases too.

    Making one takes 100 ms and emptying it 5, so each is used again as long as a test leaves the
    schema as it was.
    """

    def __init__(self, server_url: str, worker: str) -> None:
        self._free: list[str] = []
        self._server = make_url(server_url).set(drivername="postgresql")
        self._prefix = f"wit_test_{worker}"
        self._numbers = itertools.count()
        self._template = f"{_TEMPLATE}_{worker}"
        self._drop(self._template)
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._template)))
        migrated(self._url(self._template))
        with psycopg.connect(self._url(self._template)) as connection:
            self._schema = connection.execute(_SCHEMA).fetchone()
            self._revision = connection.execute(_REVISION).fetchall()
            rows = {
                table: connection.execute(_statement(_ALL, table)).fetchall() for table in TABLES
            }
        self._first_rows = {table: found for table, found in rows.items() if found}
        """What migrations wrote."""

    @contextmanager
    def create(self, *, empty: bool = False) -> Iterator[str]:
        name = self._free.pop() if self._free and not empty else self._make(empty=empty)
        yield self._url(name)
        if empty or not self._clean(name):
            self._drop(name)
        else:
            self._free.append(name)

    def _make(self, *, empty: bool) -> str:
        name = f"{self._prefix}_{next(self._numbers)}"
        template = "template0" if empty else self._template
        self._drop(name)
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        return name

    def _clean(self, name: str) -> bool:
        """Remove all rows; false when the schema is not the template's."""
        with psycopg.connect(self._url(name), autocommit=True) as connection:
            connection.execute(_END_OTHERS)
            if connection.execute(_SCHEMA).fetchone() != self._schema:
                return False
            if connection.execute(_REVISION).fetchall() != self._revision:
                return False
            # Until it is gone, one that was told to end may still commit what it had begun.
            wait_until(lambda: not connection.execute(_END_OTHERS).fetchall())
            with connection.transaction():
                # Neither order nor foreign keys matter then.
                connection.execute("SET LOCAL session_replication_role = replica")
                for table in TABLES:
                    connection.execute(_statement(_EMPTY, table))
                for table, rows in self._first_rows.items():
                    places = sql.SQL(", ").join(sql.Placeholder() * len(rows[0]))
                    insert = _statement(_ADD, table) + places + sql.SQL(")")
                    connection.cursor().executemany(insert, rows)
        return True

    def close(self) -> None:
        for name in (*self._free, self._template):
            self._drop(name)

    def _drop(self, name: str) -> None:
        self._run(
            sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)),
        )

    def _url(self, name: str) -> str:
        return self._server.set(database=name).render_as_string(hide_password=False)

    def _run(self, statement: sql.Composed) -> None:
        address = self._server.render_as_string(hide_password=False)
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(statement)


Databases = SqliteDatabases | PostgresDatabases
