"""What is put in and not measured: the night, the gateways, machines and prices. A reader changes any of it by an option."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import Any

from bench.script import SCREENS
from bot.conversation.store import KEEP_SECONDS
from bot.kept_for import KeptFor
from sizing.night import busiest_minute, whole_night

_ASSUMED = "assumed"
_NIGHT, _CURVE = "13 January 2021, 18.30", "the replay's curve of arrivals"


def _input(default: float, words: str, unit: str = "", source: str = _ASSUMED) -> Any:
    return field(default=default, metadata={"words": words, "unit": unit, "source": source})


@dataclass(frozen=True, slots=True)
class Inputs:
    """Each has words, a unit and a source (``described``). Prices are in US dollars; shares lie between 0 and 1."""

    night_invited: float = _input(500_000, "people invited in the night", "people", _NIGHT)
    night_registered: float = _input(71_000, "of them registered by the evening", "people", _NIGHT)
    whole_night: float = _input(whole_night(), "registrations until midnight to those of the evening", "times", _CURVE)
    busiest_minute: float = _input(busiest_minute(), "of the evening's number in the busiest minute", "share", _CURVE)
    surge: float = _input(1.5, "the busiest second to the mean of that minute", "times")
    screens: float = _input(float(SCREENS), "screens from dialling to the ticket", "hops", "the flow's shortest road")
    detours: float = _input(1.6, "hops in all to those of the shortest road: errors, redials, who gives up", "times")
    call_seconds: float = _input(90.0, "how long somebody is on the way to a ticket", "s")

    blasts: float = _input(3.0, "messages of campaigns to everybody on the list", "messages a person")
    reminders: float = _input(1.0, "reminders of a booking", "messages a registration")
    registered_in_all: float = _input(0.9, "who has registered in the end", "share")
    by_sms: float = _input(0.2, "who registers by SMS; the others by USSD", "share")
    sms_replies: float = _input(
        4.0, "segments that we answer on that road", "segments", "one a screen before the ticket"
    )
    ussd_sessions: float = _input(1.6, "USSD sessions until a ticket, redials counted", "sessions")
    window_hours: float = _input(12.0, "in which a blast has to leave", "h", "`SENDING_WINDOW`, 08:00-20:00")

    batch_rate: float = _input(
        1000.0, "what a gateway that takes batches lets through", "segments/s", "assumed: by contract"
    )
    single_rate: float = _input(
        100.0, "what a gateway that takes one a request lets through", "segments/s", "assumed: by contract"
    )

    busy: float = _input(0.6, "of a core's time that is planned for", "share")
    machine_cores: float = _input(32.0, "of a machine for web or workers", "cores")
    postgresql_cores: float = _input(64.0, "of the machine for PostgreSQL", "cores")
    redis_gib: float = _input(32.0, "memory of one Redis", "GiB")
    table_gib: float = _input(
        200.0, "the largest table or partition that VACUUM and REINDEX are done with in good time", "GiB"
    )
    hop_days: float = _input(float(KeptFor().transcripts), "how long hops are kept", "days", "`KEEP_TRANSCRIPTS_DAYS`")
    kept_hours: float = _input(KEEP_SECONDS / 3600, "how long a conversation is kept in Redis", "h", "the store")

    campaign_days: float = _input(30.0, "how long machines stand ready for the peak", "days")
    least_cores: float = _input(8.0, "the smallest service that survives the loss of a machine", "cores")
    disk_months: float = _input(12.0, "how long the rows are kept", "months")
    copies: float = _input(3.0, "of the database: primary, replica, backups", "copies")
    sms_price: float = _input(0.02, "a segment that is sent", "US$")
    ussd_price: float = _input(0.005, "a USSD session", "US$")
    core_hour_price: float = _input(0.05, "a core for an hour, with its memory", "US$")
    gib_month_price: float = _input(0.12, "a GiB of disk for a month", "US$")


@dataclass(frozen=True, slots=True)
class Described:
    """An input in words; ``option`` is how it is changed."""

    name: str
    option: str
    words: str
    unit: str
    source: str
    default: float


def described() -> list[Described]:
    """All inputs, in their order."""
    return [
        Described(
            one.name,
            f"--{one.name.replace('_', '-')}",
            str(one.metadata["words"]),
            str(one.metadata["unit"]),
            str(one.metadata["source"]),
            float(one.default),  # type: ignore[arg-type]
        )
        for one in fields(Inputs)
    ]
