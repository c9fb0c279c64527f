"""The method without the server: `python -m ssmae train FOLDER`, `evaluate CHECKPOINT FOLDER`, and others.

Must never import torch before a command is to work: `--help` and refusals of options come at once.
"""

from __future__ import annotations

import argparse
import sys

from ssmae.commands.arguments import EVERY
from ssmae.commands.status import exit_status


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m ssmae", description="Semi-supervised masked autoencoder.")
    commands = top.add_subparsers(dest="command", required=True)
    for add in EVERY:
        add(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run a command; expected refusals are one line on stderr and exit code 2."""
    options = parser().parse_args(arguments)
    return exit_status(lambda: options.run(options))


if __name__ == "__main__":
    sys.exit(main())
