"""who may push to protected refs, how large files may be, and a check."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def uuid_key() -> sa.types.TypeEngine[Any]:
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def upgrade() -> None:
    # Nothing wrote to this table yet; the default is for rows that somebody put there by hand.
    op.add_column(
        "protected_refs",
        sa.Column("limits_pushers", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.add_column("protected_refs", sa.Column("max_blob_bytes", sa.BigInteger(), nullable=True))
    op.add_column("protected_refs", sa.Column("check_name", sa.String(), nullable=True))
    _create_link("protected_ref_users", "user_id", "users")
    _create_link("protected_ref_teams", "team_id", "teams")


def _create_link(table: str, column: str, target: str) -> None:
    op.create_table(
        table,
        sa.Column("protected_ref_id", uuid_key(), nullable=False),
        sa.Column(column, uuid_key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["protected_ref_id"],
            ["protected_refs.id"],
            name=op.f(f"fk_{table}_protected_ref_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("protected_ref_id", column, name=op.f(f"pk_{table}")),
    )
    op.create_index(op.f(f"ix_{table}_{column}"), table, [column])


def downgrade() -> None:
    op.drop_table("protected_ref_teams")
    op.drop_table("protected_ref_users")
    op.drop_column("protected_refs", "check_name")
    op.drop_column("protected_refs", "max_blob_bytes")
    op.drop_column("protected_refs", "limits_pushers")
