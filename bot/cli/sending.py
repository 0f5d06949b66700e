"""``sending stop``, ``resume`` and ``status``: the brakes of everything but replies, and what waits."""

from __future__ import annotations

import click
import redis

from bot.campaigns.waiting import Waiting, waiting
from bot.cli.campaign import json_option, wake_workers
from bot.cli.context import actor, print_json, services
from bot.messaging import brakes, receipt_stream
from bot.messaging.outbox import Lane
from bot.services import Services


@click.group()
def sending() -> None:
    """Stop all sending but replies, let it go on, and see what waits."""


@sending.command()
@json_option
def stop(as_json: bool) -> None:
    """Stop reminders and blasts of all campaigns at once; replies and tickets still leave."""
    with services() as parts:
        changed = brakes.stop(parts.database, parts.clock.now(), actor())
    if as_json:
        print_json({"stopped": True, "changed": changed})
    else:
        already = "" if changed else "already "
        click.echo(f"Everything but replies is {already}stopped. Go on: python -m bot sending resume")


@sending.command()
@json_option
def resume(as_json: bool) -> None:
    """Let reminders and blasts leave again, where they were."""
    with services() as parts:
        changed = brakes.go_on(parts.database, parts.clock.now(), actor())
        for lane in (Lane.REMINDER, Lane.BLAST) if changed else ():
            wake_workers(parts, lane)
    if as_json:
        print_json({"stopped": False, "changed": changed})
    else:
        click.echo("Reminders and blasts leave again." if changed else "Nothing was stopped.")


@sending.command()
@json_option
def status(as_json: bool) -> None:
    """Show what waits in each lane, since when, and whether all is stopped."""
    with services() as parts:
        found = waiting(parts.database, parts.clock.now())
        receipts = _receipts(parts)
    if as_json:
        print_json(found.as_json() | {"receipts": receipts})
    else:
        _tell(found, receipts)


def _receipts(parts: Services) -> int | None:
    try:
        return receipt_stream.waiting(parts.queue)
    except redis.RedisError:
        return None


def _tell(found: Waiting, receipts: int | None) -> None:
    if found.stopped:
        click.echo("Everything but replies is stopped. Go on: python -m bot sending resume")
    else:
        click.echo("Nothing is stopped.")
    if any(lane.attempts for lane in found.lanes):
        for lane in found.lanes:
            click.echo(
                f"  {lane.lane:<9} {lane.messages:>9,} messages in {lane.attempts:,} attempts wait, "
                f"the oldest for {lane.oldest:,.0f} s"
            )
    else:
        click.echo("No message waits to be sent.")
    if found.unknown:
        click.echo(
            f"{found.unknown:,} messages of unknown fate wait for a decision: python -m bot campaign resolve --help"
        )
    if receipts is None:
        click.echo("Redis does not answer: nobody knows how many receipts wait.")
    elif receipts:
        click.echo(f"{receipts:,} receipts wait to be applied.")
