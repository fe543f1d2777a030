"""The revisions of the schema that this program knows, and the one that a database is at.

Every command checks this, so it is done without Alembic, whose import takes longer than the work
of most commands.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

from sqlalchemy import ColumnClause, Connection, Engine, column, inspect, select, table

from wit_admin.errors import ConfigError

_FILES = Path(__file__).parent / "migrations" / "versions"
_NUMBER: ColumnClause[str] = column("version_num")
_TABLE = table("alembic_version", _NUMBER)


@cache
def known_revisions() -> tuple[str, ...]:
    """Return all that this program knows, the oldest first: their numbers are in the file names."""
    return tuple(sorted(path.name.split("_")[3] for path in _FILES.glob("????_??_??_*.py")))


def read_revision(connection: Connection) -> str | None:
    """Return the database's revision; ``None`` if it is empty.

    Raises:
        UnavailableError: The database is gone.
    """
    if not inspect(connection).has_table(_TABLE.name):
        return None
    rows = connection.scalars(select(_NUMBER).select_from(_TABLE).order_by(_NUMBER)).all()
    # Several at once are no known revision.
    return "+".join(rows) or None


def require_current(engine: Engine) -> None:
    """Refuse a database with which this program cannot work.

    Raises:
        ConfigError: Its schema is newer than this program knows, or older.
        UnavailableError: The database is gone.
    """
    with engine.connect() as connection:
        revision = read_revision(connection)
    refuse_newer(revision)
    if revision != known_revisions()[-1]:
        raise older_schema(revision, hint="Run 'wit-admin db migrate'.")


def refuse_newer(revision: str | None) -> None:
    """Refuse a schema of which this program knows nothing.

    Raises:
        ConfigError: It is one.
    """
    if revision is not None and revision not in known_revisions():
        raise ConfigError(
            f"The database is at revision {revision}, which this wit-admin does not know.",
            hint="Install the newer wit-admin that made it.",
        )


def older_schema(revision: str | None, *, hint: str) -> ConfigError:
    """Return the error for a schema that lacks migrations; ``hint`` says what to do."""
    return ConfigError(
        f"The database is at revision {revision or 'none'}, "
        f"and this program needs {known_revisions()[-1]}.",
        hint=hint,
    )
