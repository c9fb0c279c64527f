"""What the database says of itself."""

from __future__ import annotations

from sqlalchemy import String
from sqlalchemy.orm import Mapped, mapped_column

from app.db.base import Base


class Installation(Base):
    """One row: the database's own name, drawn when it was made.

    A browser knows a server by its address alone, and another database may be served there tomorrow: answers that wait
    in the browser must not go to whatever images have their numbers then.
    """

    __tablename__ = "installation"

    uid: Mapped[str] = mapped_column(String(36), primary_key=True)
