"""Syncs one jj repository into the database, and records the result."""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.queries import watching
from wit_admin.errors import JjError, UnavailableError, WitError
from wit_admin.log import fields
from wit_admin.services.jj.sync import JjSyncOptions, JjSyncResult, sync_repository

log = logging.getLogger(__name__)

_ALL = JjSyncOptions()


@dataclass(frozen=True, slots=True)
class Target:
    """The repository to sync."""

    id: uuid.UUID
    name: str
    """Owner and name."""
    workspace: Path
    failures: int = 0
    """The number of failed attempts in a row before this one."""


@dataclass(frozen=True, slots=True)
class SyncReport:
    """The result of syncing one repository."""

    repository: str
    state: str
    """``synced``, ``unchanged`` or ``failed``."""
    seconds: float
    operations: int = 0
    changes: int = 0
    bookmarks: int = 0
    error: str | None = None
    hint: str | None = None

    @property
    def is_failure(self) -> bool:
        """Whether the sync failed: the rows are unchanged, and may be out of date."""
        return self.state == "failed"


@dataclass(frozen=True, slots=True)
class JjReader:
    """Reads repositories below ``root``, and nothing outside of it."""

    sessions: sessionmaker[Session]
    root: Path
    options: JjSyncOptions = _ALL
    retry_delay_s: Callable[[int], float] | None = None
    """The delay before the next attempt, by the number of failures; ``None`` if nobody retries."""

    def sync(self, target: Target) -> SyncReport:
        """Bring the rows of one repository up to date.

        Raises:
            JjError: It cannot be read; the rows are unchanged, and the failure is recorded.
            BusyError: Other processes kept syncing it.
        """
        started = time.monotonic()
        try:
            result = sync_repository(
                self.sessions,
                target.id,
                target.workspace,
                root=self.root,
                now=utc_now(),
                options=self.options,
            )
        except JjError as error:
            self._record(target, error)
            raise
        if target.failures:
            with self.sessions.begin() as session:
                watching.clear_failure(session, target.id)
        return SyncReport(
            target.name,
            "unchanged" if result == JjSyncResult() else "synced",
            round(time.monotonic() - started, 4),
            result.operations,
            result.changes,
            result.bookmarks,
        )

    def try_sync(self, target: Target) -> SyncReport:
        """Like :meth:`sync`, but return a failure of this one repository as a report.

        Raises:
            UnavailableError: The database is gone, which concerns all repositories.
        """
        try:
            return self.sync(target)
        except UnavailableError:
            raise
        except WitError as error:
            message, hint = error.message, error.hint
        except Exception:
            # A bug that one repository brings out must not stop the sync of the others.
            log.exception("A jj sync failed.", extra=fields(repository=target.name))
            message, hint = "This is a bug in wit-admin.", "The log has the details."
        return SyncReport(target.name, "failed", 0.0, error=message, hint=hint)

    def _record(self, target: Target, error: JjError) -> None:
        now, delay_s = utc_now(), None
        if self.retry_delay_s is not None:
            delay_s = self.retry_delay_s(target.failures + 1)
        with self.sessions.begin() as session:
            watching.record_failure(
                session,
                target.id,
                path=str(target.workspace),
                error=f"{error.message} {error.hint}" if error.hint else error.message,
                next_attempt_at=None if delay_s is None else now + timedelta(seconds=delay_s),
            )
