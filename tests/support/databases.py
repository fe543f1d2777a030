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

from wit_admin.db import migrate
from wit_admin.db.engine import open_engine

_TEMPLATE = "wit_template"


def migrated(url: str) -> str:
    """Bring the database at ``url`` up to date and let go of it."""
    engine = open_engine(url)
    migrate.upgrade(engine)
    engine.dispose()
    return url


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
            file.unlink()


class PostgresDatabases:
    """Databases of one server, which may have other databases too."""

    def __init__(self, server_url: str, worker: str) -> None:
        self._server = make_url(server_url).set(drivername="postgresql")
        self._prefix = f"wit_test_{worker}"
        self._numbers = itertools.count()
        self._template = f"{_TEMPLATE}_{worker}"
        self._drop(self._template)
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(self._template)))
        migrated(self._url(self._template))

    @contextmanager
    def create(self, *, empty: bool = False) -> Iterator[str]:
        name = f"{self._prefix}_{next(self._numbers)}"
        template = "template0" if empty else self._template
        self._drop(name)
        self._run(
            sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(
                sql.Identifier(name), sql.Identifier(template)
            )
        )
        yield self._url(name)
        self._drop(name)

    def close(self) -> None:
        self._drop(self._template)

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
