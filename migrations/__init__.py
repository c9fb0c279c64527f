"""Alembic migrations: named by date, one change each, never edited once released."""
