"""Commands about ``DATA_KEY``: what still depends on an older key, and making it anew with the first one."""

from __future__ import annotations

import sys

import click

from bot.cli.context import actor, print_json, services
from bot.privacy import rekeying
from bot.privacy.rekeying import Left


@click.group()
def keys() -> None:
    """Replacing the key of personal data while everything runs (docs/operations.md)."""


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def status(as_json: bool) -> None:
    """Say what still depends on an older key than the first in DATA_KEY."""
    with services(long_work=True) as parts:
        left = rekeying.left(parts.database, parts.conversations, parts.vault)
    _say(left, {}, as_json=as_json)


@keys.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def rotate(as_json: bool) -> None:
    """Seal and hash anew with the first key in DATA_KEY what was made with another. May be interrupted and repeated."""

    def tell(table: str, seen: int, changed: int) -> None:
        if sys.stderr.isatty():
            click.echo(f"\r  {table:<10} {seen:>9} looked at, {changed:>9} made anew", nl=False, err=True)

    with services(long_work=True) as parts:
        changed = rekeying.rotate(parts.database, parts.vault, parts.clock.now, actor(), tell)
        left = rekeying.left(parts.database, parts.conversations, parts.vault)
    if sys.stderr.isatty():
        click.echo(err=True)
    _say(left, changed, as_json=as_json)


def _say(left: Left, changed: dict[str, int], *, as_json: bool) -> None:
    if as_json:
        older = {"rows": dict(left.rows), "conversations": left.conversations}
        print_json({"made_anew": changed, "with_an_older_key": older, "older_keys_may_go": left.nothing})
        return
    for table, count in left.rows.items():
        click.echo(f"  {table:<14} {changed.get(table, 0):>9} made anew {count:>9} with an older key")
    click.echo(f"  {'conversations':<14} {'':>19} {left.conversations:>9} with an older key (over within 50 hours)")
    if left.nothing:
        click.echo("Nothing depends on an older key: it may be dropped from DATA_KEY.")
    else:
        click.echo("Older keys must stay in DATA_KEY.")
