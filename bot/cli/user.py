"""``user add``, ``list``, ``change``, ``disable``, ``enable`` and ``reset-password``."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from bot.cli.context import actor, fail, print_json, services
from bot.officers import accounts, first, managing, reassigning
from bot.officers.accounts import Admin, AdminError, Role
from bot.services import Services


@click.group()
def user() -> None:
    """Admins: who may approve campaigns and sign in."""


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may see.")
@click.option("--area", metavar="CODE", help="Code of the province, district or facility of that role.")
def add(name: str, role: str, area: str | None) -> None:
    """Add an admin. The password is asked for, or without a terminal read as one line of stdin."""
    with services() as parts:
        try:
            accounts.check(parts.database, name, Role(role), area)
            password = _password()
            made = accounts.add(parts.database, name, Role(role), area, password, now=parts.clock.now(), actor=actor())
        except AdminError as error:
            fail(str(error))
            return
    click.echo(f"Added {made.name}: {made.role}{'' if made.area_code is None else f' {made.area_code}'}.")


@user.command(name="list")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def list_users(as_json: bool) -> None:
    """List the admins."""
    with services() as parts:
        found = accounts.every(parts.database)
    if as_json:
        print_json([admin.as_json() for admin in found])
        return
    if not found:
        click.echo("There is no user yet: python -m bot user add NAME --role national")
    for admin in found:
        disabled = "  disabled" if admin.disabled_at is not None else ""
        click.echo(f"{admin.name:<24} {admin.role:<12} {admin.area_code or 'everywhere'}{disabled}")


@user.command()
@click.argument("name")
@click.option("--role", type=click.Choice([role.value for role in Role]), required=True, help="What they may see now.")
@click.option("--area", metavar="CODE", help="Code of the province, district or facility of that role.")
def change(name: str, role: str, area: str | None) -> None:
    """Give an admin another role or area: their sessions and tokens end at once."""
    with services() as parts:
        try:
            changed = reassigning.reassign(
                *(parts.database, _named(parts, name).id, Role(role), area),
                now=parts.clock.now(),
                actor=actor(),
                giver=None,
            )
        except AdminError as error:
            fail(str(error))
            return
    click.echo(f"{changed.name} is now: {changed.role}{'' if changed.area_code is None else f' {changed.area_code}'}.")


@user.command()
@click.argument("name")
def disable(name: str) -> None:
    """Shut an admin out: their sessions and tokens end at once."""
    with services() as parts:
        try:
            changed = managing.disable(parts.database, _named(parts, name).id, now=parts.clock.now(), actor=actor())
        except AdminError as error:
            fail(str(error))
            return
    click.echo(f"{changed.name} cannot sign in any more.")


@user.command()
@click.argument("name")
def enable(name: str) -> None:
    """Let an admin in again who was shut out."""
    with services() as parts:
        try:
            changed = managing.enable(parts.database, _named(parts, name).id, now=parts.clock.now(), actor=actor())
        except AdminError as error:
            fail(str(error))
            return
    click.echo(f"{changed.name} may sign in again.")


@user.command(name="reset-password")
@click.argument("name")
@click.option("--remove-totp", is_flag=True, help="Take away the one-time passwords of a lost telephone as well.")
def reset_password(name: str, remove_totp: bool) -> None:
    """Give an admin a new password, which is printed this once; their sessions and tokens end."""
    with services() as parts:
        try:
            found, now = _named(parts, name), parts.clock.now()
            password = managing.reset_password(parts.database, found.id, now=now, actor=actor())
            if remove_totp:
                managing.remove_totp(parts.database, found.id, now=now, actor=actor())
        except AdminError as error:
            fail(str(error))
            return
    click.echo(password)


@user.command(name="first", hidden=True)
@click.option(
    "--keep-in", type=click.Path(path_type=Path, dir_okay=False), required=True, help="File for the password."
)
def make_first(keep_in: Path) -> None:
    """Make the demo's admin if nobody of the ministry can sign in yet."""
    with services() as parts:
        try:
            first.make_first(parts.database, keep_in, now=parts.clock.now(), actor=actor())
        except AdminError as error:
            fail(str(error))
        except OSError as error:
            fail(f"{keep_in} cannot be written: {error.strerror}.")


def _named(parts: Services, name: str) -> Admin:
    found = accounts.find(parts.database, name)
    if found is None:
        raise AdminError(f"There is no user {name}.")
    return found


def _password() -> str:
    """Asked for twice on a terminal, where nobody sees it; else one line of stdin. Raises ``AdminError``."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first: str = click.prompt("Password", hide_input=True, err=True)
    accounts.check_password(first)  # before it has to be typed again
    if click.prompt("The same password again", hide_input=True, err=True) != first:
        raise AdminError("The two passwords differ; nobody was added.")
    return first
