"""Edits repositories: description, visibility, HEAD, archived or not.

The repository's config is written first, and then the row, which decides.
"""

from __future__ import annotations

import uuid
from pathlib import Path
from typing import Unpack

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import utc_now
from wit_admin.db.models.repositories import Visibility
from wit_admin.db.queries import repositories
from wit_admin.db.queries.repositories import RepositoryEdit
from wit_admin.errors import ConflictError, InvalidInputError, NotFoundError
from wit_admin.git.refs.head import read_head
from wit_admin.git.refs.values import read_ref
from wit_admin.git.repositories import own_config, storage
from wit_admin.git.repositories.moved_head import move_head
from wit_admin.names import RepoName, check_branch_name
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_repository
from wit_admin.services.repositories.config_values import archive_values
from wit_admin.services.repositories.moves import ChangedRepository, tell_folder

MAX_DESCRIPTION = 350
"""The same limit as on GitHub."""


def edit_repository(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    *,
    description: str | None,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Set the description of a repository; ``None`` clears it.

    It is stored in the row, in ``[wit]``, and in the file ``description`` that other programs read.

    Raises:
        NotFoundError: There is no such repository.
        InvalidInputError: The text is too long, or not one line.
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
    """Check that a text can be the description of a repository.

    Raises:
        InvalidInputError: It is empty, longer than ``MAX_DESCRIPTION``, or not one line.
    """
    if text is not None and (not text.strip() or not text.isprintable()):
        raise InvalidInputError("A description is one line of text.")
    if text is not None and len(text) > MAX_DESCRIPTION:
        raise InvalidInputError(f"A description has at most {MAX_DESCRIPTION} characters.")


def set_archived(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    *,
    archived: bool,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Archive a repository, so that it refuses pushes, or unarchive it.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        row = get_repository(session, name)
    now = utc_now()
    wanted = (row.archived_at or now) if archived else None
    tell_folder(root, row, **archive_values(wanted))
    with sessions.begin() as session:
        present = repositories.lock_repository(session, row.id) or get_repository(session, name)
        was = present.archived_at
        is_changed = present.is_archived != archived
        if is_changed:
            repositories.update_repository(session, row.id, now=now, archived_at=wanted)
            action = "repository.archive" if archived else "repository.unarchive"
            told = {"archived_at": was}, {"archived_at": wanted}
            record(session, Event(action, "repository", row.id, str(name), *told), by=by)
    if archived and was not in {None, wanted}:
        # Another process archived it first, with another time.
        tell_folder(root, row, **archive_values(was))
    return ChangedRepository(row.id, name.owner, row.name, is_changed=is_changed)


def set_visibility(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    visibility: Visibility,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Set who may read a repository.

    Raises:
        NotFoundError: There is no such repository.
    """
    with sessions() as session:
        row = get_repository(session, name)
    tell_folder(root, row, visibility=visibility.value)
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
    is_changed = read_head(found.gitdir) != branch
    if is_changed:
        move_head(found.gitdir, branch)
    is_changed |= _edit_row(sessions, row.id, name, "set_head", by, default_branch=branch)
    return ChangedRepository(row.id, name.owner, row.name, is_changed=is_changed)


def _edit_row(
    sessions: sessionmaker[Session],
    repo_id: uuid.UUID,
    name: RepoName,
    verb: str,
    by: Origin,
    **edit: Unpack[RepositoryEdit],
) -> bool:
    """Update a row, and record that; return false if it has these values already."""
    with sessions.begin() as session:
        present = repositories.lock_repository(session, repo_id)
        was = {field: getattr(present, field, None) for field in edit}
        if was == edit:
            return False
        repositories.update_repository(session, repo_id, now=utc_now(), **edit)
        event = Event(f"repository.{verb}", "repository", repo_id, str(name), was, {**edit})
        record(session, event, by=by)
    return True
