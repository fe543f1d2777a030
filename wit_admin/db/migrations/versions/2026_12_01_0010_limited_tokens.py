"""a token that is limited to repositories stays so when none of them is left."""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "access_tokens",
        sa.Column("is_limited", sa.Boolean(), nullable=False, server_default=sa.false()),
    )
    op.execute(
        sa.text(
            "UPDATE access_tokens SET is_limited = :yes"
            " WHERE id IN (SELECT token_id FROM access_token_repositories)"
        ).bindparams(yes=True)
    )


def downgrade() -> None:
    op.drop_column("access_tokens", "is_limited")
