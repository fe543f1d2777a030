"""Plans a rollback of the schema, to show what it removes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from wit_admin.db import migrate
from wit_admin.services.plans import Action, Plan


@dataclass(frozen=True, slots=True)
class TakeBack(Action):
    """Undo one migration."""

    revision: str
    made: str
    kind = "take-back"
    is_destructive = True

    @property
    def target(self) -> str:
        """The revision that is undone."""
        return self.revision

    @property
    def sentence(self) -> str:
        """What the migration had added."""
        return f"Rows in what it made are lost: {self.made}"


def plan_rollback(engine: Engine, to: str) -> Plan[TakeBack]:
    """Return the migrations to undo on the way back to ``to``, the newest first.

    Raises:
        ConflictError: The database is empty.
        ConfigError: The schema is newer than this program knows.
        InvalidInputError: There is no such revision.
    """
    return Plan(tuple(TakeBack(*step) for step in migrate.list_taken_back(engine, to)))
