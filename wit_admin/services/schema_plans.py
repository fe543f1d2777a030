"""Plans a rollback of the schema, to show what it removes."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Engine

from wit_admin.db import migrate
from wit_admin.services.plans import Action, Plan


@dataclass(frozen=True, slots=True)
class RollBack(Action):
    """Roll back one migration."""

    revision: str
    made: str
    kind = "roll-back"
    is_destructive = True

    @property
    def target(self) -> str:
        """The revision that is rolled back."""
        return self.revision

    @property
    def sentence(self) -> str:
        """What the migration had added."""
        return f"Rows in what it made are lost: {self.made}"


def plan_rollback(engine: Engine, to: str) -> Plan[RollBack]:
    """Return the migrations to roll back on the way back to ``to``, the newest first.

    Raises:
        ConflictError: The database is empty.
        ConfigError: The schema is newer than this program knows.
        InvalidInputError: There is no such revision.
    """
    return Plan(tuple(RollBack(*step) for step in migrate.list_rolled_back(engine, to)))
