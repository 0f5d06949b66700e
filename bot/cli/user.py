"""``user add`` and ``user list``."""

from __future__ import annotations

import sys

import click

from bot.cli.context import actor, fail, print_json, services
from bot.officers import accounts
from bot.officers.accounts import AdminError, Role


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


def _password() -> str:
    """Asked for twice on a terminal, where nobody sees it; else one line of stdin. Raises ``AdminError``."""
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    first: str = click.prompt("Password", hide_input=True, err=True)
    accounts.check_password(first)  # before it has to be typed again
    if click.prompt("The same password again", hide_input=True, err=True) != first:
        raise AdminError("The two passwords differ; nobody was added.")
    return first
