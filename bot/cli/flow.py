"""Commands about flows."""

from __future__ import annotations

import click

from bot.conversation.draw import mermaid
from flows.memory import Campaign
from flows.registration import NAME, registration


@click.group()
def flow() -> None:
    """The conversations."""


@flow.command()
@click.argument("name")
def draw(name: str) -> None:
    """Draw the states of the flow NAME as Mermaid text."""
    if name != NAME:
        raise click.BadParameter(f"there is no flow {name!r}; there is: {NAME}", param_hint="NAME")
    click.echo(mermaid(registration(Campaign("*119#", "119", (18, 59)))))
