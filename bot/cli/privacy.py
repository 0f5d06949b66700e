"""Commands about personal data: what is kept no longer, what is kept of one person, and erasing it."""

from __future__ import annotations

import click

from bot.cli.context import print_json, services
from bot.privacy import retention


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
