"""What several commands plan to do to an account or an organization."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from wit_admin.services.plans import Action


@dataclass(frozen=True, slots=True)
class OwnerAction(Action):
    """Something done to one owner, and what it was called when that was planned."""

    owner_id: uuid.UUID
    name: str

    @property
    def target(self) -> str:
        """The owner."""
        return self.name
