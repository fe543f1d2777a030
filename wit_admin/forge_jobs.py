"""Creates the parts that periodic jobs and maintenance need."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Visibility
from wit_admin.db.revisions import require_current
from wit_admin.errors import ConfigError
from wit_admin.forge import make_jj_options, open_forge, refuse_absent_database
from wit_admin.git.children.tools import GitTools
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.services.audit.trail import Origin
from wit_admin.services.periodic import JobContext
from wit_admin.services.repositories.maintenance import Maintenance
from wit_admin.settings import Settings


def make_maintenance(
    settings: Settings,
    sessions: sessionmaker[Session],
    tools: GitTools,
    inspector: Inspector,
    by: Origin,
) -> Maintenance:
    """Return the maintenance service, which packs repositories and counts their contents."""
    root, run_dir = settings.repositories_root, settings.run_dir
    return Maintenance(sessions, root, run_dir, tools, inspector, by)


@contextmanager
def open_job_context(settings: Settings, by: Origin) -> Iterator[JobContext]:
    """Open the database and the other parts that periodic jobs need.

    Raises:
        ConfigError: There is no database, or its schema is older or newer than is needed.
        UnavailableError: The database is gone.
    """
    if settings.no_database:
        raise ConfigError("Periodic jobs need a database.", hint="Unset no_database.")
    refuse_absent_database(settings)
    with open_forge(settings) as forge:
        assert forge.engine is not None  # noqa: S101  it is asked for a database
        assert forge.sessions is not None  # noqa: S101
        require_current(forge.engine)
        yield JobContext(
            forge.sessions,
            settings.repositories_root,
            settings.run_dir,
            forge.pushes,
            make_maintenance(settings, forge.sessions, forge.tools, forge.inspector, by),
            Visibility(settings.default_visibility),
            trash_age=settings.trash_age,
            records_age=settings.records_age,
            jj_options=make_jj_options(settings),
            by=by,
        )
