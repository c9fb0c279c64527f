"""How Alembic reaches the database: one transaction for all steps, under a lock, foreign keys off on SQLite."""

from __future__ import annotations

from alembic import context
from sqlalchemy import text

from app.db import models  # noqa: F401 - fills the metadata
from app.db.base import Base, UtcDateTime
from app.db.engine import connect

_LOCK = 5_361_770  # any fixed number: all processes that migrate this project's databases agree on it


def render_item(kind: str, item: object, _context: object) -> str | bool:
    """Write our time type as plain SQLAlchemy: migrations must not depend on today's code."""
    return "sa.DateTime(timezone=True)" if kind == "type" and isinstance(item, UtcDateTime) else False


def run() -> None:
    """Migrate the database named in the configuration."""
    engine = connect(context.config.attributes["database_url"])
    is_sqlite = engine.dialect.name == "sqlite"
    with engine.connect() as connection:
        if is_sqlite:
            # With foreign keys on, a batch migration (copy, drop, rename) would delete every child row.
            raw = connection.connection.driver_connection
            raw.execute("PRAGMA foreign_keys=OFF")  # type: ignore[union-attr]
        context.configure(
            connection=connection,
            target_metadata=Base.metadata,
            render_as_batch=True,
            render_item=render_item,
            transactional_ddl=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            if not is_sqlite:
                connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))
            context.run_migrations()
            if is_sqlite and (broken := connection.execute(text("PRAGMA foreign_key_check")).all()):
                msg = f"The migration would leave rows that point to nothing: {broken[:5]}"
                raise RuntimeError(msg)
    engine.dispose()


run()
