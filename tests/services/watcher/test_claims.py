"""Shards that processes share: never two hold one, and what one leaves another takes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import Engine, make_url
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.shard_locks import ShardLocks
from wit_admin.errors import UnavailableError
from wit_admin.services.watcher.claims import ALL, Claims, count_watchers, open_claims

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


def end_connections(url: str) -> None:
    """End the server's side of all connections that hold advisory locks."""
    address = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(address, autocommit=True) as connection:
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

    other = ShardLocks(engine, "wit.watch", len(ALL))
    assert other.settle() == ALL
    assert claims.settle() == frozenset()
    other.close()
    assert claims.settle() == ALL
