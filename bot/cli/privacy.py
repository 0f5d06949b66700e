"""Commands about personal data: what is kept no longer, what is kept of one person, and erasing it."""

from __future__ import annotations

from dataclasses import asdict

import click

from bot.cli.context import actor, fail, print_json, services
from bot.phone import NotAPhone
from bot.privacy import erasing, export, person, retention
from bot.registration.corrections import LONGEST_REASON, SHORTEST_REASON, BadReason
from bot.registration.officer import Officer, Reach
from bot.services import Services


@click.group()
def privacy() -> None:
    """Personal data: how long it is kept, and what is kept of one person."""


@privacy.command(name="retention")
@click.option("--dry-run", is_flag=True, help="Count what is due, and delete nothing.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def delete_what_is_due(dry_run: bool, as_json: bool) -> None:
    """Delete what is kept no longer (the workers do it by themselves), and say what is due."""
    with services(long_work=True) as parts:
        kept, now = parts.settings.kept_for, parts.clock.now()
        due = retention.due(parts.database, kept, now)
        went = {} if dry_run else retention.run(parts.database, kept, now, lambda: True)
        end = retention.end_of_campaign(parts.database)
    if as_json:
        rules = [
            {
                "what": each.what.value,
                "days": each.days,
                "before": None if each.before is None else each.before.isoformat(),
                "due": each.rows,
                "deleted": went.get(each.what, 0),
            }
            for each in due
        ]
        print_json({"dry_run": dry_run, "campaign_ended": None if end is None else end.isoformat(), "rules": rules})
        return
    for each in due:
        told = f"{each.rows:>9} due" if dry_run else f"{went.get(each.what, 0):>9} deleted"
        since = (
            "the campaign's end is not so far back"
            if each.before is None
            else f"before {each.before:%Y-%m-%d %H:%M} UTC"
        )
        click.echo(f"  {each.what.value:<22} {each.days:>5} days {told}   {since}")
    click.echo("Nothing was deleted." if dry_run else f"{sum(went.values())} in all; the audit log has the numbers.")


def _find(parts: Services, phone_or_nik: str) -> person.Who:
    try:
        return person.find(parts.database, parts.vault, phone_or_nik)
    except NotAPhone as error:
        raise click.BadParameter(f"neither a NIK nor a phone: {error}", param_hint="PHONE_OR_NIK") from error
    except person.Nobody:
        fail("Nothing is kept of anybody with this phone or NIK.")
        raise
    except person.Several:
        fail("More than one person has this phone; give the NIK.")
        raise


_REASON = click.option("--reason", required=True, help="Why, for the audit log; nobody's name or number.")


@privacy.command(name="export")
@click.argument("phone_or_nik")
@_REASON
def hand_out(phone_or_nik: str, reason: str) -> None:
    """Print all that is kept of one person, as JSON. That it was handed out goes to the audit log."""
    with services() as parts:
        who = _find(parts, phone_or_nik)
        try:
            found = export.export(parts.database, parts.vault, who, reason, _officer(), parts.clock.now())
        except BadReason:
            fail(_BAD_REASON)
            raise
    print_json(found)


@privacy.command()
@click.argument("phone_or_nik")
@_REASON
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def erase(phone_or_nik: str, reason: str, yes: bool, as_json: bool) -> None:
    """Erase one person for good: figures and what was booked stay, without saying whose they are."""
    with services() as parts:
        who = _find(parts, phone_or_nik)
        if not yes:
            click.confirm("Erase this person for good? It cannot be undone.", abort=True, err=True)
        try:
            erased = erasing.erase(parts.database, parts.vault, parts.store, who, reason, _officer(), parts.clock.now())
        except BadReason:
            fail(_BAD_REASON)
            raise
        except erasing.MessageLeaving:
            fail("A message to them is just leaving; nothing was erased. Try again in a minute.")
            raise
    if as_json:
        print_json(asdict(erased))
        return
    click.echo("Erased. What was booked stays in the figures, without anybody's name.")
    click.echo(f"  places given back         {erased.cancelled}")
    click.echo(f"  messages that do not leave {erased.stopped}")
    if erased.shared:
        click.echo("  The number is somebody else's too: what came from it and went to it was left.")
    if erased.opted_out:
        click.echo("  The number stays on the register of those who want no invitations.")


_BAD_REASON = f"Give a reason of {SHORTEST_REASON} to {LONGEST_REASON} characters, without anybody's name or number."


def _officer() -> Officer:
    return Officer(actor(), Reach())
