"""What a project changes about a preset: nested dictionaries that hold only the differences."""

from __future__ import annotations

from typing import Any

from ssmae.config import RoundConfig


def merged(base: dict[str, Any], layer: dict[str, Any]) -> dict[str, Any]:
    """`base` with the values of `layer`, section by section."""
    return base | {
        name: merged(base[name], value) if isinstance(value, dict) and isinstance(base.get(name), dict) else value
        for name, value in layer.items()
    }


def differences(base: dict[str, Any], chosen: dict[str, Any]) -> dict[str, Any]:
    """The values of `chosen` that are not those of `base`, section by section."""
    found: dict[str, Any] = {}
    for name, value in chosen.items():
        if isinstance(value, dict):
            if inner := differences(base[name], value):
                found[name] = inner
        elif value != base[name]:
            found[name] = value
    return found


def changed(base: RoundConfig, overrides: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """The overrides after some changes were made to `base` with `overrides`."""
    plain = base.to_dict()
    return differences(plain, merged(merged(plain, overrides), changes))
