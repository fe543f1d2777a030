"""Writes one described repository into the database, with its stars, labels and activities."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from wit_admin.db.models.repositories import Star, Watch
from wit_admin.db.queries import (
    activities,
    collaborators,
    labels,
    repositories,
    stars,
    teams,
)
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.services.seeds.site import RepositorySeed, after

_NOTHING = "0" * 40


@dataclass(frozen=True, slots=True)
class Names:
    """Ids of what was made before."""

    owners: Mapping[str, uuid.UUID]
    """By the name of a user or an organization."""
    committers: Mapping[str, uuid.UUID]
    """Users by their address."""
    repositories: dict[str, uuid.UUID] = field(default_factory=dict)
    """By ``owner/name``."""


@dataclass(frozen=True, slots=True)
class Writer:
    """What it takes to write about one repository; ``oids`` are its commits by key."""

    session: Session
    seed: RepositorySeed
    names: Names
    oids: Mapping[str, str]
    repo_id: uuid.UUID

    def user(self, name: str) -> uuid.UUID:
        """Return the id of a user."""
        return self.names.owners[name]

    def tell(self, kind: str, actor_id: uuid.UUID, at: datetime, **values: Any) -> None:
        """Record that something happened here."""
        row = {"repo_id": self.repo_id, "type": kind, "actor_id": actor_id, "created_at": at}
        activities.insert_activities(self.session, [{**row, **values}])


def write_repository(
    session: Session, seed: RepositorySeed, names: Names, oids: Mapping[str, str], *, head: str
) -> Writer:
    """Write the row with labels, permissions, pushes and stars.

    Raises:
        ConflictError: There is a repository of that name or at that path.
    """
    commits = seed.history.commits
    new = NewRepository(
        owner_id=names.owners[seed.owner],
        name=seed.name,
        disk_path=seed.repo_name.disk_path,
        description=seed.description,
        visibility=seed.visibility,
        default_branch=head,
        forked_from_id=names.repositories[seed.fork_of] if seed.fork_of else None,
        pushed_at=max((commit.at for commit in commits), default=None),
    )
    repository = repositories.create_repository(session, new, now=after(seed.at))
    writer = Writer(session, seed, names, oids, repository.id)
    _write_labels(writer)
    _write_permissions(writer)
    _write_pushes(writer)
    _write_marks(writer)
    return writer


def _write_labels(writer: Writer) -> None:
    for label in writer.seed.labels:
        labels.create_label(
            writer.session,
            writer.repo_id,
            label.name,
            color=label.color,
            description=label.description,
        )


def _write_permissions(writer: Writer) -> None:
    session, repo_id, now = writer.session, writer.repo_id, after(writer.seed.at)
    for name, permission in writer.seed.collaborators.items():
        user_id = writer.user(name)
        collaborators.set_collaborator(session, repo_id, user_id, permission, now=now)
    for name, permission in writer.seed.teams.items():
        team = teams.find_team(session, writer.names.owners[writer.seed.owner], name)
        if team is not None:
            teams.grant_team(session, team.id, repo_id, permission, now=now)


def _write_pushes(writer: Writer) -> None:
    seed = writer.seed
    if seed.fork_of is not None:
        writer.tell("fork", writer.user(seed.owner), after(seed.at))
    commits = {commit.key: commit for commit in seed.history.commits}
    for branch, key in seed.history.branches.items():
        commit = commits[key]
        if commit.at < after(seed.at):
            # It came with the fork.
            continue
        writer.tell(
            "push",
            writer.names.committers[commit.author.email],
            commit.at,
            ref=f"refs/heads/{branch}",
            before=_NOTHING,
            after=writer.oids[key],
            payload={"kind": "created"},
        )


def _write_marks(writer: Writer) -> None:
    marked: tuple[tuple[stars.Mark, str, Sequence[str]], ...] = (
        (Star, "star", writer.seed.stars),
        (Watch, "watch", writer.seed.watchers),
    )
    for mark, kind, people in marked:
        for number, name in enumerate(people, start=1):
            at = after(writer.seed.at + 5 * number)
            stars.add_mark(writer.session, mark, writer.repo_id, writer.user(name), now=at)
            writer.tell(kind, writer.user(name), at)
