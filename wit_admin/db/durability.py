"""Commits that must outlast a power cut do so on PostgreSQL, whatever its own setting is.

Source: PostgreSQL's documentation of ``synchronous_commit``.
"""

from __future__ import annotations

from sqlalchemy import Connection, Engine, event

DURABLE = "wit_durable"
"""In a session's ``info``: its commit must outlast a power cut."""

# All other settings than "off" wait for the disk, and some for standby servers besides.
_WAIT = (
    "SELECT set_config('synchronous_commit', 'on', true)"
    " WHERE current_setting('synchronous_commit') = 'off'"
)


def wait_for_the_disk(engine: Engine) -> None:
    """Have transactions that are to be durable wait for PostgreSQL's disk."""

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        if connection.get_execution_options().get(DURABLE, False):
            connection.exec_driver_sql(_WAIT)
