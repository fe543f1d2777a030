"""What several commands plan to do to a repository.

An action names its repository by id, so that one which takes the name meanwhile is not touched.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass

from wit_admin.names import RepoName
from wit_admin.services.plans import Action


@dataclass(frozen=True, slots=True)
class RepositoryAction(Action):
    """Something done to one repository, and what it was called when that was planned."""

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
        """Where it goes."""
        return "It goes to the trash; 'repo restore' brings it back, with --owner to another owner."


@dataclass(frozen=True, slots=True)
class Transfer(RepositoryAction):
    """Hand a repository to another owner."""

    new_owner: str
    kind = "transfer"
    is_destructive = True

    @property
    def sentence(self) -> str:
        """Who gets it, and what becomes of its URL."""
        return f"{self.new_owner} gets it from {self.name.owner}; its old URLs lead to it."
