"""of which state and how deep the rows of a jj repository are, and up to where it was pushed."""

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
    op.create_table(
        "pushed_heads",
        sa.Column("repo_id", sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite"), nullable=False),
        sa.Column("heads", document, nullable=False),
        sa.Column(
            "pushed_at",
            sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite"),
            nullable=True,
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_pushed_heads_repo_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_pushed_heads")),
    )


def downgrade() -> None:
    op.drop_table("pushed_heads")
    for name in _COUNTS:
        op.drop_column("change_commits", name)
    op.drop_column("change_commits", "is_immutable")
    op.drop_column("jj_sync_state", "depth")
    op.drop_column("jj_sync_state", "kinds")
    op.add_column("jj_sync_state", sa.Column("view_digest", sa.LargeBinary(), nullable=True))
