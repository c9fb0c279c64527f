"""Changes to the settings of a round, as nested dictionaries that hold only what differs.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from difflib import get_close_matches
from enum import StrEnum
from typing import Any, get_type_hints

from ssmae.config.sections import RoundConfig
from ssmae.errors import InvalidConfig

Overrides = dict[str, Any]
"""A part of `RoundConfig.to_dict()`, section by section."""

LISTING = "ssmae round knobs"
"""The command that lists every setting, for people of the server."""

_SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class UnknownSetting(InvalidConfig):
    """There is no setting of that name: the message has the nearest one, and how to see them all."""

    def __init__(self, name: str, listing: str) -> None:
        super().__init__("--set", "the name of a setting", name)
        near = _nearest(name)
        guess = f"did you mean {near}? `{listing}` lists them all." if near else f"`{listing}` lists every setting."
        self.args = (f"--set: there is no {name}; {guess}",)


def merged(base: Overrides, *layers: Overrides) -> Overrides:
    """`base` with the values of each layer, section by section; the last layer wins. Values are not checked."""
    for layer in layers:
        base = base | {
            name: merged(base[name], value) if isinstance(value, dict) and isinstance(base.get(name), dict) else value
            for name, value in layer.items()
        }
    return base


def changed(config: RoundConfig, *layers: Overrides) -> RoundConfig:
    """The settings with the values of each layer; they are checked together, after the last.

    Raises:
        InvalidConfig: no such setting, or a value that it cannot take.
    """
    return RoundConfig.from_dict(merged(config.to_dict(), *layers))


def differences(base: Overrides, chosen: Overrides) -> Overrides:
    """The values of `chosen` that are not those of `base`, section by section."""
    found: Overrides = {}
    for name, value in chosen.items():
        if isinstance(value, dict):
            if inner := differences(base[name], value):
                found[name] = inner
        elif value != base[name]:
            found[name] = value
    return found


def parse_overrides(assignments: Iterable[str], listing: str = LISTING) -> Overrides:
    """Changes such as "schedule.joint_steps=800", "augment.flip=true" or "threads=2" as values of the fields' types.

    Args:
        assignments: as they were typed.
        listing: the command that lists every setting, for a refusal.

    Raises:
        InvalidConfig: not of that form, or a value that is none of its type. Ranges are not checked.
        UnknownSetting: no such setting.
    """
    overrides: Overrides = {}
    for assignment in assignments:
        path, sign, text = (part.strip() for part in assignment.partition("="))
        if not sign:
            raise InvalidConfig("--set", "SECTION.FIELD=VALUE", assignment)
        kind = _type_of(path)
        if kind is None:
            raise UnknownSetting(path, listing)
        target = overrides
        *sections, field = path.split(".")
        for section in sections:
            target = target.setdefault(section, {})
        target[field] = _value(path, kind, text)
    return overrides


def every_setting(config: Any, prefix: str = "") -> list[tuple[str, Any, str]]:
    """(dotted name, value, help) of every setting of a round or of one of its sections."""
    found: list[tuple[str, Any, str]] = []
    for field in fields(config):
        name, value = f"{prefix}{field.name}", getattr(config, field.name)
        found += every_setting(value, f"{name}.") if is_dataclass(value) else [(name, value, field.metadata["help"])]
    return found


def setting_of(field: str) -> str:
    """The dotted name that `--set` takes, of a field that a refusal names by its class; anything else as it is."""
    owner, _, name = field.partition(".")
    if not name:
        return field
    if owner == RoundConfig.__name__:
        return name
    sections = [name for name, kind in get_type_hints(RoundConfig).items() if kind.__name__ == owner]
    return f"{sections[0]}.{name}" if sections else field


def _nearest(name: str) -> str | None:
    """The setting that somebody meant, by its own name if only the section is wrong or missing."""
    known = [one for one, _, _ in every_setting(RoundConfig())]
    field = name.rpartition(".")[2]
    same = [one for one in known if one.rpartition(".")[2] == field]
    return next(iter(same or get_close_matches(name, known, n=1)), None)


def _type_of(path: str) -> Any:
    kind: Any = RoundConfig
    for name in path.split("."):
        kind = get_type_hints(kind).get(name) if is_dataclass(kind) else None
    return None if is_dataclass(kind) else kind


def _value(path: str, kind: Any, text: str) -> Any:
    try:
        return _SWITCHES[text.lower()] if kind is bool else kind(text)
    except (ValueError, KeyError) as error:
        words = {bool: "true or false", int: "a whole number", float: "a number"}
        if issubclass(kind, StrEnum):
            words[kind] = f"one of {', '.join(kind)}"
        raise InvalidConfig(f"--set {path}", words[kind], text) from error
