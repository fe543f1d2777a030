"""whether a change is empty may be unknown."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # Nothing wrote to the table yet, and SQLite can change a column only by making it anew.
    op.drop_column("changes", "is_empty")
    op.add_column("changes", sa.Column("is_empty", sa.Boolean(), nullable=True))


def downgrade() -> None:
    op.drop_column("changes", "is_empty")
    op.add_column(
        "changes",
        sa.Column("is_empty", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
