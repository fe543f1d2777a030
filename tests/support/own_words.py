"""What repositories say of themselves, beside what their rows say."""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session, sessionmaker

from wit_admin.db.models.accounts import Owner
from wit_admin.db.models.repositories import Repository
from wit_admin.git.repositories import own_config
from wit_admin.names import RepoName
from wit_admin.services.repositories.config_values import own_values


def assert_told(sessions: sessionmaker[Session], root: Path) -> None:
    """Check that each one that is on disk says all that its row would need, in the trash too."""
    with sessions() as session:
        query = select(Repository, Owner.name).join(Owner, Owner.id == Repository.owner_id)
        rows = session.execute(query).all()
    for row, owner in rows:
        if (root / row.disk_path).exists():
            wanted = own_values(
                row.id,
                RepoName(owner, row.name),
                row.visibility,
                owner_type=row.owner_type,
                description=row.description,
                archived_at=row.archived_at,
            )
            own = own_config.read_own(root / row.disk_path)
            assert {key: own.get(key) for key in wanted} == wanted, row.disk_path
