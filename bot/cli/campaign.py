"""``campaign create``, ``approve``, ``pause`` and the like: an admin's decisions about blasts and reminders."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import click
import redis

from bot.campaigns import campaigns, unknowns
from bot.campaigns.plans import Plan
from bot.campaigns.record import Campaign, CampaignError, every, find
from bot.campaigns.unknowns import Decision
from bot.cli.context import actor, fail, print_json, services
from bot.cli.lazy import LazyGroup
from bot.config import SettingError, parse_moment
from bot.messaging.outbox import Lane
from bot.messaging.wake import enqueue_once
from bot.queues import enqueue_drain
from bot.services import Services

_Command = TypeVar("_Command", bound=Callable[..., Any])


@click.group(
    cls=LazyGroup,
    lazy={
        "preview": "bot.cli.campaign_preview:preview",
        "report": "bot.cli.campaign_report:report",
        "send": "bot.cli.campaign_sending:send",
        "status": "bot.cli.campaign_sending:status",
        "set-cap": "bot.cli.campaign_cap:set_cap",
    },
)
def campaign() -> None:
    """Blasts and reminders: create, preview, approve, send, watch, pause, resume, cancel."""


def json_option(command: _Command) -> _Command:
    """Give a command ``--json``."""
    return click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")(command)


def yes_option(command: _Command) -> _Command:
    """Give a command ``--yes``."""
    return click.option("--yes", is_flag=True, help="Do not ask.")(command)


@contextmanager
def campaign_errors() -> Iterator[None]:
    """Tell a ``CampaignError`` in one line, with exit code 1."""
    try:
        yield
    except CampaignError as error:
        fail(str(error))


def confirm(question: str, *, yes: bool) -> None:
    """Ask on a terminal, unless ``yes``; without a terminal what was typed is meant."""
    if not yes and sys.stdin.isatty():
        click.confirm(question, abort=True, err=True)


def wake_workers(parts: Services, lane: Lane) -> None:
    """Have the lane's workers look at once; if Redis is away, the clock's sweep has them look later."""
    try:
        enqueue_once(parts.queue, lane, partial(enqueue_drain, parts.queue, lane))
    except redis.RedisError:
        click.echo("Redis does not answer: the workers begin when it is back.", err=True)


def _moment(_context: click.Context, option: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        return parse_moment(value, f"--{option.name}")
    except SettingError as error:
        raise click.BadParameter(str(error)) from error


def _amount(_context: click.Context, _option: click.Parameter, value: str | None) -> Decimal | None:
    try:
        return None if value is None else Decimal(value)
    except InvalidOperation as error:
        raise click.BadParameter(f"{value!r} is no amount of money") from error


@campaign.command()
@click.argument("name")
@click.option("--text-id", required=True, metavar="TEXT", help="What it says in Bahasa Indonesia.")
@click.option("--text-en", metavar="TEXT", help="What it says in English, to those who chose English.")
@click.option("--audience", metavar="JSON", help="Whom it goes to; default: everybody who may be sent to.")
@click.option(
    "--audience-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="The same, from a file.",
)
@click.option("--gateway", metavar="G", help="Default: SMS_GATEWAY.")
@click.option("--rate", type=float, metavar="PER_SECOND", help="Default: what the gateway takes.")
@click.option("--at", metavar="ISO", callback=_moment, help="When it starts, ISO 8601 with offset; default: when sent.")
@click.option("--deadline", metavar="ISO", callback=_moment, help="Nothing leaves after it; default: 48 h later.")
@click.option("--most-cost", metavar="AMOUNT", callback=_amount, help="It is paused before it costs more.")
@click.option("--ignore-quiet-hours", is_flag=True, help="Send at any hour, also at night.")
@json_option
def create(
    name: str,
    text_id: str,
    text_en: str | None,
    audience: str | None,
    audience_file: Path | None,
    gateway: str | None,
    rate: float | None,
    at: datetime | None,
    deadline: datetime | None,
    most_cost: Decimal | None,
    ignore_quiet_hours: bool,
    as_json: bool,
) -> None:
    """Make the draft of a campaign.

    Placeholders in its texts: {name} {district} {ussd_code} {short_code} {closes} {ticket} {place} {time}
    """
    if audience is not None and audience_file is not None:
        raise click.UsageError("Either --audience or --audience-file.")
    texts = {"id": text_id} | ({} if text_en is None else {"en": text_en})
    with services() as parts, campaign_errors():
        chosen = gateway or parts.settings.sms_gateway
        if chosen == "none":
            raise CampaignError("Say by which gateway it is sent: --gateway, or SMS_GATEWAY in the environment.")
        check_price(parts, most_cost)
        plan = Plan(
            name=name,
            texts=texts,
            audience=_read(audience_file) if audience_file is not None else (audience or "{}"),
            gateway=chosen,
            rate=rate,
            start_at=at,
            deadline_at=deadline,
            most_cost=most_cost,
            ignore_quiet_hours=ignore_quiet_hours,
        )
        made = campaigns.create(parts.database, plan, parts.gateways, now=parts.clock.now(), actor=actor())
    tell(made, as_json, f'Draft made. See what it does: python -m bot campaign preview "{name}"')


def check_price(parts: Services, most_cost: Decimal | None) -> None:
    """Raise ``CampaignError`` for a cap if nobody knows what an SMS part costs."""
    if most_cost is not None and parts.settings.sms_price is None:
        raise CampaignError("A cap needs the price of an SMS part: set SMS_PRICE in the environment of all processes.")


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CampaignError(f"{path} cannot be read as UTF-8 text.") from error


@campaign.command()
@click.argument("name")
@click.option("--as", "as_user", required=True, metavar="USER", help="The admin who approves it, a national one.")
@json_option
def approve(name: str, as_user: str, as_json: bool) -> None:
    """Approve a campaign; a large one needs another admin than who made it."""
    with services() as parts, campaign_errors():
        approved = campaigns.approve(
            parts.database,
            name,
            as_user,
            now=parts.clock.now(),
            actor=actor(),
            approval_above=parts.settings.campaign_approval_above,
        )
        when = f'Send it: python -m bot campaign send "{name}"'
        if approved.start_at is not None and approved.start_at > parts.clock.now():
            when = f"It starts at {approved.start_at.astimezone(parts.settings.time_zone):%Y-%m-%d %H:%M %Z}."
    tell(approved, as_json, f"Approved by {approved.approved_by}. {when}")


@campaign.command()
@click.argument("name")
@json_option
def pause(name: str, as_json: bool) -> None:
    """Stop a running campaign: nothing more is handed over until it is resumed."""
    with services() as parts, campaign_errors():
        campaigns.pause(parts.database, name, now=parts.clock.now(), actor=actor())
        tell(find(parts.database, name), as_json, f'Paused. Go on: python -m bot campaign resume "{name}"')


@campaign.command()
@click.argument("name")
@json_option
def resume(name: str, as_json: bool) -> None:
    """Let a paused campaign go on."""
    with services() as parts, campaign_errors():
        campaigns.resume(parts.database, name, now=parts.clock.now(), actor=actor())
        resumed = find(parts.database, name)
        wake_workers(parts, Lane(resumed.kind))
        tell(resumed, as_json, "Resumed: it goes on where it was.")


@campaign.command()
@click.argument("name")
@yes_option
@json_option
def cancel(name: str, yes: bool, as_json: bool) -> None:
    """End a campaign for good; what has not been handed over is not sent any more."""
    with services() as parts, campaign_errors():
        find(parts.database, name)
        confirm(f"Cancel {name!r} for good?", yes=yes)
        count = campaigns.cancel(parts.database, name, now=parts.clock.now(), actor=actor())
        tell(find(parts.database, name), as_json, f"Cancelled: {count:,} messages are not sent any more.")


@campaign.command(name="set-rate")
@click.argument("name")
@click.argument("rate", metavar="RATE")
@json_option
def set_rate(name: str, rate: str, as_json: bool) -> None:
    """Let a campaign send RATE messages a second (`none`: what the gateway takes), also while it runs."""
    try:
        wanted = None if rate.strip().lower() == "none" else float(rate)
    except ValueError as error:
        raise click.BadParameter("a number of messages a second, or `none`", param_hint="RATE") from error
    with services() as parts, campaign_errors():
        campaigns.set_rate(parts.database, name, wanted, now=parts.clock.now(), actor=actor())
        told = "what the gateway takes" if wanted is None else f"{wanted:g} messages a second"
        tell(find(parts.database, name), as_json, f"The rate is {told}.")


@campaign.command()
@click.argument("name", required=False)
@click.option("--unknown", type=click.Choice([each.value for each in Decision]), required=True)
@click.option("--replies", is_flag=True, help="Replies and tickets of unknown fate, instead of a campaign's messages.")
@yes_option
@json_option
def resolve(name: str | None, unknown: str, replies: bool, yes: bool, as_json: bool) -> None:
    """Decide about messages that may have arrived and may not have: send them again, or leave them."""
    if (name is None) is not replies:
        raise click.UsageError("Either NAME or --replies.")
    decision = Decision(unknown)
    with services(long_work=True) as parts, campaign_errors():
        if name is not None:
            find(parts.database, name)
        waiting = unknowns.undecided(parts.database, name)
        if waiting and decision is Decision.RESEND:
            confirm(f"Send {waiting:,} messages again? Who did get the first one gets it twice.", yes=yes)
        now = parts.clock.now()
        if name is None:
            count, lane = unknowns.resolve_replies(parts.database, decision, now=now, actor=actor()), Lane.REPLY
        else:
            count = unknowns.resolve(parts.database, name, decision, now=now, actor=actor())
            lane = Lane(find(parts.database, name).kind)
        if count and decision is Decision.RESEND:
            wake_workers(parts, lane)
    if as_json:
        print_json({"name": name, "decision": decision, "messages": count})
    elif not count:
        click.echo("No message waits for a decision.")
    else:
        done = "are sent again" if decision is Decision.RESEND else "are left as they are"
        click.echo(f"{count:,} messages {done}.")


@campaign.command(name="list")
@json_option
def list_campaigns(as_json: bool) -> None:
    """List the campaigns, the newest first."""
    with services() as parts:
        found = every(parts.database)
    if as_json:
        print_json([each.as_json() for each in found])
        return
    if not found:
        click.echo("There is no campaign yet: python -m bot campaign create NAME --text-id TEXT")
    for each in found:
        many = "" if each.recipients is None else f"{each.recipients:,} recipients"
        click.echo(f"{each.name:<32} {each.state:<10} {each.gateway:<15} {each.created_at:%Y-%m-%d %H:%M} UTC  {many}")


def tell(about: Campaign, as_json: bool, line: str) -> None:
    """Say what has been done: the campaign as JSON, or one line."""
    if as_json:
        print_json(about.as_json())
    else:
        click.echo(line)
