"""The figures as tables on a terminal."""

from __future__ import annotations

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table

from bench.cpu import FLOOR, POSTGRESQL, SENDERS, VALKEY, WEB
from bench.figures import (
    PEER_CPU_MS,
    PEER_CPU_MS_WITH_BROKER,
    PEER_SCREENS,
    QUIET,
    Round,
    Spread,
)
from bench.hops import Result
from bench.script import SCREENS

_HOPS, _WITHOUT_SQL = "hops", "without SQL"


def show(result: Result, machine: dict[str, object], commit: str, console: Console) -> None:
    """Write everything that a reader needs to judge the run."""
    wanted = result.wanted
    about = f"{machine['processor']}, {machine['cores']} cores, load {machine['load_average_before']} before"
    console.print(f"hops at {commit or 'no commit'}: {wanted.subscribers} subscribers, {about}")
    console.print(
        f"{result.world['worker']:,} workers, {result.world['facility']:,} facilities, "
        f"{result.world['vaccination_session']:,} sessions; "
        + ("web only, no tickets sent" if wanted.web_only else "tickets sent meanwhile by the workers")
    )
    console.print(_rounds(result))
    console.print(_processors(result))
    console.print(_screens(result))
    console.print(_summary(result))
    _verdicts(result, console)


def _named(result: Result) -> list[tuple[str, Round]]:
    """All rounds in their order."""
    pairs = zip(result.floors, result.hops, strict=True)
    without_sql = zip(result.without_sql_floors, result.without_sql, strict=True)
    return [
        ("nothing", result.ceiling),
        *(one for floor, hops in pairs for one in ((FLOOR, floor), (_HOPS, hops))),
        *(one for floor, hops in without_sql for one in ((FLOOR, floor), (_WITHOUT_SQL, hops))),
    ]


def _rounds(result: Result) -> Table:
    table = _table("Rounds, latencies in ms", "", "hops/s", "regs/s", "p50", "p95", "p99", "longest")
    for name, one in _named(result):
        table.add_row(
            name,
            f"{one.hops_per_second:,.0f}",
            f"{one.walks_per_second:,.1f}" if name == _HOPS else "",
            *(f"{ms:.1f}" for ms in (one.p50_ms, one.p95_ms, one.p99_ms, one.longest_ms)),
        )
    return table


def _processors(result: Result) -> Table:
    table = _table(
        "CPU: microseconds a hop by part; cores taken besides; shares of the web's processes",
        *("", "web", "pg", "valkey", "senders", "generator", "others", "stolen", "shares"),
    )
    for name, one in _named(result):
        web = one.cpu_us[WEB if name in (_HOPS, _WITHOUT_SQL) else FLOOR]
        table.add_row(
            name,
            f"{web:.0f}",
            *(f"{one.cpu_us[part]:.0f}" for part in (POSTGRESQL, VALKEY, SENDERS)),
            *(f"{cores:.2f}" for cores in (one.generator_cpu, one.others_cpu, one.stolen_cpu)),
            "/".join(f"{share:.0%}" for share in one.shares if share >= 0.005),
        )
    return table


def _screens(result: Result) -> Table:
    table = _table("By screen, ms, median of the rounds", "", "dial", "birth date", "confirm", "screening", "take")
    for title, of in (("p50", "screens_p50_ms"), ("p99", "screens_p99_ms")):
        medians = [Spread.of([getattr(one, of)[screen] for one in result.hops]).median for screen in range(SCREENS)]
        table.add_row(title, *(f"{ms:.1f}" for ms in medians))
    return table


def _summary(result: Result) -> Table:
    found = result.summary
    table = _table(f"All {len(result.hops)} rounds", "", "median", "least", "most")
    rows: list[tuple[str, Spread, str]] = [
        ("hops/s", found.hops_per_second, ",.0f"),
        ("registrations/s", found.walks_per_second, ",.1f"),
        ("floor, requests/s", found.floor_per_second, ",.0f"),
        ("hops to floor", found.ratio, ".3f"),
        ("  by CPU alone", found.cpu_ratio, ".3f"),
        ("hops without SQL to floor", found.without_sql_ratio, ".3f"),
        ("p50 of a hop, ms", found.p50_ms, ".1f"),
        ("p95 of a hop, ms", found.p95_ms, ".1f"),
        ("p99 of a hop, ms", found.p99_ms, ".1f"),
        ("CPU of a hop, us: web", found.web_us, ",.0f"),
        ("  with PostgreSQL and Valkey", found.answering_us, ",.0f"),
        ("  web of the floor", found.floor_us, ",.0f"),
        ("CPU of a registration, ms: web", found.registration_web_ms, ".1f"),
        ("  with PostgreSQL and Valkey", found.registration_answering_ms, ".1f"),
        ("  with the ticket SMS sent", found.registration_whole_ms, ".1f"),
        ("  web, PostgreSQL and Valkey to floor", found.registration_to_floor, ".2f"),
    ]
    if found.quiet_ratio is not None and found.quiet_p99_ms is not None:
        rows += [
            (f"the {found.quiet_rounds} quiet rounds: hops to floor", found.quiet_ratio, ".3f"),
            ("  p99 of a hop, ms", found.quiet_p99_ms, ".1f"),
        ]
    for title, spread, form in rows:
        table.add_row(title, *(format(value, form) for value in (spread.median, spread.least, spread.most)))
    return table


def _table(title: str, *headings: str) -> Table:
    table = Table(title=title, title_justify="left", box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    for heading in headings:
        table.add_column(heading, justify="right" if heading else "left", no_wrap=True)
    return table


def _verdicts(result: Result, console: Console) -> None:
    found = result.summary
    console.print(
        f"Nearest public peer, one registration of {PEER_SCREENS} screens: {PEER_CPU_MS:.0f} ms of CPU in its process, "
        f"{PEER_CPU_MS_WITH_BROKER:.0f} ms with its broker. Ours, {SCREENS} screens: "
        f"{found.registration_web_ms.median:.1f} ms in web, {found.registration_answering_ms.median:.1f} ms with "
        "PostgreSQL and Valkey."
    )
    console.print(
        f"The generator has carried {result.ceiling.hops_per_second / found.floor_per_second.median:.1f} times the floor."
    )
    if found.quiet_rounds < len(result.hops):
        console.print(
            f"In {len(result.hops) - found.quiet_rounds} of {len(result.hops)} rounds other programs took more than "
            f"{QUIET} cores: what those rounds say flatters the service. "
            + ("The goals are judged without them." if found.quiet_rounds else "Run again on a quiet machine.")
        )
    for example in result.examples:
        console.print(f"  e.g. {example}", markup=False)
