"""Changes to the settings of a round, as nested dictionaries that hold only what differs.

Standard library only.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import StrEnum
from typing import Any, get_type_hints

from ssmae.config.sections import RoundConfig
from ssmae.errors import InvalidConfig

Overrides = dict[str, Any]
"""A part of `RoundConfig.to_dict()`, section by section."""

_SWITCHES = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


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


def parse_overrides(assignments: Iterable[str]) -> Overrides:
    """Changes such as "schedule.joint_steps=800", "augment.flip=true" or "threads=2" as values of the fields' types.

    Raises:
        InvalidConfig: not of that form, no such setting, or a value that is none of its type. Ranges are not checked.
    """
    overrides: Overrides = {}
    for assignment in assignments:
        path, sign, text = (part.strip() for part in assignment.partition("="))
        kind = _type_of(path)
        if not sign or kind is None:
            known = ", ".join(name for name, _, _ in every_setting(RoundConfig()))
            raise InvalidConfig("--set", f"SECTION.FIELD=VALUE with one of {known}", assignment)
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
