"""What a number or a file on a command line must be: types for argparse, whose refusals name the option."""

from __future__ import annotations

from argparse import ArgumentTypeError
from collections.abc import Callable
from pathlib import Path


def whole(least: int) -> Callable[[str], int]:
    """A whole number, not below `least`."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if value < least:
            raise ArgumentTypeError(f"must be a whole number, at least {least}. Got {text!r}.")
        return value

    return parse


def share(text: str) -> float:
    """A part of something: strictly between 0 and 1."""
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < 1:
        raise ArgumentTypeError(f"must be a number strictly between 0 and 1. Got {text!r}.")
    return value


def new_file(text: str) -> Path:
    """A file to write, in a folder that is there: found out before the work, not after it."""
    path = Path(text)
    if not path.parent.is_dir():
        raise ArgumentTypeError(f"must be a file in a folder that exists. There is no folder {str(path.parent)!r}.")
    if path.is_dir():
        raise ArgumentTypeError(f"must be a file. {text!r} is a folder.")
    return path
