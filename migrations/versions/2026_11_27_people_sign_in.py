"""People sign in: accounts, their sessions, invitations, and the projects that are shared with them.

One change a migration. Never edit one that was released: add another. New columns of large tables are nullable or
have a server default; name constraints through the naming convention only.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Go forward."""
    op.create_table(
        "account",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("annotator_id", sa.Integer(), nullable=False),
        sa.Column("role", _role(), nullable=False),
        sa.Column("password_hash", sa.Text(), nullable=True, comment="Argon2id; none for who signs in elsewhere"),
        sa.Column("must_change_password", sa.Boolean(), nullable=False, comment="the password was made by the server"),
        sa.Column("oidc_subject", sa.String(length=255), nullable=True, comment="issuer and subject"),
        sa.Column("is_active", sa.Boolean(), nullable=False, comment="people who left keep their answers"),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint(
            "password_hash IS NOT NULL OR oidc_subject IS NOT NULL", name=op.f("ck_account_can_sign_in")
        ),
        sa.ForeignKeyConstraint(["annotator_id"], ["annotator.id"], name=op.f("fk_account_annotator_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_account")),
        sa.UniqueConstraint("annotator_id", name=op.f("uq_account_annotator_id")),
        sa.UniqueConstraint("oidc_subject", name=op.f("uq_account_oidc_subject")),
    )
    op.create_table(
        "invitation",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="sha256 of the link's secret"),
        sa.Column("role", _role(), nullable=False),
        sa.Column("project_ids", sa.JSON(), nullable=False, comment="shared with whoever follows it"),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["created_by"], ["account.id"], name=op.f("fk_invitation_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_invitation")),
        sa.UniqueConstraint("digest", name=op.f("uq_invitation_digest")),
    )
    op.create_table(
        "login_session",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False, comment="sha256 of the cookie's secret"),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.Column(
            "csrf", sa.String(length=64), nullable=False, comment="every change must carry it in a header or a form"
        ),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_login_session_account_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_login_session")),
        sa.UniqueConstraint("digest", name=op.f("uq_login_session_digest")),
    )
    op.create_index("ix_login_session_account", "login_session", ["account_id"], unique=False)
    op.create_table(
        "membership",
        sa.Column("project_id", sa.Integer(), nullable=False),
        sa.Column("account_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_membership_account_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["project_id"], ["project.id"], name=op.f("fk_membership_project_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project_id", "account_id", name=op.f("pk_membership")),
    )


def downgrade() -> None:
    """Go back; annotators and their answers stay."""
    for table in ("membership", "login_session", "invitation", "account"):
        op.drop_table(table)


def _role() -> sa.Enum:
    return sa.Enum("annotator", "lead", "admin", name="role", native_enum=False, create_constraint=True, length=32)
