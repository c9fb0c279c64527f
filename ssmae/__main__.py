"""The method without the server: `python -m ssmae train FOLDER`, `evaluate CHECKPOINT FOLDER`, and `bench`."""

from __future__ import annotations

import argparse
import sys

from ssmae.commands import bench, evaluate, train
from ssmae.commands.status import exit_status

COMMANDS = (train, evaluate, bench)


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m ssmae", description="Semi-supervised masked autoencoder.")
    commands = top.add_subparsers(dest="command", required=True)
    for command in COMMANDS:
        command.add_to(commands)
    return top


def main(arguments: list[str] | None = None) -> int:
    """Run a command; expected refusals are one line on stderr and exit code 2."""
    options = parser().parse_args(arguments)
    return exit_status(lambda: options.run(options))


if __name__ == "__main__":
    sys.exit(main())
