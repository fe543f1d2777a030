"""Imports repositories: fetches into a hidden folder, moves it into place, inserts the row.

If it is killed before the move, only that folder is left, and the next run removes it. If it is
killed after the move, the next run finds by ``[wit]`` that it is complete, and inserts the row.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.base import new_id, utc_now
from wit_admin.db.models.accounts import OwnerType
from wit_admin.db.models.repositories import ObjectFormat, Visibility
from wit_admin.db.queries import repositories
from wit_admin.db.queries.repositories import NewRepository
from wit_admin.errors import ConflictError, NotFoundError
from wit_admin.git.children.limited_child import ChildLimits
from wit_admin.git.children.tools import GitTools
from wit_admin.git.objects.kinds import uses_sha256
from wit_admin.git.refs.head import choose_head, read_head
from wit_admin.git.refs.values import read_ref
from wit_admin.git.remotes.addresses import resolve_host
from wit_admin.git.remotes.fetching import Remote, RemoteRefs
from wit_admin.git.remotes.sources import PORTS, Source
from wit_admin.git.repositories import own_config, storage
from wit_admin.git.repositories.inspection import Inspector
from wit_admin.git.repositories.staging import open_staging
from wit_admin.git.repositories.summary import size_of_objects
from wit_admin.names import RepoName, check_branch_name
from wit_admin.services.audit.trail import SYSTEM, Event, Origin, record
from wit_admin.services.lookups import get_owner
from wit_admin.services.repositories.config_values import own_values
from wit_admin.services.repositories.edits import check_description
from wit_admin.services.repositories.folders import free_folder
from wit_admin.services.repositories.moves import ChangedRepository
from wit_admin.services.repositories.root_marker import check_root


@dataclass(frozen=True, slots=True)
class ImportOrder:
    """Where to import from, and the properties of the new repository."""

    source: Source
    visibility: Visibility
    description: str | None = None
    credentials: str | None = None
    """``user:password``, or a token, or for SSH the path of a private key."""
    all_refs: bool = False
    """Fetch also the refs that forges keep beside branches, tags and notes."""
    fsck: bool = True
    may_be_private: bool = False
    """Allow a host whose address is not public."""
    may_exist: bool = False
    """Return an existing repository unchanged, instead of raising an error."""


@dataclass(frozen=True, slots=True)
class Importer:
    """Imports repositories, each under the same limits."""

    sessions: sessionmaker[Session]
    root: Path
    tools: GitTools
    limits: ChildLimits
    shared_objects: tuple[Path, ...] = ()
    by: Origin = SYSTEM

    def run(
        self, name: RepoName, order: ImportOrder, tell: Callable[[str], object] = lambda line: None
    ) -> ChangedRepository:
        """Import a repository; ``tell`` gets git's progress, line by line.

        Raises:
            NotFoundError: There is no such owner, or nothing at the source.
            ConflictError: There is one of that name, or the source is one that git cannot trust,
                or the volume is not there.
            BusyError: Somebody else imports to that name.
            NotAllowedError: The source has an address that is not public.
            TooLargeError: The source is larger than an import may be.
            UnavailableError: The source does not answer, or not in time.
        """
        check_description(order.description)
        check_root(self.sessions, self.root)
        self.tools.require_git()
        with self.sessions() as session:
            owner = get_owner(session, name.owner)
            existing = repositories.find_repository_by_name(session, name)
        name = RepoName(owner.name, name.name)
        if existing is not None and order.may_exist:
            return ChangedRepository(existing.id, owner.name, existing.name, is_changed=False)
        if existing is not None:
            raise _taken(name)
        if (repo_id := self._find_finished(name, owner.kind, order)) is None:
            repo_id = self._fetch(name, owner.kind, order, tell)
        with storage.one_at_a_time(self.root / name.owner):
            self._record(owner.owner_id, name, repo_id, order)
        return ChangedRepository(repo_id, name.owner, name.name, is_changed=True)

    def _fetch(
        self, name: RepoName, kind: OwnerType, order: ImportOrder, tell: Callable[[str], object]
    ) -> uuid.UUID:
        """Fetch the repository and move it into place; return the id in its config."""
        remote = self._reach(order)
        refs = remote.list_refs()
        head = _choose_head(refs)
        staging = open_staging(
            self.root,
            name.owner,
            name.name,
            head=check_branch_name(head),
            object_format=refs.object_format,
        )
        repo_id = new_id()
        with staging as gitdir:
            bounded = replace(remote, limits=replace(self.limits, folder=gitdir))
            bounded.fetch_into(gitdir, all_refs=order.all_refs, fsck=order.fsck, tell=tell)
            _check_branches(gitdir, refs.branches)
            storage.write_description(gitdir, order.description)
            own_config.write_own(gitdir, _told(repo_id, name, kind, order))
            with storage.one_at_a_time(self.root / name.owner):
                place = free_folder(self.sessions, name)
                if (self.root / place).exists():
                    raise _taken(name)
                storage.move(gitdir, self.root / place)
        return repo_id

    def _reach(self, order: ImportOrder) -> Remote:
        source, addresses = order.source, tuple[str, ...]()
        if source.is_remote:
            port = source.port or PORTS[source.scheme]
            addresses = resolve_host(source.host, port, may_be_private=order.may_be_private)
        else:
            source = self._inspect(source)
        is_key = source.scheme == "ssh"
        return Remote(
            source,
            addresses,
            self.tools,
            self.limits,
            credentials=None if is_key else order.credentials,
            key_file=Path(order.credentials) if is_key and order.credentials else None,
        )

    def _inspect(self, source: Source) -> Source:
        """Return the folder that git may read, if nothing in it leads elsewhere."""
        folder = Path(source.path).resolve()
        found = storage.resolve(folder.parent, folder.name)
        if found is None:
            raise NotFoundError(f"There is no repository in {source}.")
        inspector = Inspector((found.gitdir, *self.shared_objects))
        inspector.check(found.gitdir)
        inspector.check_loose_objects(found.gitdir)
        return replace(source, path=str(found.gitdir))

    def _find_finished(
        self, name: RepoName, kind: OwnerType, order: ImportOrder
    ) -> uuid.UUID | None:
        """Return the id of the repository that a killed run of this import moved into place."""
        standing = storage.resolve(self.root, free_folder(self.sessions, name))
        own = own_config.read_own(standing.gitdir) if standing else {}
        wanted = {
            key: value for key, value in _told(uuid.UUID(int=0), name, kind, order).items() if value
        }
        if not own or {**own, "id": wanted["id"]} != wanted:
            return None
        repo_id = uuid.UUID(own["id"])
        with self.sessions() as session:
            return None if repositories.is_known(session, repo_id) else repo_id

    def _record(
        self, owner_id: uuid.UUID, name: RepoName, repo_id: uuid.UUID, order: ImportOrder
    ) -> None:
        place = free_folder(self.sessions, name)
        gitdir, now = self.root / place, utc_now()
        new = NewRepository(
            id=repo_id,
            owner_id=owner_id,
            name=name.name,
            disk_path=place,
            description=order.description,
            visibility=order.visibility,
            default_branch=read_head(gitdir) or "main",
            object_format=ObjectFormat.SHA256 if uses_sha256(gitdir) else ObjectFormat.SHA1,
            pushed_at=None if storage.is_pristine(gitdir) else now,
        )
        size = size_of_objects(f"{gitdir}/objects")
        with self.sessions.begin() as session:
            repositories.create_repository(session, new, now=now)
            repositories.update_repository(session, repo_id, now=now, size_bytes=size)
            fields = {"source": str(order.source), "visibility": order.visibility}
            made = Event("repository.import", "repository", repo_id, str(name), after=fields)
            record(session, made, by=self.by)


def _told(
    repo_id: uuid.UUID, name: RepoName, kind: OwnerType, order: ImportOrder
) -> dict[str, str | None]:
    own = own_values(
        repo_id, name, order.visibility, owner_type=kind, description=order.description
    )
    return {**own, "source": str(order.source)}


def _choose_head(refs: RemoteRefs) -> str:
    # A branch name that is not UTF-8 is fetched, but cannot be stored in a row.
    named = [branch for branch in refs.branches if "\\" not in branch]
    if refs.head in named:
        return refs.head
    return choose_head(named) if named else "main"


def _check_branches(gitdir: Path, branches: Sequence[str]) -> None:
    # From a shallow source git fetches no refs, without an error.
    for branch in branches:
        if read_ref(gitdir, f"refs/heads/{branch}") is None:
            raise ConflictError(
                f"The source does not give its branch {branch}: it is shallow, or just changing.",
                hint="Import from where it was cloned.",
            )


def _taken(name: RepoName) -> ConflictError:
    return ConflictError(
        f"There is a repository {name} already, or a folder in its place.",
        hint="A folder that the database does not know is adopted by 'wit-admin sync-repos'.",
    )
