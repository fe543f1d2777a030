"""which process took a push."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("push_journal", sa.Column("server_id", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("push_journal", "server_id")
