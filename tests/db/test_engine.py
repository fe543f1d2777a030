from __future__ import annotations

import random
import threading
import time
from contextlib import suppress
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy import Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session, sessionmaker

from tests.support.processes import PATIENCE_S, wait_until
from wit_admin.db.core import fetch_tuples
from wit_admin.db.durability import DURABLE
from wit_admin.db.engine import EngineOptions, make_sessions, open_engine, parse_url, ping
from wit_admin.db.models.accounts import User
from wit_admin.db.models.events import WebhookDelivery
from wit_admin.errors import ConfigError, UnavailableError


def test_ping_says_how_long_the_database_took(engine: Engine) -> None:
    started = time.perf_counter()

    assert 0 < ping(engine) <= time.perf_counter() - started


def test_both_spellings_of_a_postgresql_url_mean_the_same() -> None:
    assert parse_url("postgres://h/n") == parse_url("postgresql://h/n")


@pytest.mark.parametrize(
    "url", ["mysql://h/n", "sqlite://", "sqlite:///:memory:", "no url", "postgresql://h:x/n"]
)
def test_an_unusable_url_is_a_setting_gone_wrong(url: str) -> None:
    with pytest.raises(ConfigError):
        open_engine(url)


def test_an_unreadable_url_is_not_quoted_because_it_may_hold_a_password() -> None:
    with pytest.raises(ConfigError) as caught:
        open_engine("postgresql://alice:hunter2@h:port/n")

    assert "hunter2" not in str(caught.value)


def test_an_absent_server_is_unavailable_and_the_password_stays_secret() -> None:
    engine = open_engine("postgresql://alice:hunter2@127.0.0.1:1/n")

    with pytest.raises(UnavailableError) as caught:
        ping(engine)

    assert "hunter2" not in str(caught.value)


def test_a_file_that_cannot_be_opened_is_unavailable(tmp_path: Path) -> None:
    with pytest.raises(UnavailableError, match="cannot be opened"):
        ping(open_engine(f"sqlite:///{tmp_path}/absent/wit.db"))


def test_a_file_that_is_no_database_is_unavailable(tmp_path: Path) -> None:
    (tmp_path / "wit.db").write_bytes(b"something else entirely " * 100)

    with pytest.raises(UnavailableError, match="not a database"):
        ping(open_engine(f"sqlite:///{tmp_path}/wit.db"))


def test_a_file_that_is_damaged_further_in_is_unavailable(tmp_path: Path) -> None:
    numbers = sa.Table(
        "numbers", sa.MetaData(), sa.Column("n", sa.Integer), sa.Column("t", sa.Text)
    )
    file = tmp_path / "wit.db"
    engine = open_engine(f"sqlite:///{file}")
    numbers.create(engine)
    with make_sessions(engine).begin() as session:
        session.connection().execute(
            numbers.insert(), [{"n": n, "t": "x" * 99} for n in range(999)]
        )
    with make_sessions(engine)() as session:
        assert fetch_tuples(session, sa.select(numbers.c.n), {})[998:] == [(998,)]
    engine.dispose()
    content = file.read_bytes()
    half = len(content) // 2
    file.write_bytes(content[:half] + b"\xff" * half)

    with make_sessions(engine)() as session, pytest.raises(UnavailableError, match="damaged"):
        fetch_tuples(session, sa.select(numbers), {})


@pytest.mark.parametrize(
    "change", ["DROP TABLE webhook_deliveries", "ALTER TABLE users DROP COLUMN bio"]
)
def test_a_schema_that_lacks_something_says_how_to_migrate(engine: Engine, change: str) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(change))
    lacking = WebhookDelivery if "TABLE webhook" in change else User

    with Session(engine) as session, pytest.raises(ConfigError) as caught:
        session.scalars(sa.select(lacking)).all()

    assert caught.value.hint == "Run 'wit-admin db migrate'."


