from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.script import ScriptDirectory
from sqlalchemy import Engine

from tests.support.rows import TABLES, fill
from wit_admin.db import migrate
from wit_admin.db.engine import open_engine
from wit_admin.db.revisions import known_revisions
from wit_admin.errors import ConfigError, ConflictError, InvalidInputError

_MIGRATE = """
import sys
from wit_admin.db import migrate
from wit_admin.db.engine import open_engine
print(migrate.upgrade(open_engine(sys.argv[1])).revision)
"""
_MIGRATE_AND_HANG = """
import signal, sys
from sqlalchemy import event
from wit_admin.db import migrate
from wit_admin.db.engine import open_engine
engine = open_engine(sys.argv[1])
@event.listens_for(engine, "after_cursor_execute")
def hang(connection, cursor, statement, *rest):
    if "CREATE TABLE repositories" in statement:
        print("half-way", flush=True)
        signal.pause()
migrate.upgrade(engine)
"""
ROOT = Path(__file__).parents[2]


def start(program: str, url: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", program, url], stdout=subprocess.PIPE, text=True, cwd=ROOT
    )


def tables(engine: Engine) -> set[str]:
    return set(sa.inspect(engine).get_table_names())


def test_models_and_schema_agree(engine: Engine) -> None:
    assert migrate.list_differences(engine) == []


def test_a_missing_index_is_a_difference(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("DROP INDEX ix_sessions_user_id"))

    assert migrate.list_differences(engine) == ["add index ix_sessions_user_id of sessions"]


def test_differences_are_named_as_what_would_end_them(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE stray (id INTEGER)"))
        connection.execute(sa.text("ALTER TABLE labels ADD COLUMN mood VARCHAR(10)"))

    assert set(migrate.list_differences(engine)) == {
        "remove table stray",
        "remove column labels.mood",
    }


def test_an_empty_database_has_nothing_to_roll_back(engine: Engine) -> None:
    migrate.downgrade(engine, "base")

    with pytest.raises(ConflictError, match="empty"):
        migrate.downgrade(engine)


def test_down_and_up_again_with_a_row_in_every_table(engine: Engine) -> None:
    with engine.begin() as connection:
        fill(connection)

    migrate.downgrade(engine, "base")
    left = tables(engine)
    migrate.upgrade(engine)

    assert left <= {"alembic_version"}
    assert tables(engine) == {table.name for table in TABLES} | {"alembic_version"}


def test_status_of_an_empty_database_lists_what_is_pending(empty_database_url: str) -> None:
    engine = open_engine(empty_database_url)

    before = migrate.status(engine)
    after = migrate.upgrade(engine)

    assert before.revision is None
    assert before.pending[-1] == before.head
    assert (after.revision, after.pending) == (before.head, ())
    engine.dispose()


def test_revisions_are_known_without_alembic() -> None:
    scripts = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))

    in_order = [script.revision for script in scripts.walk_revisions()][::-1]
    assert list(known_revisions()) == in_order


def test_upgrading_twice_changes_nothing(engine: Engine) -> None:
    assert migrate.upgrade(engine) == migrate.upgrade(engine)


def test_two_migrators_at_once_both_end_well(empty_database_url: str) -> None:
    children = [start(_MIGRATE, empty_database_url) for _ in range(2)]

    ended = [(child.communicate(timeout=60)[0].strip(), child.returncode) for child in children]

    engine = open_engine(empty_database_url)
    head = migrate.status(engine).head
    engine.dispose()
    assert ended == [(head, 0), (head, 0)]


def test_a_migrator_killed_half_way_leaves_nothing_behind(empty_database_url: str) -> None:
    child = start(_MIGRATE_AND_HANG, empty_database_url)
    assert child.stdout is not None
    assert child.stdout.readline() == "half-way\n"

    child.send_signal(signal.SIGKILL)
    child.communicate()

    engine = open_engine(empty_database_url)
    assert tables(engine) == set()
    assert migrate.upgrade(engine).pending == ()
    engine.dispose()


def test_a_newer_schema_is_refused(engine: Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))

    assert migrate.status(engine).is_newer
    with pytest.raises(ConfigError, match="9999"):
        migrate.upgrade(engine)
    with pytest.raises(ConfigError, match="9999"):
        migrate.downgrade(engine)


def test_a_revision_that_does_not_exist_is_refused(engine: Engine) -> None:
    with pytest.raises(InvalidInputError, match="nowhere"):
        migrate.upgrade(engine, "nowhere")
    with pytest.raises(InvalidInputError, match="nowhere"):
        migrate.render_sql(engine.dialect.name, "nowhere")


@pytest.mark.parametrize("dialect", ["sqlite", "postgresql"])
def test_sql_makes_every_table(dialect: str) -> None:
    text = migrate.render_sql(dialect)

    assert all(f"CREATE TABLE {table.name} " in text for table in TABLES)
