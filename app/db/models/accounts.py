"""Who may sign in, how far they see, and the sessions of their browsers. Secrets are kept as digests only."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, choice, now
from app.domain.people import Role


class Account(Base):
    """The right of one annotator to sign in."""

    __tablename__ = "account"
    __table_args__ = (CheckConstraint("password_hash IS NOT NULL OR oidc_subject IS NOT NULL", name="can_sign_in"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    annotator_id: Mapped[int] = mapped_column(ForeignKey("annotator.id"), unique=True)
    role: Mapped[Role] = mapped_column(choice(Role, "role"), default=Role.ANNOTATOR)
    password_hash: Mapped[str | None] = mapped_column(Text, comment="Argon2id; none for who signs in elsewhere")
    must_change_password: Mapped[bool] = mapped_column(default=False, comment="the password was made by the server")
    oidc_subject: Mapped[str | None] = mapped_column(String(255), unique=True, comment="issuer and subject")
    is_active: Mapped[bool] = mapped_column(default=True, comment="people who left keep their answers")
    created_at: Mapped[datetime] = mapped_column(default=now)


class LoginSession(Base):
    """One browser that signed in."""

    __tablename__ = "login_session"
    __table_args__ = (Index("ix_login_session_account", "account_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, comment="sha256 of the cookie's secret")
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    csrf: Mapped[str] = mapped_column(String(64), comment="every change must carry it in a header or a form")
    created_at: Mapped[datetime] = mapped_column(default=now)
    seen_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]


class Invitation(Base):
    """A link that lets one new person choose a name and a password, or one who is there already a new password."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), unique=True, comment="sha256 of the link's secret")
    account_id: Mapped[int | None] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), comment="whose new password; none: a new account"
    )
    role: Mapped[Role] = mapped_column(choice(Role, "role"))
    project_ids: Mapped[list[int]] = mapped_column(JSON, default=list, comment="shared with whoever follows it")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("account.id"))
    created_at: Mapped[datetime] = mapped_column(default=now)
    expires_at: Mapped[datetime]
    used_at: Mapped[datetime | None]


class Membership(Base):
    """A project that is shared with an account; admins see every project without one."""

    __tablename__ = "membership"

    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"), primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"), primary_key=True)
