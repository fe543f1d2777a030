"""Queues recorded pushes whose commits must be searched for change ids, and retries failures.

The database knows what is due, so nothing is lost when a process dies. A server asks it at the
start, at intervals, and after a database outage; so it also finds what other processes left.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import JjError
from wit_admin.git.repositories.disk import Disk
from wit_admin.log import fields
from wit_admin.services.jj.pushed_changes import index_pushed, list_due

log = logging.getLogger(__name__)

_NOT_INDEXED = "Pushed changes were not indexed."
_FIRST_RETRY_S = 60.0
_LONGEST_RETRY_S = 3600.0
_MAX_DOUBLINGS = 6


@dataclass(frozen=True, slots=True)
class _Failure:
    count: int
    reason: str
    again_at: float


class PushIndex:
    """The repositories whose pushes this process must search. One thread works, others may add."""

    def __init__(self, sessions: sessionmaker[Session] | None, disk: Disk) -> None:
        """Create an empty queue; without a database it stays empty."""
        self._sessions = sessions
        self._disk = disk
        self._waiting: set[uuid.UUID] = set()
        self._failures: dict[uuid.UUID, _Failure] = {}

    @property
    def has_waiting(self) -> bool:
        """Whether a repository is in the queue."""
        return bool(self._waiting)

    def add(self, repo_id: uuid.UUID) -> None:
        """Queue a repository that was pushed to, even if it failed a moment ago."""
        self._waiting.add(repo_id)

    def find(self) -> int:
        """Queue what the database says is due; return how many repositories are queued now.

        A repository that failed a short time ago is left out.

        Raises:
            UnavailableError: The database is gone.
        """
        if self._sessions is not None:
            now, due = time.monotonic(), list_due(self._sessions)
            self._failures = {key: self._failures[key] for key in due if key in self._failures}
            failures = self._failures
            self._waiting.update(
                key for key in due if key not in failures or failures[key].again_at <= now
            )
        return len(self._waiting)

    def index_next(self) -> int:
        """Search the pushes to one repository; return how many commits have a change id.

        A repository that cannot be read is logged, once for each reason, and tried again later.

        Raises:
            UnavailableError: The database is gone, or the disk; what is left is found again later.
        """
        if self._sessions is None or not self._waiting:
            return 0
        # This pass may miss what is pushed from now on, so such a push must queue it again.
        repo_id = self._waiting.pop()
        try:
            count = index_pushed(self._sessions, self._disk, repo_id)
        except JjError as error:
            self._failed(repo_id, error)
            return 0
        except IntegrityError:
            log.debug(_NOT_INDEXED, extra=fields(repository=repo_id, reason="it was removed"))
            count = 0
        if self._failures.pop(repo_id, None) is not None:
            log.info("Pushed changes are indexed again.", extra=fields(repository=repo_id))
        return count

    def _failed(self, repo_id: uuid.UUID, error: JjError) -> None:
        before = self._failures.get(repo_id)
        if before is None or before.reason != error.message:
            log.warning(
                _NOT_INDEXED,
                extra=fields(repository=repo_id, reason=error.message, hint=error.hint),
            )
        count = 0 if before is None else min(before.count + 1, _MAX_DOUBLINGS)
        delay_s = min(_FIRST_RETRY_S * 2.0**count, _LONGEST_RETRY_S)
        again_at = time.monotonic() + delay_s
        self._failures[repo_id] = _Failure(count, error.message, again_at)
