"""How a campaign's status looks on a terminal: once, or live until it is over."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable

import click
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from bot.campaigns.record import State
from bot.campaigns.status import STATES, Status

#: Seconds between two looks, at least, and so many times as long as the look took.
_PAUSE = 1.0
_TIMES_AS_LONG = 3
#: Seconds without any change after which the likely reasons are told.
_PATIENCE = 15.0
#: Reasons told for each state, the most frequent first.
_MOST_REASONS = 5


def follow(look: Callable[[], Status]) -> Status:
    """Show how a campaign goes until it is over; raises ``KeyboardInterrupt`` when somebody leaves.

    A table that renews itself where stderr is a terminal; elsewhere nothing but the news that it is paused.
    """
    if not sys.stderr.isatty():
        return _wait(look)
    console = Console(stderr=True)
    status, pause = _timed(look)
    moved_at, before = time.monotonic(), status
    with Live(_page(status, stuck=False), console=console, auto_refresh=False, transient=True) as live:
        while not status.over:
            time.sleep(pause)
            status, pause = _timed(look)
            if (status.handed_over, status.submitted, status.state) != (
                before.handed_over,
                before.submitted,
                before.state,
            ):
                moved_at, before = time.monotonic(), status
            live.update(_page(status, stuck=time.monotonic() - moved_at > _PATIENCE), refresh=True)
    return status


def _wait(look: Callable[[], Status]) -> Status:
    before: State | None = None
    while True:
        status, pause = _timed(look)
        if status.over:
            return status
        if status.state is State.PAUSED and before is not State.PAUSED:
            click.echo(f"The campaign is paused{_because(status)}; it goes on when it is resumed.", err=True)
        before = status.state
        time.sleep(pause)


def _timed(look: Callable[[], Status]) -> tuple[Status, float]:
    """What a look shows, and how many seconds to wait before the next one."""
    began = time.monotonic()
    status = look()
    return status, max(_PAUSE, _TIMES_AS_LONG * (time.monotonic() - began))


def tell(status: Status) -> None:
    """Write a status on stdout, for people."""
    click.echo(_headline(status))
    for name, value in _lines(status):
        click.echo(f"  {name:<12} {value}")
    if advice := _advice(status):
        click.echo(advice)


def _headline(status: Status) -> str:
    if status.state in (State.DRAFT, State.APPROVED):
        return f"{status.name}: {status.state}{_because(status)}"
    return f"{status.name}: {status.state}{_because(status)}, {status.recipients:,} recipients"


def _because(status: Status) -> str:
    return f" ({status.paused_because})" if status.paused_because else ""


def _lines(status: Status) -> list[tuple[str, str]]:
    reasons = {"rejected": status.rejected_by_reason, "suppressed": status.suppressed_by_reason}
    lines = []
    for state in STATES:
        lines.append((state, f"{getattr(status, state):>9,}"))
        found = sorted(reasons.get(state, {}).items(), key=lambda each: -each[1])
        lines += [("", f"{many:>9,}  {reason or 'no reason given'}") for reason, many in found[:_MOST_REASONS]]
        if others := sum(many for _reason, many in found[_MOST_REASONS:]):
            lines.append(("", f"{others:>9,}  other reasons"))
    set_to = "the gateway's" if status.rate is None else f"{status.rate:g} a second"
    lines.append(("rate", f"{status.measured_rate:>9,.1f} a second now (set: {set_to})"))
    if status.state is State.RUNNING:
        lines.append(("time left", _span(status.time_left)))
    return lines


def _span(seconds: int | None) -> str:
    if seconds is None:
        return "not known yet"
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _advice(status: Status) -> str:
    command = "python -m bot campaign"
    match status.state:
        case State.DRAFT:
            return f'Nothing has been sent yet: {command} preview "{status.name}", then send'
        case State.APPROVED if status.start_at is None:
            return f'Nothing has been sent yet: {command} send "{status.name}"'
        case State.APPROVED:
            return f"It starts at {status.start_at:%Y-%m-%d %H:%M} UTC."
        case State.PAUSED:
            return f'Go on: {command} resume "{status.name}"'
    if status.undecided:
        return f'{status.undecided:,} of unknown fate wait for you: {command} resolve "{status.name}" --unknown resend|leave'
    return ""


def _page(status: Status, *, stuck: bool) -> RenderableType:
    table = Table.grid(padding=(0, 2))
    table.add_column()
    table.add_column()
    for name, value in _lines(status):
        # As Text: a gateway's reason may hold what Rich takes for its markup.
        table.add_row(Text(name), Text(value))
    bar = ProgressBar(total=max(1, status.recipients), completed=status.handed_over, width=60)
    parts: list[RenderableType] = [Text(_headline(status)), bar, table]
    if stuck and status.state is State.RUNNING:
        parts.append(Text("Nothing is leaving: is it outside the sending window, stopped, or does no worker run?"))
    if advice := _advice(status):
        parts.append(Text(advice))
    parts.append(Text("Ctrl-C leaves this page; the campaign goes on in the workers."))
    return Group(*parts)
