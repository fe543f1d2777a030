"""Repositories renamed and handed over by an operator.

The folder does not move: a new name or owner is one row and its redirect in one transaction. What
the repository says of itself is written first; the row decides, so a process that is killed in
between leaves only a copy that the next run sets right.
"""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.queries import repositories
from wit_admin.db.queries.repositories import RepositoryEdit
from wit_admin.db.statements import hold_snapshot
from wit_admin.errors import ConflictError, InvalidInputError, NotFoundError
from wit_admin.git import own_config, storage
from wit_admin.git.ref_values import read_ref
from wit_admin.names import RepoName, check_branch_name
from wit_admin.services.audit import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import (
    get_owner,
    get_repository,
    get_repository_id,
    get_repository_name,
    was_renamed,
)
from wit_admin.services.places import archive_values, owner_values

MAX_DESCRIPTION = 350
"""As on GitHub."""


@dataclass(frozen=True, slots=True)
class ChangedRepository:
    """A repository after a change, and whether there was anything to do."""

    id: uuid.UUID
    owner: str
    name: str
    is_changed: bool

    def __str__(self) -> str:
        return f"{self.owner}/{self.name}"


def rename_repository(
    sessions: sessionmaker[Session],
    root: Path,
    old: RepoName,
    new_name: str,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Give a repository another name; its old URLs lead to it.

    Raises:
        NotFoundError: There is no such repository.
        ConflictError: The owner has one of the new name.
    """
    new = RepoName(old.owner, new_name)
    with sessions() as session:
        repo_id = was_renamed(session, old, new) or get_repository_id(session, old)
    return _move(sessions, root, repo_id, new, by)


def transfer_repository(
    sessions: sessionmaker[Session],
    root: Path,
    repo_id: uuid.UUID,
    new_owner: str,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Hand a repository to another owner; its old URLs lead to it.

    Raises:
        NotFoundError: There is no such repository, or owner.
        ConflictError: The new owner has one of that name.
    """
    with sessions() as session:
        old = get_repository_name(session, repo_id)
    return _move(sessions, root, repo_id, RepoName(new_owner, old.name), by)


def set_archived(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    *,
    archived: bool,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Make a repository refuse pushes, or take them again.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        row = get_repository(session, name)
    now = utc_now()
    wanted = (row.archived_at or now) if archived else None
    _tell(root, row, **archive_values(wanted))
    with sessions.begin() as session:
        present = repositories.lock_repository(session, row.id) or get_repository(session, name)
        was = present.archived_at
        is_changed = present.is_archived != archived
        if is_changed:
            repositories.update_repository(session, row.id, now=now, archived_at=wanted)
            action = "repository.archive" if archived else "repository.unarchive"
            record(session, Event(action, "repository", row.id, str(name)), by=by)
    if archived and was not in {None, wanted}:
        # Somebody else was quicker, at another moment.
        _tell(root, row, **archive_values(was))
    return ChangedRepository(row.id, name.owner, row.name, is_changed=is_changed)


def edit_repository(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    *,
    description: str | None,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Say what a repository is about; ``None`` says nothing.

    It stands in the row, in ``[wit]``, and in the file ``description`` that other programs read.

    Raises:
        NotFoundError: There is no such repository.
        InvalidInputError: The text is longer than a line may be, or not a line.
    """
    check_description(description)
    with sessions() as session:
        row = get_repository(session, name)
    found = storage.resolve(root, row.disk_path)
    if found is not None:
        own_config.write_own(found.gitdir, {"id": str(row.id), "description": description})
        storage.write_description(found.gitdir, description)
    is_changed = _edit_row(sessions, row.id, name, "edit", by, description=description)
    return ChangedRepository(row.id, name.owner, row.name, is_changed=is_changed)


def check_description(text: str | None) -> None:
    """Return if a repository can be described so.

    Raises:
        InvalidInputError: It is empty, longer than ``MAX_DESCRIPTION``, or not one line.
    """
    if text is not None and (not text.strip() or not text.isprintable()):
        raise InvalidInputError("A description is one line of text.")
    if text is not None and len(text) > MAX_DESCRIPTION:
        raise InvalidInputError(f"A description has at most {MAX_DESCRIPTION} characters.")


def set_visibility(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    visibility: Visibility,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Say who may read a repository without being named.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        row = get_repository(session, name)
    _tell(root, row, visibility=visibility.value)
    is_changed = _edit_row(sessions, row.id, name, "visibility", by, visibility=visibility)
    return ChangedRepository(row.id, name.owner, row.name, is_changed=is_changed)


def set_head(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    branch: str,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Choose the branch that a clone checks out.

    Raises:
        NotFoundError: There is no such repository, or branch.
        ConflictError: Its folder is gone, or somebody else is changing HEAD just now.
    """
    with sessions() as session:
        row = get_repository(session, name)
    found = storage.resolve(root, row.disk_path)
    if found is None:
        raise ConflictError(f"{name} is known, but not on disk.")
    if not read_ref(found.gitdir, f"refs/heads/{check_branch_name(branch)}"):
        raise NotFoundError(f"{name} has no branch {branch!r}.")
    is_changed = storage.read_head(found.gitdir) != branch
    if is_changed:
        try:
            storage.set_head(found.gitdir, branch)
        except FileExistsError:
            raise ConflictError(
                "HEAD is locked just now.",
                hint="Try again; if no git runs there, remove HEAD.lock.",
            ) from None
    is_changed |= _edit_row(sessions, row.id, name, "set_head", by, default_branch=branch)
    return ChangedRepository(row.id, name.owner, row.name, is_changed=is_changed)


def _move(
    sessions: sessionmaker[Session], root: Path, repo_id: uuid.UUID, new: RepoName, by: Origin
) -> ChangedRepository:
    with sessions() as session:
        # Somebody else may be about to give it another name.
        hold_snapshot(session)
        old = get_repository_name(session, repo_id)
        row = get_repository(session, old)
        owner = get_owner(session, new.owner)
        taken = repositories.find_repository_id(session, new)
    if taken not in {None, repo_id}:
        raise ConflictError(f"There is a repository {new} already.")
    _tell(root, row, **owner_values(owner.name, owner.kind), name=new.name)
    with sessions.begin() as session:
        # Somebody else may have done the same since the row was read.
        present = repositories.lock_repository(session, repo_id)
        is_changed = present is not None and (owner.owner_id, new.name) != (
            present.owner_id,
            present.name,
        )
        if is_changed:
            repositories.rename_repository(
                session, repo_id, new.name, owner_id=owner.owner_id, now=utc_now()
            )
            action = "transfer" if owner.owner_id != row.owner_id else "rename"
            was, now_is = {"name": str(old)}, {"name": f"{owner.name}/{new.name}"}
            event = Event(f"repository.{action}", "repository", repo_id, str(old), was, now_is)
            record(session, event, by=by)
    return ChangedRepository(repo_id, owner.name, new.name, is_changed=is_changed)


def _edit_row(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    name: RepoName,
    verb: str,
    by: Origin,
    **edit: Unpack[RepositoryEdit],
) -> bool:
    """Change a row, and record it; false when somebody else has done just that."""
    with sessions.begin() as session:
        present = repositories.lock_repository(session, repo_id)
        was = {field: getattr(present, field, None) for field in edit}
        if was == edit:
            return False
        repositories.update_repository(session, repo_id, now=utc_now(), **edit)
        event = Event(f"repository.{verb}", "repository", repo_id, str(name), was, {**edit})
        record(session, event, by=by)
    return True


def _tell(root: Path, row: Repository, **told: str | None) -> None:
    """Let the repository say it of itself, for the day when only the disk is left."""
    found = storage.resolve(root, row.disk_path)
    if found is not None:
        own_config.write_own(found.gitdir, {"id": str(row.id), **told})
