"""What every group of settings can do: check its ranges, turn into plain dictionaries and back."""

from __future__ import annotations

from dataclasses import Field, asdict, field, fields, is_dataclass
from enum import StrEnum
from typing import Any, Self, get_type_hints

from ssmae.errors import InvalidConfig


def knob(default: Any, help: str, low: float | None = None, high: float | None = None) -> Any:  # noqa: A002 - form word
    """A dataclass field with the text and the range that a form needs."""
    return field(default=default, metadata={"help": help, "low": low, "high": high})


class Section:
    """Base of every group of settings: checks ranges, converts to and from plain dictionaries."""

    def __post_init__(self) -> None:
        """Refuse any value outside its declared range.

        Raises:
            InvalidConfig: names the field, the range and the value.
        """
        for item in _fields(self):
            value, low, high = getattr(self, item.name), item.metadata.get("low"), item.metadata.get("high")
            if low is not None and not value >= low:
                raise InvalidConfig(f"{type(self).__name__}.{item.name}", f"at least {low}", value)
            if high is not None and not value <= high:
                raise InvalidConfig(f"{type(self).__name__}.{item.name}", f"at most {high}", value)

    def to_dict(self) -> dict[str, Any]:
        """Nested plain dictionary, ready for JSON."""
        values: dict[str, Any] = asdict(self)  # type: ignore[call-overload]
        return values

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Build from a (partial) nested dictionary; absent keys take their defaults.

        Raises:
            InvalidConfig: an unknown key (the known ones are listed), a wrong type, or a value out of range.
        """
        hints = get_type_hints(cls)
        known = {item.name for item in _fields(cls)}
        if unknown := sorted(set(values) - known):
            raise InvalidConfig(cls.__name__, f"made of {sorted(known)}", unknown)
        return cls(**{name: _coerce(f"{cls.__name__}.{name}", hints[name], value) for name, value in values.items()})


def _fields(section: Any) -> tuple[Field[Any], ...]:
    return fields(section)


def _coerce(name: str, kind: Any, value: Any) -> Any:
    """Turn a JSON value into the field's type; refuse what does not fit."""
    if is_dataclass(kind) and isinstance(value, dict):
        return kind.from_dict(value)  # type: ignore[union-attr]
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        if value not in list(kind):
            raise InvalidConfig(name, f"one of {[str(member) for member in kind]}", value)
        return kind(value)
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if isinstance(kind, type) and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        raise InvalidConfig(name, f"of type {kind.__name__}", value)
    return value
