"""What an option of a command line must be, as types for argparse, whose refusals name the option; and `--set`."""

from __future__ import annotations

from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Sequence
from pathlib import Path

from ssmae.config import RoundConfig, changed, parse_overrides


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


def new_folder(text: str) -> Path:
    """A folder to write to, made when it is needed."""
    path = Path(text)
    if path.exists() and not path.is_dir():
        raise ArgumentTypeError(f"must be a folder. {text!r} is a file.")
    return path


def add_settings(command: ArgumentParser) -> None:
    """Add `--set`, which `with_settings` reads."""
    shape, text = "SECTION.FIELD=VALUE", "change settings of the preset: see `ssmae round knobs`"
    command.add_argument("--set", nargs="+", action="extend", default=[], metavar=shape, help=text)


def with_settings(config: RoundConfig, assignments: Sequence[str]) -> RoundConfig:
    """The settings after what `--set` was given.

    Raises:
        InvalidConfig: not of its form, no such setting, or a value that it cannot take.
    """
    return changed(config, parse_overrides(assignments))
