"""first tables."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def moment() -> sa.types.TypeEngine[Any]:
    return sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")


def uuid_key() -> sa.types.TypeEngine[Any]:
    return sa.Uuid().with_variant(sa.LargeBinary(16), "sqlite")


def document() -> sa.types.TypeEngine[Any]:
    return sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:

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
    op.create_index(op.f("ix_audit_events_actor_id"), "audit_events", ["actor_id"], unique=False)
    op.create_index(
        op.f("ix_audit_events_created_at"), "audit_events", ["created_at"], unique=False
    )
    op.create_index(
        "ix_audit_events_target", "audit_events", ["target_type", "target_id"], unique=False
    )
    op.create_table(
        "owners",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column(
            "kind",
            sa.Enum(
                "user",
                "organization",
                name="ownertype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_owners")),
        sa.UniqueConstraint("id", "kind", name=op.f("uq_owners_id_kind")),
    )
    op.create_index(
        "uq_owners_name_key_live",
        "owners",
        ["name_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "organizations",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("display_name", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("avatar_url", sa.String(), nullable=True),
        sa.Column("website", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["id"], ["owners.id"], name=op.f("fk_organizations_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "repositories",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("owner_id", uuid_key(), nullable=False),
        sa.Column(
            "owner_type",
            sa.Enum(
                "user",
                "organization",
                name="ownertype",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column(
            "visibility",
            sa.Enum(
                "public",
                "private",
                name="visibility",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("is_fork", sa.Boolean(), nullable=False),
        sa.Column("forked_from_id", uuid_key(), nullable=True),
        sa.Column("default_branch", sa.String(), nullable=False),
        sa.Column(
            "object_format",
            sa.Enum(
                "sha1",
                "sha256",
                name="objectformat",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("disk_path", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.LargeBinary(), nullable=True),
        sa.Column("stars_count", sa.Integer(), nullable=False),
        sa.Column("forks_count", sa.Integer(), nullable=False),
        sa.Column("watchers_count", sa.Integer(), nullable=False),
        sa.Column("open_issues_count", sa.Integer(), nullable=False),
        sa.Column("open_prs_count", sa.Integer(), nullable=False),
        sa.Column("next_number", sa.Integer(), nullable=False),
        sa.Column("size_bytes", sa.BigInteger(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("pushed_at", moment(), nullable=True),
        sa.Column("archived_at", moment(), nullable=True),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["forked_from_id"],
            ["repositories.id"],
            name=op.f("fk_repositories_forked_from_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["owner_id", "owner_type"],
            ["owners.id", "owners.kind"],
            name=op.f("fk_repositories_owner_id_owner_type"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_repositories")),
        sa.UniqueConstraint("disk_path", name=op.f("uq_repositories_disk_path")),
    )
    op.create_index(
        op.f("ix_repositories_forked_from_id"), "repositories", ["forked_from_id"], unique=False
    )
    op.create_index(
        op.f("ix_repositories_owner_id_owner_type"),
        "repositories",
        ["owner_id", "owner_type"],
        unique=False,
    )
    op.create_index(
        "uq_repositories_owner_id_name_key_live",
        "repositories",
        ["owner_id", "name_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "users",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("email", sa.String(), nullable=True),
        sa.Column("full_name", sa.String(), nullable=True),
        sa.Column("bio", sa.String(), nullable=True),
        sa.Column("avatar_url", sa.String(), nullable=True),
        sa.Column("location", sa.String(), nullable=True),
        sa.Column("website", sa.String(), nullable=True),
        sa.Column("password_hash", sa.String(), nullable=True),
        sa.Column("is_admin", sa.Boolean(), nullable=False),
        sa.Column("is_placeholder", sa.Boolean(), nullable=False),
        sa.Column("blocked_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["id"], ["owners.id"], name=op.f("fk_users_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_users")),
        sa.UniqueConstraint("email", name=op.f("uq_users_email")),
    )
    op.create_table(
        "access_tokens",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("hint", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("ref_pattern", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("expires_at", moment(), nullable=True),
        sa.Column("last_used_at", moment(), nullable=True),
        sa.Column("revoked_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_access_tokens_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_access_tokens")),
        sa.UniqueConstraint("digest", name=op.f("uq_access_tokens_digest")),
    )
    op.create_index(op.f("ix_access_tokens_user_id"), "access_tokens", ["user_id"], unique=False)
    op.create_table(
        "activities",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("actor_id", uuid_key(), nullable=True),
        sa.Column("repo_id", uuid_key(), nullable=True),
        sa.Column("type", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=True),
        sa.Column("before", sa.String(), nullable=True),
        sa.Column("after", sa.String(), nullable=True),
        sa.Column("payload", document(), nullable=True),
        sa.Column("push_id", uuid_key(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=op.f("fk_activities_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_activities_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activities")),
        sa.UniqueConstraint("push_id", "ref", name=op.f("uq_activities_push_id_ref")),
    )
    op.create_index(
        "ix_activities_actor_feed", "activities", ["actor_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_activities_repo_feed", "activities", ["repo_id", "created_at", "id"], unique=False
    )
    op.create_table(
        "bookmarks",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("remote", sa.String(), nullable=False),
        sa.Column("target_commit_id", sa.String(), nullable=True),
        sa.Column("target_change_id", sa.String(), nullable=True),
        sa.Column("target_terms", document(), nullable=False),
        sa.Column("is_conflicted", sa.Boolean(), nullable=False),
        sa.Column("is_tracked", sa.Boolean(), nullable=False),
        sa.Column("is_default", sa.Boolean(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_bookmarks_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bookmarks")),
        sa.UniqueConstraint(
            "repo_id", "name", "remote", name=op.f("uq_bookmarks_repo_id_name_remote")
        ),
    )
    op.create_table(
        "changes",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("change_id", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("author_email", sa.String(), nullable=False),
        sa.Column("authored_at", moment(), nullable=False),
        sa.Column("committed_at", moment(), nullable=False),
        sa.Column("is_empty", sa.Boolean(), nullable=False),
        sa.Column("has_conflicts", sa.Boolean(), nullable=False),
        sa.Column("is_divergent", sa.Boolean(), nullable=False),
        sa.Column("is_hidden", sa.Boolean(), nullable=False),
        sa.Column("is_immutable", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_changes_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "change_id", name=op.f("pk_changes")),
    )
    op.create_index(
        op.f("ix_changes_repo_id_committed_at"),
        "changes",
        ["repo_id", "committed_at"],
        unique=False,
    )
    op.create_table(
        "collaborators",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column(
            "permission",
            sa.Enum(
                "read",
                "write",
                "admin",
                name="permission",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_collaborators_repo_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_collaborators_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "user_id", name=op.f("pk_collaborators")),
    )
    op.create_index(op.f("ix_collaborators_user_id"), "collaborators", ["user_id"], unique=False)
    op.create_table(
        "github_forks",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("original_owner", sa.String(), nullable=False),
        sa.Column("original_repo", sa.String(), nullable=False),
        sa.Column("fork_owner", sa.String(), nullable=False),
        sa.Column("fork_repo", sa.String(), nullable=False),
        sa.Column("fork_url", sa.String(), nullable=False),
        sa.Column("ready_at", moment(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_github_forks_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_github_forks")),
        sa.UniqueConstraint(
            "user_id",
            "original_owner",
            "original_repo",
            name=op.f("uq_github_forks_user_id_original_owner_original_repo"),
        ),
    )
    op.create_table(
        "github_installations",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("installation_id", sa.BigInteger(), nullable=True),
        sa.Column("github_user_id", sa.BigInteger(), nullable=False),
        sa.Column("github_username", sa.String(), nullable=False),
        sa.Column("repo_full_name", sa.String(), nullable=True),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("key_id", sa.String(), nullable=False),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("token_expires_at", moment(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_github_installations_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_github_installations")),
        sa.UniqueConstraint("user_id", name=op.f("uq_github_installations_user_id")),
    )
    op.create_table(
        "github_repositories",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("github_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("full_name", sa.String(), nullable=False),
        sa.Column("is_private", sa.Boolean(), nullable=False),
        sa.Column("can_push", sa.Boolean(), nullable=False),
        sa.Column("default_branch", sa.String(), nullable=True),
        sa.Column("clone_url", sa.String(), nullable=False),
        sa.Column("ssh_url", sa.String(), nullable=True),
        sa.Column("updated_at", moment(), nullable=True),
        sa.Column("cached_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_github_repositories_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_github_repositories")),
        sa.UniqueConstraint(
            "user_id", "github_id", name=op.f("uq_github_repositories_user_id_github_id")
        ),
    )
    op.create_index(
        op.f("ix_github_repositories_full_name"), "github_repositories", ["full_name"], unique=False
    )
    op.create_table(
        "issues",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "closed",
                name="issuestate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("author_id", uuid_key(), nullable=False),
        sa.Column("assignee_id", uuid_key(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("closed_at", moment(), nullable=True),
        sa.Column("closed_by_id", uuid_key(), nullable=True),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["users.id"], name=op.f("fk_issues_assignee_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(["author_id"], ["users.id"], name=op.f("fk_issues_author_id")),
        sa.ForeignKeyConstraint(
            ["closed_by_id"], ["users.id"], name=op.f("fk_issues_closed_by_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_issues_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issues")),
        sa.UniqueConstraint("repo_id", "number", name=op.f("uq_issues_repo_id_number")),
    )
    op.create_index(op.f("ix_issues_assignee_id"), "issues", ["assignee_id"], unique=False)
    op.create_index(op.f("ix_issues_author_id"), "issues", ["author_id"], unique=False)
    op.create_index(op.f("ix_issues_closed_by_id"), "issues", ["closed_by_id"], unique=False)
    op.create_index(
        op.f("ix_issues_repo_id_state_number"),
        "issues",
        ["repo_id", "state", "number"],
        unique=False,
    )
    op.create_table(
        "jj_operations",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("operation_id", sa.String(), nullable=False),
        sa.Column("parents", document(), nullable=False),
        sa.Column("view_id", sa.String(), nullable=False),
        sa.Column("operation_type", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=False),
        sa.Column("hostname", sa.String(), nullable=False),
        sa.Column("username", sa.String(), nullable=False),
        sa.Column("started_at", moment(), nullable=False),
        sa.Column("ended_at", moment(), nullable=False),
        sa.Column("is_snapshot", sa.Boolean(), nullable=False),
        sa.Column("is_undone", sa.Boolean(), nullable=False),
        sa.Column("tags", document(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_jj_operations_repo_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repo_id", "operation_id", name=op.f("pk_jj_operations")),
    )
    op.create_index(
        op.f("ix_jj_operations_repo_id_ended_at"),
        "jj_operations",
        ["repo_id", "ended_at"],
        unique=False,
    )
    op.create_table(
        "jj_sync_state",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("op_heads", document(), nullable=False),
        sa.Column("view_digest", sa.LargeBinary(), nullable=True),
        sa.Column("synced_at", moment(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("is_watched", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_jj_sync_state_repo_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repo_id", name=op.f("pk_jj_sync_state")),
    )
    op.create_table(
        "labels",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("color", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_labels_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_labels")),
        sa.UniqueConstraint("repo_id", "name_key", name=op.f("uq_labels_repo_id_name_key")),
    )
    op.create_table(
        "oauth_accounts",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_account_id", sa.String(), nullable=False),
        sa.Column("access_token", sa.LargeBinary(), nullable=True),
        sa.Column("refresh_token", sa.LargeBinary(), nullable=True),
        sa.Column("scopes", sa.String(), nullable=False),
        sa.Column("expires_at", moment(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_oauth_accounts_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_oauth_accounts")),
        sa.UniqueConstraint(
            "provider",
            "provider_account_id",
            name=op.f("uq_oauth_accounts_provider_provider_account_id"),
        ),
    )
    op.create_index(op.f("ix_oauth_accounts_user_id"), "oauth_accounts", ["user_id"], unique=False)
    op.create_table(
        "org_members",
        sa.Column("org_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column(
            "role",
            sa.Enum(
                "member",
                "admin",
                "owner",
                name="orgrole",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name=op.f("fk_org_members_org_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_org_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("org_id", "user_id", name=op.f("pk_org_members")),
    )
    op.create_index(op.f("ix_org_members_user_id"), "org_members", ["user_id"], unique=False)
    op.create_table(
        "protected_refs",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("pattern", sa.String(), nullable=False),
        sa.Column(
            "push_permission",
            sa.Enum(
                "read",
                "write",
                "admin",
                name="permission",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("allow_force", sa.Boolean(), nullable=False),
        sa.Column("allow_delete", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_protected_refs_repo_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_protected_refs")),
        sa.UniqueConstraint("repo_id", "pattern", name=op.f("uq_protected_refs_repo_id_pattern")),
    )
    op.create_table(
        "pull_requests",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column(
            "state",
            sa.Enum(
                "open",
                "closed",
                "merged",
                name="pullrequeststate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("source_branch", sa.String(), nullable=False),
        sa.Column("target_branch", sa.String(), nullable=False),
        sa.Column("source_repo_id", uuid_key(), nullable=True),
        sa.Column("head_sha", sa.String(), nullable=False),
        sa.Column("base_sha", sa.String(), nullable=False),
        sa.Column("merge_sha", sa.String(), nullable=True),
        sa.Column("author_id", uuid_key(), nullable=False),
        sa.Column("is_draft", sa.Boolean(), nullable=False),
        sa.Column("is_mergeable", sa.Boolean(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("merged_at", moment(), nullable=True),
        sa.Column("closed_at", moment(), nullable=True),
        sa.Column("merged_by_id", uuid_key(), nullable=True),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["author_id"], ["users.id"], name=op.f("fk_pull_requests_author_id")
        ),
        sa.ForeignKeyConstraint(
            ["merged_by_id"],
            ["users.id"],
            name=op.f("fk_pull_requests_merged_by_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_pull_requests_repo_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["source_repo_id"],
            ["repositories.id"],
            name=op.f("fk_pull_requests_source_repo_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_requests")),
        sa.UniqueConstraint("repo_id", "number", name=op.f("uq_pull_requests_repo_id_number")),
    )
    op.create_index(
        op.f("ix_pull_requests_author_id"), "pull_requests", ["author_id"], unique=False
    )
    op.create_index(
        op.f("ix_pull_requests_merged_by_id"), "pull_requests", ["merged_by_id"], unique=False
    )
    op.create_index(
        op.f("ix_pull_requests_repo_id_source_branch"),
        "pull_requests",
        ["repo_id", "source_branch"],
        unique=False,
    )
    op.create_index(
        op.f("ix_pull_requests_repo_id_state_number"),
        "pull_requests",
        ["repo_id", "state", "number"],
        unique=False,
    )
    op.create_index(
        op.f("ix_pull_requests_source_repo_id"), "pull_requests", ["source_repo_id"], unique=False
    )
    op.create_table(
        "repository_redirects",
        sa.Column("owner_key", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_repository_redirects_repo_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("owner_key", "name_key", name=op.f("pk_repository_redirects")),
    )
    op.create_index(
        op.f("ix_repository_redirects_repo_id"), "repository_redirects", ["repo_id"], unique=False
    )
    op.create_table(
        "sessions",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("token_digest", sa.LargeBinary(length=32), nullable=False),
        sa.Column("ip", sa.String(), nullable=True),
        sa.Column("user_agent", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("expires_at", moment(), nullable=False),
        sa.Column("last_used_at", moment(), nullable=True),
        sa.Column("revoked_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_sessions_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
        sa.UniqueConstraint("token_digest", name=op.f("uq_sessions_token_digest")),
    )
    op.create_index(op.f("ix_sessions_expires_at"), "sessions", ["expires_at"], unique=False)
    op.create_index(op.f("ix_sessions_user_id"), "sessions", ["user_id"], unique=False)
    op.create_table(
        "ssh_keys",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("last_used_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_ssh_keys_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ssh_keys")),
        sa.UniqueConstraint("fingerprint", name=op.f("uq_ssh_keys_fingerprint")),
    )
    op.create_index(op.f("ix_ssh_keys_user_id"), "ssh_keys", ["user_id"], unique=False)
    op.create_table(
        "stars",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_stars_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_stars_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "user_id", name=op.f("pk_stars")),
    )
    op.create_index(op.f("ix_stars_user_id"), "stars", ["user_id"], unique=False)
    op.create_table(
        "teams",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("org_id", uuid_key(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column("description", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["org_id"], ["organizations.id"], name=op.f("fk_teams_org_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_teams")),
        sa.UniqueConstraint("org_id", "name_key", name=op.f("uq_teams_org_id_name_key")),
    )
    op.create_table(
        "watches",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_watches_repo_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_watches_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("repo_id", "user_id", name=op.f("pk_watches")),
    )
    op.create_index(op.f("ix_watches_user_id"), "watches", ["user_id"], unique=False)
    op.create_table(
        "webhooks",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("secret", sa.LargeBinary(), nullable=True),
        sa.Column("events", document(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"], ["repositories.id"], name=op.f("fk_webhooks_repo_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
    )
    op.create_index(op.f("ix_webhooks_repo_id"), "webhooks", ["repo_id"], unique=False)
    op.create_table(
        "access_token_repositories",
        sa.Column("token_id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_access_token_repositories_repo_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["access_tokens.id"],
            name=op.f("fk_access_token_repositories_token_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("token_id", "repo_id", name=op.f("pk_access_token_repositories")),
    )
    op.create_index(
        op.f("ix_access_token_repositories_repo_id"),
        "access_token_repositories",
        ["repo_id"],
        unique=False,
    )
    op.create_table(
        "change_commits",
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("change_id", sa.String(), nullable=False),
        sa.Column("parents", document(), nullable=False),
        sa.Column("is_visible", sa.Boolean(), nullable=False),
        sa.Column("is_working_copy", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id", "change_id"],
            ["changes.repo_id", "changes.change_id"],
            name=op.f("fk_change_commits_repo_id_change_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("repo_id", "commit_id", name=op.f("pk_change_commits")),
    )
    op.create_index(
        op.f("ix_change_commits_repo_id_change_id"),
        "change_commits",
        ["repo_id", "change_id"],
        unique=False,
    )
    op.create_table(
        "conflicts",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("change_id", sa.String(), nullable=False),
        sa.Column("commit_id", sa.String(), nullable=False),
        sa.Column("file_path", sa.String(), nullable=False),
        sa.Column("sides", sa.Integer(), nullable=False),
        sa.Column("resolved", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("resolved_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["repo_id", "change_id"],
            ["changes.repo_id", "changes.change_id"],
            name=op.f("fk_conflicts_repo_id_change_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conflicts")),
        sa.UniqueConstraint(
            "repo_id",
            "change_id",
            "commit_id",
            "file_path",
            name=op.f("uq_conflicts_repo_id_change_id_commit_id_file_path"),
        ),
    )
    op.create_table(
        "issue_comments",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("issue_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=op.f("fk_issue_comments_issue_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_issue_comments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_issue_comments")),
    )
    op.create_index(
        op.f("ix_issue_comments_issue_id_created_at"),
        "issue_comments",
        ["issue_id", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_issue_comments_user_id"), "issue_comments", ["user_id"], unique=False)
    op.create_table(
        "issue_labels",
        sa.Column("issue_id", uuid_key(), nullable=False),
        sa.Column("label_id", uuid_key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["issue_id"], ["issues.id"], name=op.f("fk_issue_labels_issue_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.id"], name=op.f("fk_issue_labels_label_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("issue_id", "label_id", name=op.f("pk_issue_labels")),
    )
    op.create_index(op.f("ix_issue_labels_label_id"), "issue_labels", ["label_id"], unique=False)
    op.create_table(
        "pr_labels",
        sa.Column("pr_id", uuid_key(), nullable=False),
        sa.Column("label_id", uuid_key(), nullable=False),
        sa.ForeignKeyConstraint(
            ["label_id"], ["labels.id"], name=op.f("fk_pr_labels_label_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["pr_id"], ["pull_requests.id"], name=op.f("fk_pr_labels_pr_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("pr_id", "label_id", name=op.f("pk_pr_labels")),
    )
    op.create_index(op.f("ix_pr_labels_label_id"), "pr_labels", ["label_id"], unique=False)
    op.create_table(
        "pr_reviews",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("pr_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "approved",
                "changes_requested",
                "commented",
                name="reviewstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("body", sa.String(), nullable=True),
        sa.Column("commit_sha", sa.String(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pr_id"], ["pull_requests.id"], name=op.f("fk_pr_reviews_pr_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pr_reviews_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pr_reviews")),
    )
    op.create_index(op.f("ix_pr_reviews_pr_id"), "pr_reviews", ["pr_id"], unique=False)
    op.create_index(op.f("ix_pr_reviews_user_id"), "pr_reviews", ["user_id"], unique=False)
    op.create_table(
        "push_journal",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column("actor_id", uuid_key(), nullable=True),
        sa.Column("token_id", uuid_key(), nullable=True),
        sa.Column("host", sa.String(), nullable=False),
        sa.Column("request_id", sa.String(), nullable=True),
        sa.Column("is_creation", sa.Boolean(), nullable=False),
        sa.Column("commands", document(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "settled",
                name="pushstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("outcome", document(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("settled_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["actor_id"], ["users.id"], name=op.f("fk_push_journal_actor_id"), ondelete="SET NULL"
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_push_journal_repo_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["token_id"],
            ["access_tokens.id"],
            name=op.f("fk_push_journal_token_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_push_journal")),
    )
    op.create_index(op.f("ix_push_journal_actor_id"), "push_journal", ["actor_id"], unique=False)
    op.create_index(
        "ix_push_journal_pending",
        "push_journal",
        ["host", "created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(op.f("ix_push_journal_repo_id"), "push_journal", ["repo_id"], unique=False)
    op.create_index(op.f("ix_push_journal_token_id"), "push_journal", ["token_id"], unique=False)
    op.create_table(
        "team_members",
        sa.Column("team_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_members_team_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_team_members_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "user_id", name=op.f("pk_team_members")),
    )
    op.create_index(op.f("ix_team_members_user_id"), "team_members", ["user_id"], unique=False)
    op.create_table(
        "team_repositories",
        sa.Column("team_id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=False),
        sa.Column(
            "permission",
            sa.Enum(
                "read",
                "write",
                "admin",
                name="permission",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("created_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_team_repositories_repo_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["team_id"], ["teams.id"], name=op.f("fk_team_repositories_team_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("team_id", "repo_id", name=op.f("pk_team_repositories")),
    )
    op.create_index(
        op.f("ix_team_repositories_repo_id"), "team_repositories", ["repo_id"], unique=False
    )
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("webhook_id", uuid_key(), nullable=False),
        sa.Column("event", sa.String(), nullable=False),
        sa.Column("payload", document(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "delivered",
                "failed",
                name="deliverystate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", moment(), nullable=False),
        sa.Column("claimed_until", moment(), nullable=True),
        sa.Column("response_status", sa.Integer(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("finished_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["webhook_id"],
            ["webhooks.id"],
            name=op.f("fk_webhook_deliveries_webhook_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
    )
    op.create_index(
        "ix_webhook_deliveries_due",
        "webhook_deliveries",
        ["next_attempt_at"],
        unique=False,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_index(
        op.f("ix_webhook_deliveries_webhook_id"), "webhook_deliveries", ["webhook_id"], unique=False
    )
    op.create_table(
        "workspaces",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("repo_id", uuid_key(), nullable=True),
        sa.Column("github_repository_id", uuid_key(), nullable=True),
        sa.Column("github_fork_id", uuid_key(), nullable=True),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("name_key", sa.String(), nullable=False),
        sa.Column(
            "status",
            sa.Enum(
                "pending",
                "creating",
                "ready",
                "stopped",
                "failed",
                "deleting",
                name="workspacestatus",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("status_reason", sa.String(), nullable=True),
        sa.Column("provider", sa.String(), nullable=False),
        sa.Column("provider_ref", sa.String(), nullable=True),
        sa.Column("image", sa.String(), nullable=True),
        sa.Column("repo_owner", sa.String(), nullable=False),
        sa.Column("repo_name", sa.String(), nullable=False),
        sa.Column("repo_url", sa.String(), nullable=False),
        sa.Column("repo_branch", sa.String(), nullable=True),
        sa.Column("repo_commit", sa.String(), nullable=True),
        sa.Column("use_ssh_clone", sa.Boolean(), nullable=False),
        sa.Column("clone_path", sa.String(), nullable=True),
        sa.Column("fork_created", sa.Boolean(), nullable=False),
        sa.Column("fork_url", sa.String(), nullable=True),
        sa.Column("ssh_host", sa.String(), nullable=True),
        sa.Column("ssh_port", sa.Integer(), nullable=True),
        sa.Column("node_id", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.Column("last_used_at", moment(), nullable=True),
        sa.Column("expires_at", moment(), nullable=True),
        sa.Column("deleted_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["github_fork_id"],
            ["github_forks.id"],
            name=op.f("fk_workspaces_github_fork_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["github_repository_id"],
            ["github_repositories.id"],
            name=op.f("fk_workspaces_github_repository_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["repo_id"],
            ["repositories.id"],
            name=op.f("fk_workspaces_repo_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_workspaces_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspaces")),
    )
    op.create_index(
        op.f("ix_workspaces_github_fork_id"), "workspaces", ["github_fork_id"], unique=False
    )
    op.create_index(
        op.f("ix_workspaces_github_repository_id"),
        "workspaces",
        ["github_repository_id"],
        unique=False,
    )
    op.create_index(op.f("ix_workspaces_repo_id"), "workspaces", ["repo_id"], unique=False)
    op.create_index(
        op.f("ix_workspaces_status_expires_at"),
        "workspaces",
        ["status", "expires_at"],
        unique=False,
    )
    op.create_index(op.f("ix_workspaces_user_id"), "workspaces", ["user_id"], unique=False)
    op.create_index(
        "uq_workspaces_user_id_name_key_live",
        "workspaces",
        ["user_id", "name_key"],
        unique=True,
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.create_table(
        "pr_comments",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("pr_id", uuid_key(), nullable=False),
        sa.Column("review_id", uuid_key(), nullable=True),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("path", sa.String(), nullable=True),
        sa.Column("line", sa.Integer(), nullable=True),
        sa.Column(
            "side",
            sa.Enum(
                "LEFT",
                "RIGHT",
                name="diffside",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("commit_sha", sa.String(), nullable=True),
        sa.Column("body", sa.String(), nullable=False),
        sa.Column("reply_to_id", uuid_key(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("updated_at", moment(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pr_id"], ["pull_requests.id"], name=op.f("fk_pr_comments_pr_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["reply_to_id"],
            ["pr_comments.id"],
            name=op.f("fk_pr_comments_reply_to_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["review_id"],
            ["pr_reviews.id"],
            name=op.f("fk_pr_comments_review_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_pr_comments_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pr_comments")),
    )
    op.create_index(
        op.f("ix_pr_comments_pr_id_created_at"),
        "pr_comments",
        ["pr_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_pr_comments_reply_to_id"), "pr_comments", ["reply_to_id"], unique=False
    )
    op.create_index(op.f("ix_pr_comments_review_id"), "pr_comments", ["review_id"], unique=False)
    op.create_index(op.f("ix_pr_comments_user_id"), "pr_comments", ["user_id"], unique=False)
    op.create_table(
        "workspace_sessions",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("workspace_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=False),
        sa.Column("worktree_path", sa.String(), nullable=False),
        sa.Column("git_branch", sa.String(), nullable=True),
        sa.Column("is_feature_branch", sa.Boolean(), nullable=False),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("last_used_at", moment(), nullable=True),
        sa.Column("ended_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["users.id"],
            name=op.f("fk_workspace_sessions_user_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workspace_sessions_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace_sessions")),
        sa.UniqueConstraint("worktree_path", name=op.f("uq_workspace_sessions_worktree_path")),
    )
    op.create_index(
        op.f("ix_workspace_sessions_user_id"), "workspace_sessions", ["user_id"], unique=False
    )
    op.create_index(
        op.f("ix_workspace_sessions_workspace_id"),
        "workspace_sessions",
        ["workspace_id"],
        unique=False,
    )
    op.create_table(
        "workspace_steps",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("workspace_id", uuid_key(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "running",
                "done",
                "failed",
                name="stepstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("result", document(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("started_at", moment(), nullable=True),
        sa.Column("finished_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["workspace_id"],
            ["workspaces.id"],
            name=op.f("fk_workspace_steps_workspace_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_workspace_steps")),
        sa.UniqueConstraint(
            "workspace_id", "name", name=op.f("uq_workspace_steps_workspace_id_name")
        ),
    )
    op.create_table(
        "git_operations",
        sa.Column("id", uuid_key(), nullable=False),
        sa.Column("session_id", uuid_key(), nullable=False),
        sa.Column("user_id", uuid_key(), nullable=True),
        sa.Column("operation_type", sa.String(), nullable=False),
        sa.Column(
            "state",
            sa.Enum(
                "pending",
                "running",
                "done",
                "failed",
                name="stepstate",
                native_enum=False,
                create_constraint=True,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("details", document(), nullable=True),
        sa.Column("error", sa.String(), nullable=True),
        sa.Column("created_at", moment(), nullable=False),
        sa.Column("finished_at", moment(), nullable=True),
        sa.ForeignKeyConstraint(
            ["session_id"],
            ["workspace_sessions.id"],
            name=op.f("fk_git_operations_session_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_git_operations_user_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_git_operations")),
    )
    op.create_index(
        "ix_git_operations_running",
        "git_operations",
        ["created_at"],
        unique=False,
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.create_index(
        op.f("ix_git_operations_session_id_created_at"),
        "git_operations",
        ["session_id", "created_at"],
        unique=False,
    )
    op.create_index(op.f("ix_git_operations_user_id"), "git_operations", ["user_id"], unique=False)


def downgrade() -> None:

    op.drop_index(op.f("ix_git_operations_user_id"), table_name="git_operations")
    op.drop_index(op.f("ix_git_operations_session_id_created_at"), table_name="git_operations")
    op.drop_index(
        "ix_git_operations_running",
        table_name="git_operations",
        sqlite_where=sa.text("state = 'running'"),
        postgresql_where=sa.text("state = 'running'"),
    )
    op.drop_table("git_operations")
    op.drop_table("workspace_steps")
    op.drop_index(op.f("ix_workspace_sessions_workspace_id"), table_name="workspace_sessions")
    op.drop_index(op.f("ix_workspace_sessions_user_id"), table_name="workspace_sessions")
    op.drop_table("workspace_sessions")
    op.drop_index(op.f("ix_pr_comments_user_id"), table_name="pr_comments")
    op.drop_index(op.f("ix_pr_comments_review_id"), table_name="pr_comments")
    op.drop_index(op.f("ix_pr_comments_reply_to_id"), table_name="pr_comments")
    op.drop_index(op.f("ix_pr_comments_pr_id_created_at"), table_name="pr_comments")
    op.drop_table("pr_comments")
    op.drop_index(
        "uq_workspaces_user_id_name_key_live",
        table_name="workspaces",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_workspaces_user_id"), table_name="workspaces")
    op.drop_index(op.f("ix_workspaces_status_expires_at"), table_name="workspaces")
    op.drop_index(op.f("ix_workspaces_repo_id"), table_name="workspaces")
    op.drop_index(op.f("ix_workspaces_github_repository_id"), table_name="workspaces")
    op.drop_index(op.f("ix_workspaces_github_fork_id"), table_name="workspaces")
    op.drop_table("workspaces")
    op.drop_index(op.f("ix_webhook_deliveries_webhook_id"), table_name="webhook_deliveries")
    op.drop_index(
        "ix_webhook_deliveries_due",
        table_name="webhook_deliveries",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("webhook_deliveries")
    op.drop_index(op.f("ix_team_repositories_repo_id"), table_name="team_repositories")
    op.drop_table("team_repositories")
    op.drop_index(op.f("ix_team_members_user_id"), table_name="team_members")
    op.drop_table("team_members")
    op.drop_index(op.f("ix_push_journal_token_id"), table_name="push_journal")
    op.drop_index(op.f("ix_push_journal_repo_id"), table_name="push_journal")
    op.drop_index(
        "ix_push_journal_pending",
        table_name="push_journal",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_index(op.f("ix_push_journal_actor_id"), table_name="push_journal")
    op.drop_table("push_journal")
    op.drop_index(op.f("ix_pr_reviews_user_id"), table_name="pr_reviews")
    op.drop_index(op.f("ix_pr_reviews_pr_id"), table_name="pr_reviews")
    op.drop_table("pr_reviews")
    op.drop_index(op.f("ix_pr_labels_label_id"), table_name="pr_labels")
    op.drop_table("pr_labels")
    op.drop_index(op.f("ix_issue_labels_label_id"), table_name="issue_labels")
    op.drop_table("issue_labels")
    op.drop_index(op.f("ix_issue_comments_user_id"), table_name="issue_comments")
    op.drop_index(op.f("ix_issue_comments_issue_id_created_at"), table_name="issue_comments")
    op.drop_table("issue_comments")
    op.drop_table("conflicts")
    op.drop_index(op.f("ix_change_commits_repo_id_change_id"), table_name="change_commits")
    op.drop_table("change_commits")
    op.drop_index(
        op.f("ix_access_token_repositories_repo_id"), table_name="access_token_repositories"
    )
    op.drop_table("access_token_repositories")
    op.drop_index(op.f("ix_webhooks_repo_id"), table_name="webhooks")
    op.drop_table("webhooks")
    op.drop_index(op.f("ix_watches_user_id"), table_name="watches")
    op.drop_table("watches")
    op.drop_table("teams")
    op.drop_index(op.f("ix_stars_user_id"), table_name="stars")
    op.drop_table("stars")
    op.drop_index(op.f("ix_ssh_keys_user_id"), table_name="ssh_keys")
    op.drop_table("ssh_keys")
    op.drop_index(op.f("ix_sessions_user_id"), table_name="sessions")
    op.drop_index(op.f("ix_sessions_expires_at"), table_name="sessions")
    op.drop_table("sessions")
    op.drop_index(op.f("ix_repository_redirects_repo_id"), table_name="repository_redirects")
    op.drop_table("repository_redirects")
    op.drop_index(op.f("ix_pull_requests_source_repo_id"), table_name="pull_requests")
    op.drop_index(op.f("ix_pull_requests_repo_id_state_number"), table_name="pull_requests")
    op.drop_index(op.f("ix_pull_requests_repo_id_source_branch"), table_name="pull_requests")
    op.drop_index(op.f("ix_pull_requests_merged_by_id"), table_name="pull_requests")
    op.drop_index(op.f("ix_pull_requests_author_id"), table_name="pull_requests")
    op.drop_table("pull_requests")
    op.drop_table("protected_refs")
    op.drop_index(op.f("ix_org_members_user_id"), table_name="org_members")
    op.drop_table("org_members")
    op.drop_index(op.f("ix_oauth_accounts_user_id"), table_name="oauth_accounts")
    op.drop_table("oauth_accounts")
    op.drop_table("labels")
    op.drop_table("jj_sync_state")
    op.drop_index(op.f("ix_jj_operations_repo_id_ended_at"), table_name="jj_operations")
    op.drop_table("jj_operations")
    op.drop_index(op.f("ix_issues_repo_id_state_number"), table_name="issues")
    op.drop_index(op.f("ix_issues_closed_by_id"), table_name="issues")
    op.drop_index(op.f("ix_issues_author_id"), table_name="issues")
    op.drop_index(op.f("ix_issues_assignee_id"), table_name="issues")
    op.drop_table("issues")
    op.drop_index(op.f("ix_github_repositories_full_name"), table_name="github_repositories")
    op.drop_table("github_repositories")
    op.drop_table("github_installations")
    op.drop_table("github_forks")
    op.drop_index(op.f("ix_collaborators_user_id"), table_name="collaborators")
    op.drop_table("collaborators")
    op.drop_index(op.f("ix_changes_repo_id_committed_at"), table_name="changes")
    op.drop_table("changes")
    op.drop_table("bookmarks")
    op.drop_index("ix_activities_repo_feed", table_name="activities")
    op.drop_index("ix_activities_actor_feed", table_name="activities")
    op.drop_table("activities")
    op.drop_index(op.f("ix_access_tokens_user_id"), table_name="access_tokens")
    op.drop_table("access_tokens")
    op.drop_table("users")
    op.drop_index(
        "uq_repositories_owner_id_name_key_live",
        table_name="repositories",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_index(op.f("ix_repositories_owner_id_owner_type"), table_name="repositories")
    op.drop_index(op.f("ix_repositories_forked_from_id"), table_name="repositories")
    op.drop_table("repositories")
    op.drop_table("organizations")
    op.drop_index(
        "uq_owners_name_key_live",
        table_name="owners",
        sqlite_where=sa.text("deleted_at IS NULL"),
        postgresql_where=sa.text("deleted_at IS NULL"),
    )
    op.drop_table("owners")
    op.drop_index("ix_audit_events_target", table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_created_at"), table_name="audit_events")
    op.drop_index(op.f("ix_audit_events_actor_id"), table_name="audit_events")
    op.drop_table("audit_events")
