"""Every setting of a round as a form, built from the help and the ranges that `ssmae.config` declares."""

from __future__ import annotations

from dataclasses import Field, fields, is_dataclass
from enum import StrEnum
from typing import Any

import streamlit as st

from ssmae.config import GateRule, Head, Masking, Precision, RoundConfig, View, Weighting

_SECTIONS = {
    "model": "Model",
    "loss": "Losses",
    "augment": "Views",
    "schedule": "Schedule",
    "gate": "Gate",
}

# By type, because members of two types may have the same value, and are then the same key.
CHOICES: dict[type[StrEnum], dict[StrEnum, str]] = {
    Masking: {Masking.RANDOM: "Random patches", Masking.GRID: "A regular grid"},
    Weighting: {
        Weighting.FIXED: "Fixed threshold (FixMatch)",
        Weighting.ADAPTIVE: "Adaptive thresholds (FreeMatch)",
        Weighting.SOFT: "Soft weights (SoftMatch)",
    },
    View: {View.WEAK: "Weak view", View.STRONG: "Strong view"},
    GateRule: {
        GateRule.LEARN_THEN_TEST: "Learn then test: a proven bound",
        GateRule.POINT_ESTIMATE: "Point estimate: the paper's rule",
        GateRule.ALWAYS_OPEN: "Always open: no gate",
    },
    Head: {Head.FRESH: "A fresh classifier", Head.KEEP: "Keep the old classifier"},
    Precision: {
        Precision.AUTO: "Auto: what suits the device",
        Precision.FULL: "Full: 32 bits",
        Precision.MIXED: "Mixed: bfloat16",
    },
}
"""What a drop-down says of each member."""


def knobs(config: RoundConfig, *, key: str) -> dict[str, Any]:
    """Show every setting with its present value; give back those that were changed, as nested overrides.

    Args:
        config: the settings that hold without a change.
        key: makes the widgets' keys; another key forgets what was changed.
    """
    changed: dict[str, Any] = {}
    names = [item.name for item in fields(config) if is_dataclass(getattr(config, item.name))]
    tabs = st.tabs([*(_SECTIONS.get(name, name) for name in names), "Machine"])
    for tab, name in zip(tabs, names, strict=False):
        with tab:
            if section := _section(getattr(config, name), f"{key}-{name}"):
                changed[name] = section
    with tabs[-1]:
        changed |= _section(config, f"{key}-machine")
    return changed


def _section(section: Any, key: str) -> dict[str, Any]:
    plain = [item for item in fields(section) if not is_dataclass(getattr(section, item.name))]
    columns = st.columns(3)
    changed = {}
    for at, item in enumerate(plain):
        present = getattr(section, item.name)
        with columns[at % 3]:
            value = _knob(item, present, f"{key}-{item.name}")
        if value != present:
            changed[item.name] = value
    return changed


def _knob(item: Field[Any], present: Any, key: str) -> Any:
    label, help_text = item.name.replace("_", " ").capitalize(), item.metadata.get("help")
    low, high = item.metadata.get("low"), item.metadata.get("high")
    if isinstance(present, bool):
        return st.toggle(label, value=present, key=key, help=help_text)
    if isinstance(present, StrEnum):
        says = CHOICES[type(present)]
        members = list(says)
        return st.selectbox(
            label, members, index=members.index(present), format_func=lambda one: says[one], key=key, help=help_text
        )
    if isinstance(present, int):
        return st.number_input(
            label, value=present, step=1, min_value=_whole(low), max_value=_whole(high), key=key, help=help_text
        )
    if isinstance(present, float):
        return st.number_input(
            label,
            value=present,
            step=_step(present),
            min_value=None if low is None else float(low),
            max_value=None if high is None else float(high),
            format="%g",
            key=key,
            help=help_text,
        )
    return st.text_input(label, value=present, key=key, help=help_text)


def _whole(bound: float | None) -> int | None:
    return None if bound is None else int(bound)


def _step(present: float) -> float:
    """A step that a hand would choose: a twentieth for shares and weights, a tenth of a small value."""
    return 0.05 if present >= 0.1 or present == 0 else present / 10
