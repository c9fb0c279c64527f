"""What an option of a command line must be, as types for argparse, whose refusals name the option; and `--set`."""

from __future__ import annotations

import math
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

from ssmae.config import RoundConfig, changed, parse_overrides
from ssmae.config.overrides import setting_of
from ssmae.errors import InvalidConfig

SEED, TEST_SHARE = 0, 0.25
"""Unless told otherwise."""
LISTING = "python -m ssmae knobs"
"""The command that lists every setting."""
ALL_LABELS = -1
"""Of `labels_or_all`: every label there is."""


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


def labels_or_all(text: str) -> int:
    """A number of labels, at least 1, or "all", which gives `ALL_LABELS`."""
    if text == "all":
        return ALL_LABELS
    try:
        return whole(1)(text)
    except ArgumentTypeError as error:
        raise ArgumentTypeError(f"must be 'all' or a whole number, at least 1. Got {text!r}.") from error


def number(expected: str, fits: Callable[[float], bool]) -> Callable[[str], float]:
    """A number for which `fits` holds; `expected` says so in words."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not fits(value):
            raise ArgumentTypeError(f"must be a number {expected}. Got {text!r}.")
        return value

    return parse


def share(text: str) -> float:
    """A part of something: strictly between 0 and 1."""
    return number("strictly between 0 and 1", lambda value: 0 < value < 1)(text)


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
    existing = next(one for one in (path, *path.absolute().parents) if one.exists())
    if not existing.is_dir():
        raise ArgumentTypeError(f"must be a folder. {str(existing)!r} is a file.")
    return path


def add_settings(command: ArgumentParser) -> None:
    """Add `--set`, which `with_settings` reads."""
    shape, text = "SECTION.FIELD=VALUE", f"change settings of the preset, as `{LISTING}` lists them (default: none)"
    command.add_argument("--set", nargs="+", action="extend", default=[], metavar=shape, help=text)


def with_settings(config: RoundConfig, assignments: Sequence[str]) -> RoundConfig:
    """The settings after what `--set` was given.

    Raises:
        InvalidConfig: not of its form, no such setting, or a value that it cannot take.
    """
    with named_as_typed(assignments):
        return changed(config, parse_overrides(assignments, LISTING))


def named_as_typed(assignments: Sequence[str]) -> AbstractContextManager[None]:
    """A block whose refusals call a setting what `--set` calls it, not what its class does."""
    typed = {text.partition("=")[0].strip() for text in assignments}

    def name(field: str) -> str:
        setting = setting_of(field)
        return f"--set {setting}" if setting in typed else setting

    return naming(name)


@contextmanager
def naming(name: Callable[[str], str]) -> Iterator[None]:
    """A block whose refusals name another field.

    Args:
        name: of what was typed, for the field that a refusal names.

    Raises:
        InvalidConfig: what the block raised, so named.
    """
    try:
        yield
    except InvalidConfig as error:
        if (named := name(error.field)) == error.field:
            raise
        raise InvalidConfig(named, error.expected, error.got) from error
