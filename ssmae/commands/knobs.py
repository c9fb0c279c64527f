"""The work of `python -m ssmae knobs`: every setting that `--set` takes, with its value in a preset and its meaning.

Must never import torch: it only reads the configuration.
"""

from __future__ import annotations

import argparse

from ssmae.config import Preset, every_setting, preset_config


def knobs(arguments: argparse.Namespace) -> None:
    """Print a line for each setting, in the form that `--set` takes."""
    for name, value, text in every_setting(preset_config(Preset(arguments.preset), arguments.image_side)):
        print(f"{f'{name}={value}':<42} {text}")
