"""What the server refuses, as classes: an `AppError` is shown to the user as it is, anything else is a bug."""

from __future__ import annotations


class AppError(Exception):
    """Base class of every expected refusal."""


class Refused(AppError):
    """What was asked for is not possible as it stands; the message says what would be."""


class Forbidden(AppError):
    """Whoever asks may not do this; the message says who may."""


class NotFound(AppError):
    """There is no such thing, or none that whoever asks may see; the message names it."""


class Conflict(AppError):
    """Somebody or something else changed it first; looking again helps."""
