"""``campaign set-cap``."""

from __future__ import annotations

from decimal import Decimal, InvalidOperation

import click

from bot.campaigns import campaigns
from bot.campaigns.record import find
from bot.cli.campaign import campaign_errors, check_price, json_option, tell
from bot.cli.context import actor, services


@click.command(name="set-cap")
@click.argument("name")
@click.argument("amount", metavar="AMOUNT")
@json_option
def set_cap(name: str, amount: str, as_json: bool) -> None:
    """Let a campaign cost AMOUNT at most (`none`: no cap), also while it runs."""
    try:
        wanted = None if amount.strip().lower() == "none" else Decimal(amount)
    except InvalidOperation as error:
        raise click.BadParameter("an amount of money, or `none`", param_hint="AMOUNT") from error
    with services() as parts, campaign_errors():
        check_price(parts, wanted)
        campaigns.set_cap(parts.database, name, wanted, now=parts.clock.now(), actor=actor())
        told = "It has no cap" if wanted is None else f"It costs {wanted} {parts.settings.sms_currency} at most"
        found = find(parts.database, name)
    tell(found, as_json, f'{told}. If it is paused: python -m bot campaign resume "{name}"')
