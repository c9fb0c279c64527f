"""The method without the server: `python -m ssmae train FOLDER`, `evaluate CHECKPOINT FOLDER`, and `bench`."""

from __future__ import annotations

import argparse
import sys

from ssmae.commands import bench, evaluate, train
from ssmae.errors import SsmaeError

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
    try:
        options.run(options)
    except SsmaeError as error:
        sys.stderr.write(f"error: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
