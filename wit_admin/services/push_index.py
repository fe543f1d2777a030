"""Which pushes wait to be looked through for change ids, and when failed ones are tried again.

The database knows what is due, so nothing is lost with a process. A server asks it at the start,
now and then, and when the database was away: that finds what other processes left as well.
"""

from __future__ import annotations

import logging
import time
import uuid
from dataclasses import dataclass

from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.errors import JjError
from wit_admin.git.disk import Disk
from wit_admin.log import fields
from wit_admin.services.pushed_changes import index_pushed, list_due

log = logging.getLogger(__name__)

_NOT_INDEXED = "Pushed changes were not indexed."
_FIRST_RETRY_S = 60.0
_LONGEST_RETRY_S = 3600.0
_DOUBLINGS_MOST = 6


@dataclass(frozen=True, slots=True)
class _Failure:
    count: int
    reason: str
    again_at: float


class PushIndex:
    """The pushes that this process is to look through. One thread works, others may add."""

    def __init__(self, sessions: sessionmaker[Session] | None, disk: Disk) -> None:
        """Without a database nothing waits."""
        self._sessions = sessions
        self._disk = disk
        self._waiting: set[uuid.UUID] = set()
        self._failures: dict[uuid.UUID, _Failure] = {}

    @property
    def has_waiting(self) -> bool:
        """Whether there is something to do."""
        return bool(self._waiting)

    def add(self, repo_id: uuid.UUID) -> None:
        """Take in that a repository was pushed to; after a failure, too, that is worth a try."""
        self._waiting.add(repo_id)

    def find(self) -> int:
        """Ask the database what is due; return how many repositories wait now.

        One that failed a short time ago is left out.

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
        """Look through one repository; return how many commits have a change id.

        One that cannot be read is complained of, once for each reason, and left for later.

        Raises:
            UnavailableError: The database is gone, or the disk; what is left is found again later.
        """
        if self._sessions is None or not self._waiting:
            return 0
        # What is pushed from now on may not be seen any more, and is put in again.
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
        count = 0 if before is None else min(before.count + 1, _DOUBLINGS_MOST)
        delay_s = min(_FIRST_RETRY_S * 2.0**count, _LONGEST_RETRY_S)
        again_at = time.monotonic() + delay_s
        self._failures[repo_id] = _Failure(count, error.message, again_at)
