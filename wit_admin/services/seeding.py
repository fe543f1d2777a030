"""Fills an empty forge with example data, for development or demonstrations.

Each step first checks whether its data exist, and is a separate transaction. So the next run
completes a run that was killed, and of two runs at the same time the second finds the first's data.
"""

from __future__ import annotations

import enum
import uuid
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.repositories import Visibility
from wit_admin.db.paging import PageRequest
from wit_admin.db.queries import repositories, users
from wit_admin.errors import ConflictError, RefusedError
from wit_admin.git.objects.history import write_history
from wit_admin.git.refs.head import read_head
from wit_admin.git.refs.names import HEADS_TEXT
from wit_admin.git.repositories import storage
from wit_admin.git.repositories.sweep import sweep
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.seeds.demo import DEMO
from wit_admin.services.seeds.dev import DEV
from wit_admin.services.seeds.discussions import write_discussions
from wit_admin.services.seeds.owners import ensure_organization, ensure_user
from wit_admin.services.seeds.rows import Names, write_repository
from wit_admin.services.seeds.site import RepositorySeed, Site


class Profile(enum.StrEnum):
    """How much to seed."""

    DEV = "dev"
    DEMO = "demo"


_SITES: dict[Profile, Site] = {Profile.DEV: DEV, Profile.DEMO: DEMO}


@dataclass(frozen=True, slots=True)
class SeededRepository:
    """A repository of the profile, and whether this run created it."""

    name: str
    visibility: Visibility
    is_new: bool


@dataclass(frozen=True, slots=True)
class SeedResult:
    """What the forge now has of the profile."""

    profile: Profile
    users: tuple[str, ...]
    organizations: tuple[str, ...]
    repositories: tuple[SeededRepository, ...]


def seed(
    sessions: sessionmaker[Session],
    root: Path,
    profile: Profile,
    *,
    force: bool = False,
    by: Origin = SYSTEM,
) -> SeedResult:
    """Create what ``profile`` describes and does not exist yet, with repositories below ``root``.

    Raises:
        RefusedError: There are accounts that no profile creates, and ``force`` is not given.
        ConflictError: Another owner has a name, or another repository a folder.
    """
    site = _SITES[profile]
    with sessions() as session:
        if not force:
            _refuse_strangers(session)
    told = Event("database.seed", after={"profile": profile, "force": force})
    names = _seed_owners(sessions, site, told, by=by)
    seeded = []
    for described in site.repositories:
        repo_id, is_new = _seed_repository(sessions, root, described, names, by=by)
        names.repositories[str(described.repo_name)] = repo_id
        seeded.append(SeededRepository(str(described.repo_name), described.visibility, is_new))
    return SeedResult(
        profile,
        tuple(person.username for person in site.people),
        tuple(organization.name for organization in site.organizations),
        tuple(seeded),
    )


def _refuse_strangers(session: Session) -> None:
    ours = {(p.username, p.email) for site in _SITES.values() for p in site.people}
    # If there are more accounts than that, at least one is not from a profile.
    page = users.search_users(session, at=PageRequest(len(ours) + 1))
    strangers = [row.username for row in page.items if (row.username, row.email) not in ours]
    if strangers:
        raise RefusedError(
            f"The database has accounts of its own, such as {strangers[0]}.",
            hint="Seed an empty one, or add --force.",
        )


def _seed_owners(sessions: sessionmaker[Session], site: Site, told: Event, *, by: Origin) -> Names:
    with sessions.begin() as session:
        owners = {person.username: ensure_user(session, person) for person in site.people}
        record(session, told, by=by)
    committers = {person.email: owners[person.username] for person in site.people}
    for described in site.organizations:
        with sessions.begin() as session:
            owners[described.name] = ensure_organization(session, described, owners)
    return Names(owners, committers)


def _seed_repository(
    sessions: sessionmaker[Session],
    root: Path,
    described: RepositorySeed,
    names: Names,
    *,
    by: Origin,
) -> tuple[uuid.UUID, bool]:
    """Create one repository, disk first; return its id, and whether it is new."""
    name = described.repo_name
    with sessions() as session:
        found = repositories.find_repository_id(session, name)
    if found is not None:
        return found, False
    gitdir, oids = _put_on_disk(root, described)
    head = read_head(gitdir) or described.default_branch
    try:
        with sessions.begin() as session:
            writer = write_repository(session, described, names, oids, head=head)
            original = described.fork_of
            about = names.repositories[original] if original else writer.repo_id
            write_discussions(writer, about=about)
            fields = {"visibility": described.visibility}
            made = Event("repository.create", "repository", writer.repo_id, str(name), None, fields)
            record(session, made, by=by)
    except ConflictError:
        with sessions() as session:
            found = repositories.find_repository_id(session, name)
        if found is None:
            raise
        return found, False
    return writer.repo_id, True


def _put_on_disk(root: Path, described: RepositorySeed) -> tuple[Path, dict[str, str]]:
    """Create the repository or complete it; return where it is, and the ids of its commits."""
    disk_path, history = described.repo_name.disk_path, described.history
    # Another run would find the refs locked that this one is writing.
    with storage.one_at_a_time((root / disk_path).parent):
        storage.create_bare(root, disk_path, head=described.default_branch)
        gitdir = _find_on_disk(root, disk_path)
        tags = (f"refs/tags/{tag.name}" for tag in history.tags)
        sweep(gitdir, [*(f"{HEADS_TEXT}{name}" for name in history.branches), *tags])
        return gitdir, write_history(gitdir, history)


def _find_on_disk(root: Path, disk_path: str) -> Path:
    found = storage.resolve(root, disk_path)
    if found is None:
        raise ConflictError(
            f"Something else is at {root / disk_path}", hint="Move it away, then try again."
        )
    return found.gitdir