def test_what_is_too_large_for_an_index_is_no_absent_database(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no such limit")
    value = "".join(random.Random(5).choices("0123456789abcdefghijklmnopqrstuvwxyz", k=6000))

    with engine.connect() as connection:
        connection.execute(sa.text("CREATE TEMPORARY TABLE names (name text PRIMARY KEY)"))
        with pytest.raises(OperationalError, match="maximum"):
            connection.execute(sa.text("INSERT INTO names VALUES (:name)"), {"name": value})


def test_a_pool_without_a_free_connection_is_unavailable(database_url: str) -> None:
    options = EngineOptions(pool_size=1, max_overflow=0, pool_timeout_s=0.05)
    engine = open_engine(database_url, options)

    with engine.connect(), pytest.raises(UnavailableError, match="in use"):
        ping(engine)

    engine.dispose()


def test_a_connection_that_the_server_ended_is_replaced_unseen(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server")
    ping(engine)
    other = open_engine(engine.url)
    with other.begin() as connection:
        connection.execute(
            sa.text(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
        )
    other.dispose()

    assert ping(engine) > 0


def test_a_connection_that_ends_in_the_middle_is_unavailable(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server")

    with engine.connect() as connection, pytest.raises(UnavailableError):
        connection.execute(sa.text("SELECT pg_terminate_backend(pg_backend_pid())"))

    assert ping(engine) > 0


def test_an_answer_that_does_not_come_in_time_is_given_up(database_url: str) -> None:
    """A frozen server, and a network that swallows packets, once held every thread for ever."""
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no server")
    engine = open_engine(database_url, EngineOptions(patience_s=0.2))

    too_late = pytest.raises(UnavailableError, match=r"did not answer for 0\.2 s")
    with engine.connect() as connection, too_late:
        connection.execute(sa.text("SELECT pg_sleep(60)"))

    wait_until(lambda: answers(engine))
    engine.dispose()


def answers(engine: Engine) -> bool:
    """Tell whether the server answers; a busy one may do so too late for an engine in a hurry."""
    with suppress(UnavailableError):
        return ping(engine) > 0
    return False


def test_an_answer_that_takes_a_while_is_waited_for(database_url: str) -> None:
    if database_url.startswith("sqlite"):
        pytest.skip("SQLite has no server")
    engine = open_engine(database_url, EngineOptions(patience_s=PATIENCE_S))

    with engine.connect() as connection:
        # The driver wakes meanwhile.
        connection.execute(sa.text("SELECT pg_sleep(0.25)"))

    engine.dispose()


def test_a_writer_that_waits_too_long_is_told_so(tmp_path: Path) -> None:
    engine = open_engine(f"sqlite:///{tmp_path}/wit.db", EngineOptions(busy_timeout_ms=20))
    sessions = make_sessions(engine)

    with sessions.begin() as first, sessions.begin() as second:
        first.execute(sa.text("SELECT 1"))
        with pytest.raises(UnavailableError, match="held it for too long"):
            second.execute(sa.text("SELECT 1"))

    engine.dispose()


def test_transactions_that_read_and_then_write_never_lose_an_update(
    sessions: sessionmaker[Session],
) -> None:
    """On SQLite a deferred transaction would fail here as soon as another wrote in between."""
    with sessions.begin() as session:
        session.add(User(name="alice", bio="0"))

    def count_up() -> None:
        for _ in range(20):
            with sessions.begin() as session:
                user = session.scalars(sa.select(User).with_for_update()).one()
                user.bio = str(int(user.bio or 0) + 1)

    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    with sessions() as session:
        assert session.scalars(sa.select(User.bio)).one() == "80"


def test_readers_do_not_wait_for_a_writer(sessions: sessionmaker[Session]) -> None:
    with sessions.begin() as writer:
        writer.add(User(name="alice"))
        writer.flush()  # takes the row lock before the reader looks

        with sessions() as reader:
            assert reader.scalars(sa.select(User)).all() == []


def test_commit_that_must_outlast_a_power_cut_is_synced(
    engine: Engine, sessions: sessionmaker[Session]
) -> None:
    if engine.dialect.name != "sqlite":
        pytest.skip("of PostgreSQL the next test asks")
    question = sa.text("PRAGMA synchronous")

    with sessions(info={DURABLE: True}) as session, session.begin():
        durable = session.scalar(question)
    with sessions.begin() as session:
        usual = session.scalar(question)

    assert (durable, usual) == (2, 1)


def test_user_without_rights_is_a_setting_to_mend(engine: Engine) -> None:
    """It was called a bug of ours."""
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no users")

    with engine.begin() as connection:
        # It is there on every server, and may read no table.
        connection.execute(sa.text("SET LOCAL ROLE pg_signal_backend"))
        with pytest.raises(ConfigError, match="does not let its user do this: permission denied"):
            connection.execute(sa.select(User.id))


def test_server_that_only_reads_is_unavailable(engine: Engine) -> None:
    if engine.dialect.name == "sqlite":
        pytest.skip("SQLite has no server")

    with engine.begin() as connection:
        connection.execute(sa.text("SET TRANSACTION READ ONLY"))
        with pytest.raises(UnavailableError, match="it is read-only"):
            connection.execute(sa.delete(User))


@pytest.mark.parametrize(("own", "durable"), [("off", "on"), ("remote_apply", "remote_apply")])
def test_durable_commits_wait_for_the_disk_of_postgresql(
    database_url: str, own: str, durable: str
) -> None:
    question = sa.text("SHOW synchronous_commit")
    if database_url.startswith("sqlite"):
        pytest.skip("of SQLite another test asks")
    joint = "&" if "?" in database_url else "?"
    engine = open_engine(f"{database_url}{joint}options=-csynchronous_commit%3D{own}")
    sessions = make_sessions(engine)

    with sessions(info={DURABLE: True}) as session, session.begin():
        journalled = session.scalar(question)
    with sessions.begin() as session:
        usual = session.scalar(question)

    engine.dispose()
    assert (journalled, usual) == (durable, own)
