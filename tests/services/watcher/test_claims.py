"""Shards that processes share: never two hold one, and what one leaves another takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from tests.support.processes import wait_until
from wit_admin.db import shard_locks
from wit_admin.db.shard_locks import ShardLocks
from wit_admin.errors import UnavailableError
from wit_admin.services.watcher.claims import (
    ALL,
    APPLICATION_NAME,
    Claims,
    count_watchers,
    open_claims,
)

on_postgresql = pytest.mark.parametrize("_databases", ["postgresql"], indirect=True)

Opener = Callable[[], Claims]


@pytest.fixture
def opener(sessions: sessionmaker[Session], tmp_path: Path) -> Iterator[Opener]:
    with ExitStack() as stack:

        def open_one() -> Claims:
            claims = open_claims(sessions, tmp_path)
            stack.callback(claims.close)
            return claims

        yield open_one


def address(url: str) -> str:
    """Return the URL as the driver itself takes it."""
    return make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)


def end_connections(url: str) -> None:
    """End the server's side of all connections that hold advisory locks."""
    with psycopg.connect(address(url), autocommit=True) as connection:
        connection.execute(
            "SELECT pg_terminate_backend(pid, 30000) FROM pg_locks WHERE locktype = 'advisory'"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database())"
        )


def test_the_only_process_holds_all_until_it_leaves(
    opener: Opener, sessions: sessionmaker[Session], tmp_path: Path
) -> None:
    claims = opener()

    assert count_watchers(sessions, tmp_path) == 0
    assert claims.settle() == claims.settle() == ALL
    assert count_watchers(sessions, tmp_path) == 1
    claims.close()

    assert count_watchers(sessions, tmp_path) == 0
    assert opener().settle() == ALL


@pytest.mark.parametrize("_databases", ["sqlite"], indirect=True)
def test_with_sqlite_a_second_process_waits_for_the_first_to_leave(opener: Opener) -> None:
    first, second = opener(), opener()
    first.settle()

    assert second.settle() == second.settle() == frozenset()
    first.close()

    assert second.settle() == ALL


@on_postgresql
def test_newcomers_get_a_fair_share_when_nobody_works_there_any_more(opener: Opener) -> None:
    first, second = opener(), opener()
    first.settle()

    assert second.settle() == frozenset()
    kept = first.settle()
    busy = ALL - kept
    assert len(kept) == len(busy) == 32
    first.settle(busy={max(busy)})
    assert second.settle() == busy - {max(busy)}
    first.settle()

    assert first.settle() == kept
    assert second.settle() == busy


@on_postgresql
def test_what_one_leaves_the_others_take(opener: Opener) -> None:
    members = [opener() for _ in range(3)]
    for _ in range(4):
        shares = [member.settle() for member in members]
    assert sorted(map(len, shares)) == [20, 22, 22]
    assert frozenset.union(*shares) == ALL

    members.pop(0).close()
    shares = [member.settle() for member in members]

    assert frozenset.union(*shares) == ALL
    assert not shares[0] & shares[1]


@on_postgresql
def test_lost_connection_is_noticed_and_made_anew(
    opener: Opener, database_url: str, engine: Engine
) -> None:
    claims = opener()
    claims.settle()
    end_connections(database_url)

    with pytest.raises(UnavailableError):
        claims.settle()

    other = ShardLocks(engine, "wit.watch", len(ALL), application_name="wit-admin watch")
    assert other.settle() == ALL
    assert claims.settle() == frozenset()
    other.close()
    assert claims.settle() == ALL


@on_postgresql
@pytest.mark.parametrize("is_over", [False, True])
def test_who_takes_over_ends_transactions_of_which_nothing_is_heard(
    opener: Opener, database_url: str, monkeypatch: pytest.MonkeyPatch, *, is_over: bool
) -> None:
    """Those that stand still in or after a pipeline, where the server's own limit does not run."""
    monkeypatch.setattr(shard_locks, "SILENT_S", 0.1)
    claims = opener()
    names = (APPLICATION_NAME, "another")
    with suppress(psycopg.OperationalError), ExitStack() as stack:
        stopped, other = (
            stack.enter_context(psycopg.connect(address(database_url), application_name=name))
            for name in names
        )
        for connection in (stopped, other):
            pipeline = stack.enter_context(connection.pipeline())
            connection.execute("SELECT 1")
            if is_over:
                pipeline.sync()
            connection.pgconn.send_flush_request()
            connection.pgconn.flush()

        wait_until(lambda: claims.settle() and not is_there(stopped, database_url))

        assert is_there(other, database_url)


def is_there(connection: psycopg.Connection[Any], url: str) -> bool:
    query = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s"
    with psycopg.connect(address(url)) as asking:
        row = asking.execute(query, (connection.info.backend_pid,)).fetchone()
    return row != (0,)
