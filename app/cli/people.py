"""People: who can sign in, what they may do, which projects they see. For whoever runs the server."""

from __future__ import annotations

from collections.abc import Sequence

import click

from app.cli.common import one_of, open_database, project_named, table
from app.db.queries import accounts as account_queries
from app.db.unit_of_work import UnitOfWork, committed
from app.domain.people import Role
from app.services import accounts, invitations, passwords
from app.settings import Settings

_role = click.option(
    "--role", type=one_of(Role), default=Role.ANNOTATOR.value, show_default=True, help="What they may do."
)
_projects = click.option(
    "--project", "project_names", multiple=True, metavar="NAME", help="A project that they see; may be given again."
)
_name = click.argument("name")


@click.group("people")
def people_command() -> None:
    """Who can sign in, what they may do, and which projects they see."""


@people_command.command("list")
def list_command() -> None:
    """Show everybody who has an account."""
    with open_database().database.reading() as uow:
        shared: dict[int, list[str]] = {}
        for account_id, _, project_name in account_queries.memberships(uow.session):
            shared.setdefault(account_id, []).append(project_name)
        rows = [
            (
                name,
                account.role,
                "yes" if account.is_active else "no",
                "all" if account.role is Role.ADMIN else ", ".join(shared.get(account.id, [])) or "–",
            )
            for account, name in account_queries.every(uow.session)
        ]
    table(("name", "role", "can sign in", "projects"), rows)


@people_command.command("add")
@_name
@_role
@_projects
def add_command(name: str, role: str, project_names: Sequence[str]) -> None:
    """Make an account and print its one-time password.

    An annotator of this NAME who has no account yet becomes this person, with all their answers.
    """
    password = passwords.one_time()
    with committed(open_database().database) as uow:
        accounts.add(
            uow, name, Role(role), password=password, is_one_time=True, may_exist=True,
            project_ids=_ids(uow, project_names),
        )  # fmt: skip
    click.echo(f"{name} signs in with this password, which is shown only now and works once:\n\n    {password}\n")


@people_command.command("invite")
@_role
@_projects
def invite_command(role: str, project_names: Sequence[str]) -> None:
    """Print a link with which one new person chooses a name and a password."""
    runtime = open_database()
    with committed(runtime.database) as uow:
        secret = invitations.invite(uow, Role(role), _ids(uow, project_names))
    click.echo(f"For one person, within {invitations.INVITATION_DAYS} days:\n\n    {_link(runtime.settings, secret)}\n")


@people_command.command("reset-password")
@_name
def reset_password_command(name: str) -> None:
    """Print a link with which somebody chooses a new password."""
    runtime = open_database()
    with committed(runtime.database) as uow:
        secret = invitations.new_password(uow, accounts.account_named(uow, name).id)
    hours = invitations.NEW_PASSWORD_HOURS
    click.echo(f"For {name}, within {hours} hours:\n\n    {_link(runtime.settings, secret)}\n")


@people_command.command("role")
@_name
@click.argument("role", type=one_of(Role))
def role_command(name: str, role: str) -> None:
    """Change what somebody may do."""
    with committed(open_database().database) as uow:
        accounts.set_role(uow, accounts.account_named(uow, name).id, Role(role))
    click.echo(f"{name} is {Role(role).article} {role} now, who {Role(role).label}.")


@people_command.command("share")
@_name
@click.argument("project_name", metavar="PROJECT")
@click.option("--no-longer", is_flag=True, help="Take it back instead.")
def share_command(name: str, project_name: str, no_longer: bool) -> None:
    """Let somebody see a project."""
    with committed(open_database().database) as uow:
        account_id, project_id = accounts.account_named(uow, name).id, project_named(uow, project_name).id
        (accounts.unshare if no_longer else accounts.share)(uow, project_id, account_id)
    click.echo(f"{name} {'no longer sees' if no_longer else 'sees'} {project_name}.")


@people_command.command("deactivate")
@_name
def deactivate_command(name: str) -> None:
    """Keep somebody from signing in; their answers stay."""
    with committed(open_database().database) as uow:
        accounts.deactivate(uow, accounts.account_named(uow, name).id)
    click.echo(f"{name} is signed out everywhere and cannot sign in any more.")


@people_command.command("activate")
@_name
def activate_command(name: str) -> None:
    """Let somebody who was deactivated sign in again."""
    with committed(open_database().database) as uow:
        accounts.activate(uow, accounts.account_named(uow, name).id)
    click.echo(f"{name} can sign in again.")


def _ids(uow: UnitOfWork, project_names: Sequence[str]) -> list[int]:
    return [project_named(uow, one).id for one in project_names]


def _link(settings: Settings, secret: str) -> str:
    return f"{settings.public_url or settings.local_url}/invitation/{secret}"
