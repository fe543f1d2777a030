"""Creates empty repositories: the folder first, then the row.

The folder that a killed run left has an id, and never had a ref; the next run replaces it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries import repositories
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.errors import ConflictError
from wit_admin.git.repositories import own_config, storage
from wit_admin.names import RepoName
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_owner
from wit_admin.services.repositories.config_values import own_values
from wit_admin.services.repositories.edits import check_description
from wit_admin.services.repositories.folders import free_folder
from wit_admin.services.repositories.moves import ChangedRepository
from wit_admin.services.repositories.root_marker import check_root


@dataclass(frozen=True, slots=True)
class RepositoryOrder:
    """The properties of a new repository."""

    visibility: Visibility
    description: str | None = None
    default_branch: str = "main"
    object_format: ObjectFormat = ObjectFormat.SHA1
    may_exist: bool = False
    """Return an existing repository unchanged, instead of raising an error."""


def create_repository(
    sessions: sessionmaker[Session],
    root: Path,
    name: RepoName,
    order: RepositoryOrder,
    *,
    by: Origin = SYSTEM,
) -> ChangedRepository:
    """Create an empty repository; this ends a redirect from the name to another repository.

    Raises:
        InvalidInputError: The description is too long, or not one line.
        NotFoundError: There is no such owner.
        ConflictError: The name is taken, or there is a folder without a row in its place, or the
            volume is not there.
    """
    check_description(order.description)
    check_root(sessions, root)
    with sessions() as session:
        owner = get_owner(session, name.owner)
    name = RepoName(owner.name, name.name)
    with storage.one_at_a_time(root / name.owner):
        existing = _find_existing(sessions, name, order)
        if existing is not None:
            return existing
        storage.sweep_half_made(root / name.owner)
        place, repo_id = free_folder(sessions, name), new_id()
        own = own_values(
            repo_id,
            name,
            order.visibility,
            owner_type=owner.kind,
            description=order.description,
        )
        _make_folder(root, place, order, own)
        new = NewRepository(
            id=repo_id,
            owner_id=owner.owner_id,
            name=name.name,
            disk_path=place,
            description=order.description,
            visibility=order.visibility,
            default_branch=order.default_branch,
            object_format=order.object_format,
        )
        with sessions.begin() as session:
            repositories.create_repository(session, new, now=utc_now())
            fields = {"visibility": order.visibility, "object_format": order.object_format}
            made = Event("repository.create", "repository", repo_id, str(name), after=fields)
            record(session, made, by=by)
    return ChangedRepository(repo_id, name.owner, name.name, is_changed=True)


def _find_existing(
    sessions: sessionmaker[Session], name: RepoName, order: RepositoryOrder
) -> ChangedRepository | None:
    with sessions() as session:
        existing = repositories.find_repository_by_name(session, name)
    if existing is not None and not order.may_exist:
        raise ConflictError(f"There is a repository {name} already.")
    if existing is None:
        return None
    return ChangedRepository(existing.id, name.owner, existing.name, is_changed=False)


def _make_folder(
    root: Path, place: str, order: RepositoryOrder, own: Mapping[str, str | None]
) -> None:
    standing = storage.resolve(root, place)
    if standing is not None and _is_half_made(standing.gitdir):
        storage.remove(standing.gitdir)
    made = storage.create_bare(
        root,
        place,
        head=order.default_branch,
        object_format=order.object_format.value,
        own=own,
    )
    if not made:
        raise ConflictError(
            f"There is already something in {place} that the database does not know.",
            hint="Look at it below the repository root, and move it away or run 'sync-repos'.",
        )


def _is_half_made(gitdir: Path) -> bool:
    """Return whether a killed run left it: it has an id, and never had a ref."""
    return storage.is_pristine(gitdir) and "id" in own_config.read_own(gitdir)
