"""Bring a database to the newest revision; safe to call from several processes at once."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from app.db.engine import connect

_MIGRATIONS = Path(__file__).parents[2] / "migrations"


def config(database_url: str) -> Config:
    """Alembic's configuration for this project's migrations."""
    made = Config()
    made.set_main_option("script_location", str(_MIGRATIONS))
    made.attributes["database_url"] = database_url
    return made


def upgrade(database_url: str) -> None:
    """Run every migration that has not run yet, in one transaction, under a lock."""
    command.upgrade(config(database_url), "head")


def pending(database_url: str) -> bool:
    """Whether the database is behind the code."""
    engine = connect(database_url)
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    engine.dispose()
    return current != ScriptDirectory.from_config(config(database_url)).get_current_head()
