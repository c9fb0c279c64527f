"""A project and its classes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, ForeignKey, String, UniqueConstraint, false
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base, choice, now
from app.domain.people import Adjudication
from ssmae.config import Acquisition, Preset


class Project(Base):
    """One labelling task: its classes, its images and how its rounds are made."""

    __tablename__ = "project"
    __table_args__ = (
        CheckConstraint("test_size >= 0", name="test_size"),
        CheckConstraint("validation_size >= 0", name="validation_size"),
        CheckConstraint("selection_size >= 1", name="selection_size"),
        CheckConstraint("test_share IS NULL OR (test_share >= 0 AND test_share <= 1)", name="test_share"),
        CheckConstraint("overlap_share >= 0 AND overlap_share <= 1", name="overlap_share"),
        CheckConstraint("overlap_size >= 2 AND overlap_size <= 5", name="overlap_size"),
        CheckConstraint("error_target > 0 AND error_target < 1", name="error_target"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    salt: Mapped[str] = mapped_column(String(32), comment="makes the draw of the test split the project's own")
    is_sealed: Mapped[bool] = mapped_column(default=False, comment="known labels are hidden; may be simulated")
    test_size: Mapped[int] = mapped_column(comment="how many test images the draw aims at")
    test_share: Mapped[float | None] = mapped_column(
        comment="set by every import until a test image is answered or a round is queued"
    )
    validation_size: Mapped[int]
    selection_size: Mapped[int]
    strategy: Mapped[Acquisition] = mapped_column(choice(Acquisition, "strategy"))
    preset: Mapped[Preset] = mapped_column(choice(Preset, "preset"))
    settings: Mapped[dict[str, Any]] = mapped_column(default=dict, comment="overrides of the preset's RoundConfig")
    overlap_share: Mapped[float] = mapped_column(
        default=0.0, server_default="0", comment="share of the images that several people answer, blind"
    )
    overlap_size: Mapped[int] = mapped_column(default=2, server_default="2", comment="how many people answer those")
    adjudication: Mapped[Adjudication] = mapped_column(
        choice(Adjudication, "adjudication"),
        default=Adjudication.MAJORITY,
        server_default=Adjudication.MAJORITY.value,
        comment="which label an image has while people disagree",
    )
    shows_guess: Mapped[bool] = mapped_column(
        default=False, server_default=false(), comment="whether the model's guess is shown while labelling"
    )
    error_target: Mapped[float] = mapped_column(
        default=0.05, server_default="0.05", comment="error rate that audits and clean grids are held against"
    )
    created_at: Mapped[datetime] = mapped_column(default=now)


class ImageClass(Base):
    """One possible answer. Its id never changes its meaning; its name and place may."""

    __tablename__ = "class"
    __table_args__ = (UniqueConstraint("project_id", "name"), UniqueConstraint("project_id", "position"))

    id: Mapped[int] = mapped_column(primary_key=True)
    project_id: Mapped[int] = mapped_column(ForeignKey("project.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(comment="order on screen, and the class index of new rounds")
