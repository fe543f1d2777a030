"""when a repository that could not be synced is tried again."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    moment = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
    op.add_column("jj_sync_state", sa.Column("next_attempt_at", moment, nullable=True))


def downgrade() -> None:
    op.drop_column("jj_sync_state", "next_attempt_at")
