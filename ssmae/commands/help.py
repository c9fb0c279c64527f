"""Help texts that name defaults and choices by themselves, for every program of this package."""

from __future__ import annotations

import argparse
from collections.abc import Iterable


class WithDefaults(argparse.HelpFormatter):
    """Says of every option its default and, where its values have a common name, what these are."""

    def _get_help_string(self, action: argparse.Action) -> str:
        text, choices, default = action.help or "", action.choices or (), action.default
        if choices and action.metavar:
            text += f": {_joined(choices, ', ')}"
        if action.required or default is None or default == argparse.SUPPRESS or "(default" in text:
            return text
        if default is False:
            return f"{text} (default: off)"
        values = default if isinstance(default, list | tuple) else [default]
        is_all = len(values) > 1 and set(values) == set(choices)
        return f"{text} (default: {'all' if is_all else _joined(values, ' ') or 'none'})"


def _joined(values: Iterable[object], between: str) -> str:
    """As text that argparse will fill in."""
    return between.join(map(str, values)).replace("%", "%%")
