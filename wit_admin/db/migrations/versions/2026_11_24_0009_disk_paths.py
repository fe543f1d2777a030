"""disk paths are sorted as bytes are, whatever language the database speaks.

Repositories that are archived, or an organization's, say so in their configs from now on: the next
sync looks into them.
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    _collate("C")
    op.execute(
        "UPDATE repositories SET fingerprint = NULL"
        " WHERE archived_at IS NOT NULL OR owner_type = 'organization'"
    )


def downgrade() -> None:
    _collate("default")


def _collate(collation: str) -> None:
    """Change PostgreSQL's column; SQLite compares bytes always."""
    if op.get_bind().dialect.name == "postgresql":
        op.alter_column("repositories", "disk_path", type_=sa.String(collation=collation))
