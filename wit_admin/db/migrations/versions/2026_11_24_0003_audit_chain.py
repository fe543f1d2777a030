"""audit events form a chain."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def moment() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def uuid_key() -> sa.types.TypeEngine[Any]:
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def document() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    # Nothing wrote to the old table yet.
    op.drop_table("audit_events")
    op.create_table(
        "audit_events",
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("previous", sa.LargeBinary(32), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column(
            "origin",
            sa.Enum(
                "cli",
                "http",
                "system",
                name="auditorigin",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("os_uid", sa.BigInteger(), nullable=True),
        sa.Column("os_login", sa.String(), nullable=True),
        sa.Column("actor_id", uuid_key(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=True),
        sa.Column("token_id", uuid_key(), nullable=True),
        sa.Column("session_id", uuid_key(), nullable=True),
        sa.Column("address", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target_type", sa.String(), nullable=True),
        sa.Column("target_id", uuid_key(), nullable=True),
        sa.Column("target_name", sa.String(), nullable=True),
        sa.Column("before", document(), nullable=True),
        sa.Column("after", document(), nullable=True),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_audit_events")),
    )
    for column in ("action", "actor_id", "created_at"):
        op.create_index(op.f(f"ix_audit_events_{column}"), "audit_events", [column])
    op.create_index("ix_audit_events_target", "audit_events", ["target_type", "target_id"])
    head = op.create_table(
        "audit_head",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("seq", sa.BigInteger(), nullable=False),
        sa.Column("digest", sa.LargeBinary(32), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_head")),
    )
    is_sqlite = op.get_context().dialect.name == "sqlite"
    zeros = "zeroblob(32)" if is_sqlite else "decode(repeat('00', 32), 'hex')"
    # Spelled out, so that `db sql` can print it.
    op.execute(head.insert().values(id=1, seq=0, digest=sa.literal_column(zeros)))


def downgrade() -> None:
    op.drop_table("audit_head")
    op.drop_table("audit_events")
    op.create_table(
        "audit_events",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("actor_id", uuid_key(), nullable=True),
        sa.Column("actor_name", sa.String(), nullable=True),
        sa.Column("action", sa.String(), nullable=False),
        sa.Column("target_type", sa.String(), nullable=True),
        sa.Column("target_id", uuid_key(), nullable=True),
        sa.Column("target_name", sa.String(), nullable=True),
        sa.Column("details", document(), nullable=True),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_events")),
    )
    for column in ("actor_id", "created_at"):
        op.create_index(op.f(f"ix_audit_events_{column}"), "audit_events", [column])
    op.create_index("ix_audit_events_target", "audit_events", ["target_type", "target_id"])
