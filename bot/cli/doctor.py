"""``doctor``."""

from __future__ import annotations

import sys

import click

from bot.backup.keys import key_ids
from bot.cli.context import print_json, services
from bot.invariants import check


@click.command()
@click.option("--json", "as_json", is_flag=True, help="JSON on stdout.")
def doctor(as_json: bool) -> None:
    """Check every invariant; exit code 1 when one is broken. Says, too, if DATA_KEY lacks a key that is in use."""
    with services(long_work=True) as parts:
        findings = check(parts.database, parts.clock.now())
        with parts.database.connection() as connection:
            lacks_key = not parts.vault.holds(key_ids(connection))
    if as_json:
        print_json([{"invariant": f.invariant.name, "broken": f.count, "examples": list(f.examples)} for f in findings])
    else:
        for finding in findings:
            mark = "ok    " if not finding.count else "BROKEN"
            more = f": {finding.count}, e.g. {', '.join(finding.examples)}" if finding.count else ""
            click.echo(f"{mark}  {finding.invariant.name}{more}")
    if lacks_key:
        click.echo(
            "Attention: some of what is sealed was sealed with a key that is not in DATA_KEY; it cannot be read.",
            err=True,
        )
    if any(finding.count for finding in findings):
        sys.exit(1)
