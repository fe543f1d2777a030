"""Decides which failures are logged: a repository that fails for days must not fill the log."""

from __future__ import annotations

import uuid

SOONEST_S = 60.0
"""The shortest time between two failures logged for one repository."""
AGAIN_S = 3600.0
"""The time after which the same failure is logged again."""
_MAX_REPOSITORIES = 10_000


class Complaints:
    """Remembers the last failure that was logged for each repository."""

    def __init__(self) -> None:
        self._told: dict[uuid.UUID, tuple[str, float]] = {}

    def is_due(self, repo_id: uuid.UUID, sentence: str, now: float) -> bool:
        """Return whether to log this failure; if so, remember it as logged."""
        told, moment = self._told.get(repo_id, ("", -AGAIN_S))
        if now < moment + (AGAIN_S if sentence == told else SOONEST_S):
            return False
        self._told.pop(repo_id, None)
        if len(self._told) >= _MAX_REPOSITORIES:
            # Forget the oldest; at worst one failure is logged once too often.
            del self._told[next(iter(self._told))]
        self._told[repo_id] = sentence, now
        return True

    def recovered(self, repo_id: uuid.UUID) -> None:
        """Forget the failure of a repository that was synced: the next one is a new failure."""
        if repo_id in self._told:
            self._told[repo_id] = "", self._told[repo_id][1]
