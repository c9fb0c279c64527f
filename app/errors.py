"""What the server refuses, as classes: an `AppError` is shown to the user as it is, anything else is a bug."""

from __future__ import annotations


class AppError(Exception):
    """Base class of every expected refusal."""


class Refused(AppError):
    """What was asked for is not possible as it stands; the message says what would be."""


class NotFound(AppError):
    """There is no such thing; the message names it."""


class Conflict(AppError):
    """Somebody or something else changed it first; looking again helps."""
