"""The base of actions on an account or an organization, which several commands share."""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from wit_admin.services.plans import Action


@dataclass(frozen=True, slots=True)
class OwnerAction(Action):
    """An action on one owner, with the owner's name when it was planned."""

    owner_id: uuid.UUID
    name: str

    @property
    def target(self) -> str:
        """The owner's name."""
        return self.name
