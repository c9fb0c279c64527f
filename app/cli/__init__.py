"""The `ssmae` command. A refusal is one sentence on standard error and exit status 2, never a traceback.

Nothing here is imported before it is asked for: `ssmae --help` must answer at once, and `app` never imports torch.
"""

from __future__ import annotations

import importlib

import click
from sqlalchemy.exc import DBAPIError

from app.errors import AppError
from ssmae.errors import SsmaeError

_COMMANDS = {
    "demo": "running",
    "up": "running",
    "serve": "running",
    "worker": "running",
    "migrate": "running",
    "people": "people",
    "project": "project",
    "import": "importing",
    "simulate": "simulate",
    "round": "rounds",
    "export": "export",
    "report": "report",
    "doctor": "doctor",
    "prepare-demo": "running",
}
"""Command → module of this package; the function is called as the command, with `_command` behind it."""


class RefusedOnTerminal(click.ClickException):
    """A refusal as click prints it."""

    exit_code = 2


class Commands(click.Group):
    """Loads a command when it is named and turns refusals into sentences."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order in which a newcomer meets them."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command of this name."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        module = importlib.import_module(f"app.cli.{_COMMANDS[cmd_name]}")
        command: click.Command = getattr(module, cmd_name.replace("-", "_") + "_command")
        return command

    def invoke(self, ctx: click.Context) -> object:
        """Run a command.

        Raises:
            RefusedOnTerminal: the user can mend what is wrong.
        """
        try:
            return super().invoke(ctx)
        except (AppError, SsmaeError) as refusal:
            raise RefusedOnTerminal(str(refusal)) from refusal
        except DBAPIError as error:
            cause = str(error.orig).strip().splitlines()
            raise RefusedOnTerminal(f"The database does not answer: {cause[0] if cause else error}.") from error


@click.command(cls=Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="ssmae")
def main() -> None:
    """Label few images, let the model learn from all of them.

    Settings come from the environment: DATA_DIR (where everything is kept), DATABASE_URL, BROKER_URL, HOST, PORT,
    PUBLIC_URL, ALLOWED_HOSTS, TRUSTED_PROXIES, OIDC_ISSUER and its like.
    """


__all__ = ["main"]
