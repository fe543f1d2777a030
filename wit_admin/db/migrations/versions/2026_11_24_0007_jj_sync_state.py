"""of which state and how deep the rows of a jj repository are."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

_COUNTS = ("children", "visible_children", "immutable_children")


def upgrade() -> None:
    # Nothing wrote to these tables yet; the defaults are for rows that somebody put there by hand.
    op.drop_column("jj_sync_state", "view_digest")
    document = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
    op.add_column(
        "jj_sync_state", sa.Column("kinds", document, nullable=False, server_default="[]")
    )
    op.add_column("jj_sync_state", sa.Column("depth", sa.Integer(), nullable=True))
    op.add_column(
        "change_commits",
        sa.Column("is_immutable", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    for name in _COUNTS:
        op.add_column(
            "change_commits", sa.Column(name, sa.Integer(), nullable=False, server_default="0")
        )


def downgrade() -> None:
    for name in _COUNTS:
        op.drop_column("change_commits", name)
    op.drop_column("change_commits", "is_immutable")
    op.drop_column("jj_sync_state", "depth")
    op.drop_column("jj_sync_state", "kinds")
    op.add_column("jj_sync_state", sa.Column("view_digest", sa.LargeBinary(), nullable=True))
