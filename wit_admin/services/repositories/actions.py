"""Actions on a repository, which several commands share.

An action has the repository's id, so it never touches another one that takes the name meanwhile.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from wit_admin.names import RepoName
from wit_admin.services.plans import Action


@dataclass(frozen=True, slots=True)
class RepositoryAction(Action):
    """An action on one repository, with the repository's name when it was planned."""

    repo_id: uuid.UUID
    name: RepoName

    @property
    def target(self) -> str:
        """Owner and name."""
        return str(self.name)


@dataclass(frozen=True, slots=True)
class Delete(RepositoryAction):
    """Move a repository to the trash."""

    kind = "delete"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """Where the repository goes."""
        return "It goes to the trash; 'repo restore' brings it back, with --owner to another owner."


@dataclass(frozen=True, slots=True)
class Transfer(RepositoryAction):
    """Hand a repository to another owner."""

    new_owner: str
    kind = "transfer"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """The new owner, and the effect on its URL."""
        return f"{self.new_owner} gets it from {self.name.owner}; its old URLs lead to it."
