"""What follows from inputs and measured figures for so many people. Pure; every figure grows in proportion to ``people``.

That is the one great assumption: what was measured on a small machine is carried on in proportion, as if all were invited
in one night and nothing got in the way of anything else. ``giving_way`` tells where that ends.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from sizing.inputs import Inputs
from sizing.measured import Measured

GIB = 2**30
_MINUTE, _HOUR, _US = 60.0, 3600.0, 1e6


@dataclass(frozen=True, slots=True)
class Messages:
    """A blast to everybody: segments a second so that it leaves within the window; hours at the rate of each kind of gateway,
    and how many such accounts or numbers it takes; cores for the workers, with PostgreSQL's, by each kind.
    """

    segments: float
    per_second: float
    batch_hours: float
    batch_lines: int
    single_hours: float
    single_lines: int
    batch_cores: float
    single_cores: float


@dataclass(frozen=True, slots=True)
class Peak:
    """The busiest minute: registrations and hops a second, receipts a second while a blast leaves, and cores for each part,
    with the room that is left free. ``web_machines``: as many as that makes, two at least.
    """

    registrations: float
    per_second: float
    hops: float
    receipts: float
    web_cores: float
    web_machines: int
    postgresql_cores: float
    valkey_cores: float


@dataclass(frozen=True, slots=True)
class Disk:
    """Bytes in PostgreSQL at the end, with indexes: ``hops`` as if all registered within the days for which they are kept.

    ``message_rows``: of all blasts; ``message_table`` and ``receipt_table``: bytes of theirs; ``partition``: of one campaign
    in the larger of the two; ``pieces``: into how many that partition has to be cut again.
    """

    people: float
    messages: float
    registrations: float
    hops: float
    message_rows: float
    message_table: float
    receipt_table: float
    partition: float
    pieces: int

    @property
    def whole(self) -> float:
        """All of it."""
        return self.people + self.messages + self.registrations + self.hops


@dataclass(frozen=True, slots=True)
class Memory:
    """Conversations in Redis: how many are open at the peak and how many are kept, and bytes."""

    open_now: float
    open_bytes: float
    kept: float
    kept_bytes: float

    @property
    def whole(self) -> float:
        """Bytes of all."""
        return self.open_bytes + self.kept_bytes


@dataclass(frozen=True, slots=True)
class Cost:
    """US dollars a registration. ``cpu``: of processors alone; in the sum are the machines that stand ``ready``."""

    invitations: float
    tickets: float
    conversations_by_sms: float
    ussd: float
    ready: float
    disk: float
    cpu: float

    @property
    def whole(self) -> float:
        """All of it, CPU alone left out, since it is in the machines."""
        return self.invitations + self.tickets + self.conversations_by_sms + self.ussd + self.ready + self.disk


def messages(people: float, put: Inputs, found: Measured) -> Messages:
    """A blast to ``people``."""
    segments = people * found.blast_segments
    per_second = segments / (put.window_hours * _HOUR)
    each = people / (put.window_hours * _HOUR) / _US / put.busy
    return Messages(
        segments=segments,
        per_second=per_second,
        batch_hours=segments / put.batch_rate / _HOUR,
        batch_lines=math.ceil(per_second / put.batch_rate),
        single_hours=segments / put.single_rate / _HOUR,
        single_lines=math.ceil(per_second / put.single_rate),
        batch_cores=each * (found.batches.workers + found.batches.postgresql),
        single_cores=each * (found.singles.workers + found.singles.postgresql),
    )


def peak(people: float, put: Inputs, found: Measured) -> Peak:
    """The busiest minute of a night to which ``people`` were invited, while a blast leaves in batches."""
    evening = people * put.night_registered / put.night_invited
    per_second = evening * put.busiest_minute / _MINUTE * put.surge
    hops = per_second * put.screens * put.detours
    sent = people / (put.window_hours * _HOUR)
    receipts = sent * found.receipts
    web = hops * found.web_us
    postgresql = hops * found.postgresql_us + sent * found.batches.postgresql
    if found.receipt is not None:
        web += receipts * found.receipt.web
        postgresql += receipts * found.receipt.postgresql
    web_cores = web / _US / put.busy
    return Peak(
        registrations=evening * put.whole_night,
        per_second=per_second,
        hops=hops,
        receipts=receipts,
        web_cores=web_cores,
        web_machines=max(2, math.ceil(web_cores / put.machine_cores)),
        postgresql_cores=postgresql / _US / put.busy,
        valkey_cores=hops * found.valkey_us / _US / put.busy,
    )


def disk(people: float, put: Inputs, found: Measured) -> Disk:
    """What is in PostgreSQL when ``people`` have had all blasts and all who will have registered."""
    registered = people * put.registered_in_all
    rows = people * put.blasts
    message_row, receipt_rows = found.message_row, found.receipts * found.receipt_row
    partition = people * max(message_row, receipt_rows)
    return Disk(
        people=people * found.a_person,
        messages=rows * found.a_message,
        registrations=registered * found.a_registration,
        hops=registered * put.screens * put.detours * found.hop_row * min(1.0, put.hop_days / put.campaign_days),
        message_rows=rows,
        message_table=rows * message_row,
        receipt_table=rows * receipt_rows,
        partition=partition,
        pieces=max(1, math.ceil(partition / GIB / put.table_gib)),
    )


def memory(people: float, put: Inputs, found: Measured) -> Memory:
    """What conversations take in Redis: those that are open in the busiest minute, and all of a night, which are still kept."""
    at_peak = peak(people, put, found)
    open_now = at_peak.per_second * put.call_seconds
    nights = max(1.0, put.kept_hours / 24)
    kept = at_peak.registrations * nights
    return Memory(open_now, open_now * found.open_conversation, kept, kept * found.over_conversation)


def cost(people: float, put: Inputs, found: Measured) -> Cost:
    """Of one registration, if ``people`` are on the list."""
    registered = people * put.registered_in_all
    at_peak, sent, stored = peak(people, put, found), messages(people, put, found), disk(people, put, found)
    cores = at_peak.web_cores + at_peak.postgresql_cores + at_peak.valkey_cores + sent.batch_cores
    ready = max(put.least_cores, math.ceil(cores))
    sending_ms = (found.batches.workers + found.batches.postgresql) / 1000 * put.blasts / put.registered_in_all
    return Cost(
        invitations=put.blasts * found.blast_segments * put.sms_price / put.registered_in_all,
        tickets=(1 + put.reminders) * found.ticket_segments * put.sms_price,
        conversations_by_sms=put.by_sms * put.sms_replies * put.sms_price,
        ussd=(1 - put.by_sms) * put.ussd_sessions * put.ussd_price,
        ready=ready * put.campaign_days * 24 * put.core_hour_price / registered,
        disk=stored.whole / GIB * put.copies * put.disk_months * put.gib_month_price / registered,
        cpu=(found.registration_ms * put.detours + sending_ms) / 1000 / _HOUR * put.core_hour_price,
    )
