"""The tables of ``docs/scaling.md``: Markdown from inputs and what was kept of the benches. Nothing here is measured."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from sizing.formulas import GIB, cost, disk, memory, messages, peak
from sizing.giving_way import parts
from sizing.inputs import Inputs, described
from sizing.measured import Measured, SendingCpu, measured_of, row_bytes

#: For whom it is counted: people, and who they are.
SCALES: tuple[tuple[int, str], ...] = (
    (500_000, "the first night"),
    (1_400_000, "all health workers"),
    (17_400_000, "public officers"),
    (181_500_000, "the country's target"),
)
_TABLES = (
    "worker",
    "facility",
    "vaccination_session",
    "booking",
    "screening",
    "last_stop",
    "message",
    "ticket message",
)
_MORE_TABLES = ("attempt", "receipt", "hop")


def tables(kept: Mapping[str, Any], put: Inputs) -> str:
    """All of them, each with its heading."""
    found = measured_of(kept)
    blocks = [
        ("Measured", _measured(kept, found)),
        ("Put in", _inputs(put)),
        ("Messages: a blast to everybody", _messages(put, found)),
        ("The peak: the busiest minute of the night", _peak(put, found)),
        ("PostgreSQL: bytes with indexes", _disk(put, found)),
        ("Redis: conversations", _memory(put, found)),
        ("A registration, in US$", _cost(put, found)),
        ("What gives way first", _giving_way(put, found)),
    ]
    return "\n\n".join(f"### {heading}\n\n{text}" for heading, text in blocks)


def _measured(kept: Mapping[str, Any], found: Measured) -> str:
    sizes = kept["sizes"]
    conversation = sizes["conversation"]
    rows: list[tuple[str, str, str]] = [
        (f"a row of `{name}`" if " " not in name else "a ticket in `message`", _bytes(row_bytes(sizes, name)), "sizes")
        for name in (*_TABLES, *_MORE_TABLES)
    ]
    rows += [
        ("a person on the roster: with figures, follow-up, facilities, sessions", _bytes(found.a_person), "sizes"),
        (f"a message of a blast: with {found.receipts:.2g} receipts and all else", _bytes(found.a_message), "sizes"),
        ("a registration: all it leaves but hops", _bytes(found.a_registration), "sizes"),
        ("a conversation in Redis, open, by screen", ", ".join(_bytes(one) for one in conversation["open"]), "sizes"),
        ("the same as the server's whole memory grows", _bytes(conversation["grown"]), "sizes"),
        ("a conversation that is over", _bytes(found.over_conversation), "sizes"),
        ("segments of an invitation, of a ticket", f"{found.blast_segments:.3g}, {found.ticket_segments:.3g}", "sizes"),
        (
            "CPU of a hop: web, PostgreSQL, Valkey",
            ", ".join(_us(one) for one in (found.web_us, found.postgresql_us, found.valkey_us)),
            "hops",
        ),
        ("CPU of a whole registration, ticket sent", f"{found.registration_ms:.2f} ms", "hops"),
        ("CPU of a message in batches: workers, PostgreSQL", _sending(found.batches), "blast"),
        ("CPU of a message one by one: workers, PostgreSQL", _sending(found.singles), "blast"),
    ]
    if found.receipt is not None:
        parts_of_it = (found.receipt.web, found.receipt.workers, found.receipt.postgresql)
        rows.append(("CPU of a receipt: web, workers, PostgreSQL", ", ".join(map(_us, parts_of_it)), "receipts"))
    if found.looks is not None:
        words = f"a look at the figures, {found.looks.people:,.0f} people on the list"
        rows.append((words, f"{found.looks.ms:,.0f} ms", "pages"))
    runs = [
        f"`{name}`: {one['at'][:10]}, commit {one['commit'] or 'unknown'}, {_machine(one['machine'])}."
        for name, one in kept.items()
    ]
    return _table(("what", "came to", "by"), rows) + "\n\n" + "\n".join(f"- {run}" for run in runs)


def _inputs(put: Inputs) -> str:
    rows = [
        (f"`{one.option}`", f"{_put_in(getattr(put, one.name))} {one.unit}".rstrip(), one.words, one.source)
        for one in described()
    ]
    return _table(("option", "", "what", "source"), rows)


def _messages(put: Inputs, found: Measured) -> str:
    return _by_scale(
        [
            ("segments", lambda people: _count(messages(people, put, found).segments)),
            ("segments/s within the window", lambda people: _count(messages(people, put, found).per_second)),
            ("hours in batches", lambda people: _number(messages(people, put, found).batch_hours)),
            ("accounts for batches", lambda people: _count(messages(people, put, found).batch_lines)),
            ("hours one by one", lambda people: _number(messages(people, put, found).single_hours)),
            ("numbers, one by one", lambda people: _count(messages(people, put, found).single_lines)),
            ("cores, batches / one by one", lambda people: _cores_to_send(people, put, found)),
        ]
    )


def _cores_to_send(people: float, put: Inputs, found: Measured) -> str:
    sent = messages(people, put, found)
    return f"{_number(sent.batch_cores)} / {_number(sent.single_cores)}"


def _peak(put: Inputs, found: Measured) -> str:
    return _by_scale(
        [
            ("registrations in the night", lambda people: _count(peak(people, put, found).registrations)),
            ("registrations/s", lambda people: _number(peak(people, put, found).per_second)),
            ("hops/s", lambda people: _number(peak(people, put, found).hops)),
            ("receipts/s", lambda people: _number(peak(people, put, found).receipts)),
            ("web cores", lambda people: _number(peak(people, put, found).web_cores)),
            ("web machines", lambda people: _count(peak(people, put, found).web_machines)),
            ("PostgreSQL cores", lambda people: _number(peak(people, put, found).postgresql_cores)),
            ("Valkey cores", lambda people: _number(peak(people, put, found).valkey_cores)),
        ]
    )


def _disk(put: Inputs, found: Measured) -> str:
    return _by_scale(
        [
            ("rows of people", lambda people: _gib(disk(people, put, found).people)),
            ("messages and receipts", lambda people: _gib(disk(people, put, found).messages)),
            ("registrations", lambda people: _gib(disk(people, put, found).registrations)),
            ("hops", lambda people: _gib(disk(people, put, found).hops)),
            ("in all", lambda people: _gib(disk(people, put, found).whole)),
            ("rows of `message`", lambda people: _count(disk(people, put, found).message_rows)),
            ("the table `message`", lambda people: _gib(disk(people, put, found).message_table)),
            ("the table `receipt`", lambda people: _gib(disk(people, put, found).receipt_table)),
            ("of the larger one campaign", lambda people: _gib(disk(people, put, found).partition)),
            ("cut into pieces", lambda people: _count(disk(people, put, found).pieces)),
        ]
    )


def _memory(put: Inputs, found: Measured) -> str:
    return _by_scale(
        [
            ("open at the peak", lambda people: _count(memory(people, put, found).open_now)),
            ("they take", lambda people: _gib(memory(people, put, found).open_bytes)),
            ("kept", lambda people: _count(memory(people, put, found).kept)),
            ("they take", lambda people: _gib(memory(people, put, found).kept_bytes)),
        ]
    )


def _cost(put: Inputs, found: Measured) -> str:
    return _by_scale(
        [
            ("invitations", lambda people: _price(cost(people, put, found).invitations)),
            ("ticket and reminder", lambda people: _price(cost(people, put, found).tickets)),
            ("answers by SMS", lambda people: _price(cost(people, put, found).conversations_by_sms)),
            ("USSD", lambda people: _price(cost(people, put, found).ussd)),
            ("machines that stand ready", lambda people: _price(cost(people, put, found).ready)),
            ("disk", lambda people: _price(cost(people, put, found).disk)),
            ("in all", lambda people: _price(cost(people, put, found).whole)),
            ("CPU alone", lambda people: _price(cost(people, put, found).cpu)),
        ]
    )


def _giving_way(put: Inputs, found: Measured) -> str:
    of = SCALES[0][0]
    by_scale = [{part.name: part.taken for part in parts(people, put, found)} for people, _ in SCALES]
    rows = [
        (part.name, _million(part.people(of)), *(_share(taken[part.name]) for taken in by_scale), part.then)
        for part in parts(of, put, found)
    ]
    return _table(("part", "carries", *(_million(people) for people, _ in SCALES), "then"), rows)


def _by_scale(columns: Sequence[tuple[str, Callable[[float], str]]]) -> str:
    rows = [(f"{_million(people)}, {who}", *(shown(people) for _, shown in columns)) for people, who in SCALES]
    return _table(("people", *(heading for heading, _ in columns)), rows)


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    return "\n".join(_lines(head, rows))


def _lines(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"| {' | '.join('---' for _ in head)} |"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _number(value: float) -> str:
    """Three digits that count."""
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"


def _put_in(value: float) -> str:
    return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"


def _count(value: float) -> str:
    return f"{value:,.0f}"


def _million(people: float) -> str:
    return f"{_number(people / 1e6)} million"


def _share(taken: float) -> str:
    shown = f"{_number(taken * 100)} %"
    return f"**{shown}**" if taken > 1 else shown


def _bytes(value: float) -> str:
    return f"{value:,.0f} B"


def _gib(value: float) -> str:
    return f"{_number(value / GIB)} GiB" if value >= GIB / 10 else f"{_number(value / 2**20)} MiB"


def _price(value: float) -> str:
    return f"{value:.4f}" if value >= 0.0001 else f"{value:.2g}"


def _us(value: float) -> str:
    return f"{value:,.0f} us" if value >= 10 else f"{value:.1f} us"


def _machine(of: Mapping[str, Any]) -> str:
    return f"{of['cores']} cores of {of['processor']}, {of['memory_mib']:,} MiB, load {of['load_average_before'][0]} before"


def _sending(cpu: SendingCpu) -> str:
    return f"{_us(cpu.workers)}, {_us(cpu.postgresql)}"
