"""What follows from inputs and measured figures, against what comes out with pencil and paper."""

from __future__ import annotations

from dataclasses import replace

import pytest

from sizing.formulas import GIB, cost, disk, memory, messages, peak
from sizing.giving_way import parts
from sizing.inputs import Inputs, described
from sizing.measured import Looks, Measured, ReceiptCpu, SendingCpu
from sizing.night import busiest_minute, whole_night

MILLION = 1_000_000
#: Round figures, with which one can count.
FOUND = Measured(
    a_person=1000.0,
    a_message=2000.0,
    message_row=500.0,
    receipt_row=200.0,
    a_registration=4000.0,
    hop_row=100.0,
    open_conversation=600.0,
    over_conversation=400.0,
    blast_segments=1.0,
    ticket_segments=2.0,
    receipts=2.0,
    web_us=500.0,
    postgresql_us=300.0,
    valkey_us=50.0,
    registration_ms=4.0,
    batches=SendingCpu(5.0, 20.0),
    singles=SendingCpu(350.0, 150.0),
)
PUT = Inputs(
    night_invited=1000,
    night_registered=50,
    whole_night=2,
    busiest_minute=0.006,
    surge=2,
    screens=5,
    detours=2,
    call_seconds=60,
    blasts=2,
    reminders=1,
    registered_in_all=0.5,
    by_sms=0.25,
    sms_replies=4,
    ussd_sessions=2,
    window_hours=10,
    batch_rate=100,
    single_rate=10,
    busy=0.5,
    machine_cores=4,
    postgresql_cores=8,
    redis_gib=1,
    table_gib=0.25,
    hop_days=30,
    kept_hours=48,
    campaign_days=60,
    least_cores=4,
    disk_months=10,
    copies=2,
    sms_price=0.03,
    ussd_price=0.01,
    core_hour_price=0.05,
    gib_month_price=0.1,
)


def test_a_blast_to_a_million_in_ten_hours() -> None:
    sent = messages(MILLION, PUT, FOUND)
    # A million in 36,000 seconds.
    assert sent.per_second == pytest.approx(27.78, abs=0.01)
    # At 100/s and 10/s: 10,000 and 100,000 seconds.
    assert sent.batch_hours == pytest.approx(2.778, abs=0.001)
    assert sent.single_hours == pytest.approx(27.78, abs=0.01)
    assert (sent.batch_lines, sent.single_lines) == (1, 3)
    # 27.78 messages of 25 us, and of 500 us, half of a core left free.
    assert sent.batch_cores == pytest.approx(27.78 * 25e-6 / 0.5, rel=0.001)
    assert sent.single_cores == pytest.approx(27.78 * 500e-6 / 0.5, rel=0.001)


def test_two_segments_take_twice_the_time() -> None:
    long = messages(MILLION, PUT, replace(FOUND, blast_segments=2.0))
    assert long.batch_hours == 2 * messages(MILLION, PUT, FOUND).batch_hours


def test_the_peak_of_a_night_to_which_a_million_were_invited() -> None:
    found = peak(MILLION, PUT, FOUND)
    # A twentieth until the evening and as many by midnight; of 50,000 in the busiest minute 300, and twice as many a second.
    assert found.registrations == 100_000
    assert found.per_second == pytest.approx(10.0)
    assert found.hops == pytest.approx(100.0)
    assert found.receipts == pytest.approx(55.56, abs=0.01)
    # 100 hops of 500 us are 0.05 cores, half of which are left free.
    assert found.web_cores == pytest.approx(0.1)
    assert found.valkey_cores == pytest.approx(0.01)
    # PostgreSQL also has the blast to write: 27.78 messages of 20 us.
    assert found.postgresql_cores == pytest.approx((100 * 300e-6 + 27.78 * 20e-6) / 0.5, rel=0.001)
    assert found.web_machines == 2


