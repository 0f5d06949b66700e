"""``campaign send`` and ``campaign status``: a campaign sent off, watched, left and come back to."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click
from rich.console import Console

from bot.campaigns import campaigns
from bot.campaigns.launching import launch
from bot.campaigns.record import State, find
from bot.campaigns.status import Status
from bot.campaigns.status import status as status_of
from bot.cli import campaign_live
from bot.cli.campaign import campaign_errors, confirm, json_option, tell, wake_workers, yes_option
from bot.cli.campaign_preview import look, summary
from bot.cli.context import actor, print_json, services
from bot.messaging.outbox import Lane
from bot.services import Services


@click.command()
@click.argument("name")
@click.option("--no-wait", is_flag=True, help="Do not wait until it has been sent.")
@yes_option
@json_option
def send(name: str, no_wait: bool, yes: bool, as_json: bool) -> None:
    """Send a campaign, and show how it goes until it is over.

    A draft is approved by this if it is small enough; one that is to start later is left to the clock.
    """
    with services(long_work=True) as parts, campaign_errors():
        if not yes and sys.stdin.isatty():
            _tell_summary(parts, name)
            confirm(f"Send {name!r}?", yes=yes)
        with _spinner("Writing down the recipients"):
            launched = launch(
                parts.database,
                name,
                parts.gateways,
                now=parts.clock.now(),
                approval_above=parts.settings.campaign_approval_above,
                actor=actor(),
            )
        if launched.state is State.APPROVED:
            at = "its time" if launched.start_at is None else launched.start_at.astimezone(parts.settings.time_zone)
            tell(
                launched, as_json, f"Approved by {launched.approved_by}. The clock starts it at {at:%Y-%m-%d %H:%M %Z}."
            )
            return
        wake_workers(parts, Lane(launched.kind))
        if no_wait and not as_json:
            click.echo(f'{launched.recipients:,} recipients. Watch it: python -m bot campaign status "{name}" --watch')
            return
        _show(parts, name, watch=not no_wait, as_json=as_json)


@click.command()
@click.argument("name")
@click.option("--watch", is_flag=True, help="Go on showing it until it is over.")
@json_option
def status(name: str, watch: bool, as_json: bool) -> None:
    """Show how far a campaign has come."""
    with services(long_work=True) as parts, campaign_errors():
        _show(parts, name, watch=watch, as_json=as_json)


def _tell_summary(parts: Services, name: str) -> None:
    """What is about to be sent, to whoever is asked whether it shall."""
    campaign = find(parts.database, name)
    if campaign.recipients is None:
        click.echo("\n".join(summary(look(parts, name), parts.settings.time_zone)), err=True)


def _show(parts: Services, name: str, *, watch: bool, as_json: bool) -> None:
    found = _look(parts, name)
    if watch and found.state in (State.RUNNING, State.PAUSED):
        try:
            found = campaign_live.follow(lambda: _look(parts, name))
        except KeyboardInterrupt:
            click.echo(
                f'It goes on in the workers. Come back to it: python -m bot campaign status "{name}" --watch', err=True
            )
            found = _look(parts, name)
    if as_json:
        print_json(found.as_json())
    else:
        campaign_live.tell(found)


def _look(parts: Services, name: str) -> Status:
    """The status; a campaign of which nothing is left ends now, rather than at the clock's next sweep."""
    now = parts.clock.now()
    found = status_of(parts.database, name, now)
    if found.state is State.RUNNING and not found.queued and not found.submitted:
        campaigns.finish_done(parts.database, now)
        found = status_of(parts.database, name, now)
    return found


@contextmanager
def _spinner(text: str) -> Iterator[None]:
    if not sys.stderr.isatty():
        yield
        return
    with Console(stderr=True).status(f"{text} ..."):
        yield
