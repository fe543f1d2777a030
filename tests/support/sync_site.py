"""A database and a repository root for syncs, and what they say of each other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.accounts import Owner, User
from wit_admin.db.models.organizations import Organization, OrgMember
from wit_admin.db.models.repositories import Repository, Visibility
from wit_admin.db.queries.audit import AuditFilter
from wit_admin.git.repositories import own_config, storage
from wit_admin.services.audit import trail
from wit_admin.services.audit.trail import Entry
from wit_admin.services.plans import Applied, Plan
from wit_admin.services.sync.actions import SyncAction
from wit_admin.services.sync.repo_sync import RepoSync
from wit_admin.services.sync.survey import SyncOptions

OPTIONS = SyncOptions(Visibility.PRIVATE)


@dataclass(frozen=True, slots=True)
class Site:
    """A database, and a repository root."""

    sessions: sessionmaker[Session]
    root: Path

    def add(self, path: str, **how: Any) -> Path:
        """Put a bare repository on disk, behind the database's back."""
        storage.create_bare(self.root, path, **how)
        return self.root / path

    def plan(self, **options: Any) -> Plan[SyncAction]:
        """Return all that there is to do."""
        return self._sync(options).build().whole()

    def sync(self, **options: Any) -> Applied:
        """Do it."""
        sync = self._sync(options)
        return sync.task(self.root.parent / "run").apply(sync.build())

    def apply(self, plan: Plan[SyncAction]) -> Applied:
        """Do what was planned before."""
        return self._sync({}).task(self.root.parent / "run").apply(plan)

    def rows(self, *, deleted: bool = False) -> dict[str, Repository]:
        """Return the live rows by owner and name, or the deleted ones."""
        is_deleted = Repository.deleted_at.is_not(None)
        with self.sessions() as session:
            found = session.execute(
                select(Repository, Owner.name)
                .join(Owner, Owner.id == Repository.owner_id)
                .where(is_deleted if deleted else ~is_deleted)
            )
            return {f"{owner}/{row.name}": row for row, owner in found}

    def remarks(self) -> dict[str, str]:
        """Return the kind of each remark by what it is about."""
        return {remark.target: remark.kind for remark in self.plan().remarks}

    def audited(self, action: str) -> list[Entry]:
        """Return the events of the audit trail with this action, the newest first."""
        return trail.list_events(self.sessions, AuditFilter(action=action), limit=100)

    def own(self, path: str) -> dict[str, str]:
        """Return what a repository's config says of it."""
        return own_config.read_own(self.root / path)

    def forget_everything(self) -> None:
        """Lose the database."""
        with self.sessions.begin() as session:
            for model in (Repository, OrgMember, Organization, User, Owner):
                session.execute(delete(model))

    def assert_settled(self) -> None:
        """Check that disk and database agree: nothing is left to do."""
        assert self.plan(verify=True).actions == ()

    def _sync(self, options: dict[str, Any]) -> RepoSync:
        return RepoSync(self.sessions, self.root, replace(OPTIONS, **options))


def facts(row: Repository) -> dict[str, Any]:
    """Return what disk can tell of a row: an empty database must get it back."""
    names = (
        "id",
        "name",
        "name_key",
        "disk_path",
        "description",
        "visibility",
        "default_branch",
        "object_format",
        "size_bytes",
        "owner_type",
        "archived_at",
    )
    return {name: getattr(row, name) for name in names} | {"is_pushed": row.pushed_at is not None}