def test_receipts_count_where_they_were_measured() -> None:
    with_receipts = peak(MILLION, PUT, replace(FOUND, receipt=ReceiptCpu(web=200.0, workers=50.0, postgresql=90.0)))
    without = peak(MILLION, PUT, FOUND)
    assert with_receipts.web_cores - without.web_cores == pytest.approx(55.56 * 200e-6 / 0.5, rel=0.001)
    assert with_receipts.postgresql_cores - without.postgresql_cores == pytest.approx(55.56 * 90e-6 / 0.5, rel=0.001)


def test_as_many_machines_as_the_cores_make() -> None:
    # 100 times as many: 10 cores for web, on machines of four.
    assert peak(100 * MILLION, PUT, FOUND).web_machines == 3


def test_what_a_million_leave_on_disk() -> None:
    found = disk(MILLION, PUT, FOUND)
    assert found.people == 1e9
    # Two blasts of 2,000 bytes each; half of them register.
    assert found.messages == 4e9
    assert found.registrations == 2e9
    # Half a million, ten hops each, kept for half of the campaign.
    assert found.hops == 0.25e9
    assert found.whole == 7.25e9
    # Two receipts of 200 bytes are less than a message of 500.
    assert (found.message_rows, found.message_table, found.receipt_table) == (2 * MILLION, 1e9, 0.8e9)
    assert found.partition == 0.5e9
    # Half a gigabyte in pieces of a quarter of a GiB.
    assert found.pieces == 2


def test_conversations_at_the_peak_and_of_two_nights() -> None:
    found = memory(MILLION, PUT, FOUND)
    assert found.open_now == pytest.approx(600.0)
    assert found.open_bytes == pytest.approx(360_000.0)
    assert (found.kept, found.kept_bytes) == (200_000, 80e6)


def test_what_a_registration_costs() -> None:
    found = cost(MILLION, PUT, FOUND)
    # Two invitations, one of two registers.
    assert found.invitations == pytest.approx(2 * 0.03 / 0.5)
    # Ticket and reminder of two segments each.
    assert found.tickets == pytest.approx(4 * 0.03)
    assert found.conversations_by_sms == pytest.approx(0.25 * 4 * 0.03)
    assert found.ussd == pytest.approx(0.75 * 2 * 0.01)
    # Less than the four cores that there are at least, for 60 days, over half a million.
    assert found.ready == pytest.approx(4 * 60 * 24 * 0.05 / 500_000)
    assert found.disk == pytest.approx(7.25e9 / GIB * 2 * 10 * 0.1 / 500_000)
    # 8 ms for registering, and four messages for each who does, 25 us each.
    assert found.cpu == pytest.approx((0.008 + 4 * 25e-6) / 3600 * 0.05)
    assert found.whole == pytest.approx(
        found.invitations + found.tickets + found.conversations_by_sms + found.ussd + found.ready + found.disk
    )


def test_what_gives_way_first() -> None:
    found = parts(MILLION, PUT, replace(FOUND, looks=Looks(ms=100.0, people=MILLION)))
    taken = {part.name: part for part in found}
    assert [part.taken for part in found] == sorted((part.taken for part in found), reverse=True)
    # A GB of messages in tables of a quarter of a GiB at most.
    assert found[0].name == "`message` as one table"
    assert found[0].people(MILLION) == pytest.approx(MILLION * 0.25 * GIB / 1e9)
    assert taken["a gateway that takes batches"].people(MILLION) == pytest.approx(3.6 * MILLION)
    # 100 ms of every 5 s.
    assert taken["figures every 5 s, counted by one worker"].people(MILLION) == pytest.approx(50 * MILLION)


def test_what_a_part_carries_does_not_depend_on_for_whom_it_was_counted() -> None:
    few = {part.name: part.people(MILLION) for part in parts(MILLION, PUT, FOUND)}
    many = {part.name: part.people(100 * MILLION) for part in parts(100 * MILLION, PUT, FOUND)}
    assert few == pytest.approx(many)


def test_the_shape_of_the_night() -> None:
    """The surge before midnight is its busiest minute: three thousandths of what had come by 18.30, and more came after."""
    assert 0.0015 < busiest_minute() < 0.006
    assert 1.2 < whole_night() < 2


def test_every_input_says_what_it_is_and_where_it_comes_from() -> None:
    assert all(one.words and one.source and one.default > 0 for one in described())
