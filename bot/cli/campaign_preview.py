"""``campaign preview``: what a campaign would do, before anybody sends it."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from bot.campaigns.preview import Preview, Price
from bot.campaigns.preview import preview as preview_of
from bot.campaigns.record import find
from bot.cli.campaign import campaign_errors, json_option
from bot.cli.context import print_json, services
from bot.daytime import zone_name
from bot.services import Services

#: Districts that are listed one by one, the largest first.
_MOST_DISTRICTS = 20


@click.command()
@click.argument("name")
@json_option
def preview(name: str, as_json: bool) -> None:
    """Show whom a campaign goes to, what it says, what it costs and how long it takes, as of now."""
    with services(long_work=True) as parts, campaign_errors():
        found = look(parts, name)
        here = parts.settings.time_zone
    if as_json:
        print_json(found.as_json())
        return
    click.echo("\n".join(summary(found, here)))
    for title, counts in (
        ("By state", list(found.states.items())),
        ("By district", [(f"{code} {name}", many) for code, name, many in _largest(found)]),
    ):
        if counts:
            click.echo(f"{title}:")
        for label, many in counts:
            click.echo(f"  {label:<40} {many:>9,}")
    if len(found.districts) > _MOST_DISTRICTS:
        click.echo(f"  and {len(found.districts) - _MOST_DISTRICTS} districts more (--json has all)")


def look(parts: Services, name: str) -> Preview:
    """The preview of a campaign; raises ``CampaignError``."""
    settings = parts.settings
    return preview_of(
        parts.database,
        find(parts.database, name),
        parts.composer,
        parts.clock.now(),
        window=settings.sending_window,
        price=Price(settings.sms_price, settings.sms_currency),
    )


def summary(found: Preview, here: ZoneInfo) -> list[str]:
    """The lines that somebody reads before they say yes."""
    if not found.recipients:
        return [f"To {found.audience}: nobody."]
    lines = [f"To {found.audience}: {found.recipients:,} recipients."]
    if found.shared:
        once = "" if found.messages == found.recipients else f"; {found.messages:,} messages leave, one to each number"
        lines.append(f"{found.shared:,} of them share a number with another one{once}.")
    least, most = found.least_segments, found.most_segments
    each = f"{least}" if least == most else f"{least} to {most}"
    about = "about " if found.estimated else ""
    lines.append(f"SMS parts: {each} a message, {about}{found.segments:,} in all.")
    if found.cost is not None:
        lines.append(f"Cost: {about}{found.cost:,.2f} {found.price.currency}.")
    lines.append(_time(found, here))
    for each_zone in found.zones if len(found.zones) > 1 else ():
        starts = each_zone.starts_at.astimezone(here)
        ends = "" if each_zone.ends_at is None else f" to {each_zone.ends_at.astimezone(here):%Y-%m-%d %H:%M}"
        lines.append(f"  {zone_name(each_zone.time_zone):<5} {each_zone.messages:>9,}  {starts:%Y-%m-%d %H:%M}{ends}")
    lines.append("Texts:")
    for sample in found.samples:
        longest = ", the longest" if sample.longest else ""
        lines.append(f"  {sample.language} ({sample.segments}{longest})  {sample.text}")
    return lines


def _time(found: Preview, here: ZoneInfo) -> str:
    starts = "" if found.starts_at is None else f"{found.starts_at.astimezone(here):%Y-%m-%d %H:%M %Z}"
    if found.rate is None:
        return f"Time: from {starts}, as fast as the gateway takes it."
    pace = f"at {found.rate:g} a second"
    if found.ends_at is None:
        return f"Time: from {starts}, {pace}; that takes years."
    late = ""
    if found.ends_at > found.deadline_at:
        late = f" That is after its deadline, {found.deadline_at.astimezone(here):%Y-%m-%d %H:%M %Z}!"
    return f"Time: from {starts} to {found.ends_at.astimezone(here):%Y-%m-%d %H:%M %Z}, {pace}.{late}"


def _largest(found: Preview) -> list[tuple[str, str, int]]:
    return sorted(found.districts, key=lambda each: -each[2])[:_MOST_DISTRICTS]
