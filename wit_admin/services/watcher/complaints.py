"""Which failures are told: a repository that fails for days must not fill the log."""

from __future__ import annotations

import uuid

SOONEST_S = 60.0
"""Of one repository, whatever is wrong with it."""
AGAIN_S = 3600.0
"""When the same is told again."""
_MOST = 10_000


class Complaints:
    """Remembers what was told of each repository."""

    def __init__(self) -> None:
        self._told: dict[uuid.UUID, tuple[str, float]] = {}

    def is_due(self, repo_id: uuid.UUID, sentence: str, now: float) -> bool:
        """Tell whether this failure is to be told, and take it for told then."""
        told, moment = self._told.get(repo_id, ("", -AGAIN_S))
        if now < moment + (AGAIN_S if sentence == told else SOONEST_S):
            return False
        self._told.pop(repo_id, None)
        if len(self._told) >= _MOST:
            # The longest ago; nothing worse follows than a line too many.
            del self._told[next(iter(self._told))]
        self._told[repo_id] = sentence, now
        return True

    def recovered(self, repo_id: uuid.UUID) -> None:
        """Take in that it was synced: what fails from now on is something new."""
        if repo_id in self._told:
            self._told[repo_id] = "", self._told[repo_id][1]
