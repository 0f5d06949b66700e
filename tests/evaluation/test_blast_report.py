"""What a blast came to: every figure of a small one with known outcomes, what is put down to it, and who fell behind."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from bot.db.database import Database
from bot.evaluation import blast_report, blast_rows
from bot.evaluation.blast_figures import BlastCounts, BlastFigures
from bot.evaluation.falling_behind import Compared, Reason, fallen_behind
from bot.officers.areas import Area
from bot.registration.closing import close_at
from tests.evaluation.blasted import Blasted
from tests.evaluation.town import Town
from tests.world import MORNING


@pytest.fixture
def blasted(database_url: str) -> Blasted:
    return Blasted(Town(Database(database_url, limit=10)))


def test_every_figure_of_a_small_blast(blasted: Blasted) -> None:
    town = blasted.town
    blast = blasted.blast(segments=18)
    town.clock.moment = MORNING + timedelta(days=4)
    for reason in ("opted out", "same number", "same number"):
        blasted.somebody(blast, "suppressed", reason)
    blasted.somebody(blast, "queued")
    for reason in ("absent subscriber", "wrong number"):
        blasted.somebody(blast, "rejected", reason)
    blasted.somebody(blast, "unknown")
    blasted.somebody(blast, "accepted")
    silent = blasted.somebody(blast)
    blasted.opts_out(silent, MORNING + timedelta(hours=2))
    for step in ("started", "verified", "confirmed", "screened", "deferred", "held"):
        blasted.gets_to(blast, blasted.somebody(blast), step)
    for hours in (0.5, 5, 23, 47, 50):
        blasted.gets_to(blast, blasted.somebody(blast, phone=f"+6285500000{int(hours):03d}"), "booked", hours=hours)
    gave_up = blasted.gets_to(blast, blasted.somebody(blast), "booked", hours=3)
    town.cancels(gave_up)
    found = blasted.report(blast)
    counts = found.whole.counts
    assert (counts.recipients, counts.waiting, counts.suppressed, counts.sent) == (21, 1, 3, 17)
    assert (counts.accepted, counts.delivered, counts.no_receipt, counts.failed, counts.unknown) == (14, 13, 1, 2, 1)
    assert (counts.invited, counts.answered, counts.booked_before) == (14, 12, 0)
    assert (counts.within_1, counts.within_6, counts.within_24, counts.within_48, counts.registered) == (1, 3, 4, 5, 6)
    assert (counts.given_up, counts.opted_out, counts.without_message) == (1, 1, 0)
    assert found.whole.failed == {"absent subscriber": 1, "wrong number": 1}
    assert found.whole.suppressed == {"same number": 2, "opted out": 1}
    assert found.whole.steps == {
        "started": 1,
        "verified": 1,
        "confirmed": 1,
        "screened": 1,
        "deferred": 1,
        "held": 1,
        "booked": 6,
    }
    assert found.whole.hours == {0: (7, 1), 3: (1, 1), 5: (1, 1), 23: (1, 1), 47: (1, 1), 50: (1, 1)}
    assert found.whole.operators == {"Telkomsel": (12, 8, 7, 1), "Indosat": (5, 5, 5, 5)}
    assert (found.began, found.ended, found.as_of) == (MORNING, MORNING, town.clock.moment)
    assert blast_rows.cost_of(found, Decimal(350)) == (Decimal(6300), Decimal(1050))
    assert blast_rows.cost_of(found, None) == (None, None)


def test_where_those_stopped_who_answered_and_did_not_register(blasted: Blasted) -> None:
    """By the last screen before what came next; who has gone on since stands there all the same."""
    town = blasted.town
    first = blasted.blast("31 Dec")
    second = blasted.blast("12 Jan", at=MORNING + timedelta(hours=10))
    town.clock.moment = MORNING + timedelta(days=2)
    here, gone_on, unknown, registered, silent, earlier = (blasted.somebody(first) for _ in range(6))
    blasted.gets(second, gone_on)
    for worker in (here, gone_on, unknown, earlier):
        blasted.gets_to(first, worker, "verified")
    blasted.gets_to(first, registered, "booked")
    for worker, state, minutes in (
        *((here, "confirm", 20), (here, "places", 25)),
        *((gone_on, "screening", 30), (gone_on, "birth_date", 11 * 60), (gone_on, "offer", 12 * 60)),
        *((registered, "ticket", 20), (silent, "birth_date", 5), (earlier, "nik", -5)),
    ):
        blasted.stands(worker, state, MORNING + timedelta(minutes=minutes))
    assert blasted.report(first).whole.screens == {"places": 1, "screening": 1, "": 2}
    assert blasted.report(first).whole.steps == {"verified": 4, "booked": 1}
    assert blasted.report(second).whole.screens == {}
    told = blast_rows.as_json(blasted.report(first), None, "IDR")["stopped_at"]
    assert told == {"places": 1, "screening": 1, "not_known": 2}


def test_the_answer_that_leaves_no_trace_is_told_by_the_next_screen(blasted: Blasted) -> None:
    blast = blasted.blast()
    blasted.town.clock.moment = MORNING + timedelta(days=1)
    for state in ("confirm", "screening", "which"):
        blasted.stands(blasted.gets_to(blast, blasted.somebody(blast), "verified"), state, MORNING + timedelta(hours=1))
    assert blasted.report(blast).whole.steps == {"verified": 1, "confirmed": 2}


def test_what_is_not_put_down_to_a_blast(blasted: Blasted) -> None:
    town = blasted.town
    first = blasted.blast("31 Dec")
    second = blasted.blast("12 Jan", at=MORNING + timedelta(hours=10))
    town.clock.moment = MORNING + timedelta(days=2)
    before, early, late, failed, left_out = (blasted.somebody(first) for _ in range(5))
    for worker, state in ((early, "delivered"), (late, "accepted"), (failed, "unknown"), (left_out, "suppressed")):
        blasted.gets(second, worker, state)
    blasted.gets_to(first, before, "booked", hours=-1)
    blasted.gets_to(first, early, "booked", hours=9)
    for worker in (late, failed, left_out):
        blasted.gets_to(first, worker, "booked", hours=11)
    of_first, of_second = (blasted.report(each).whole.counts for each in (first, second))
    # who had booked before counts for nothing; who booked after the next message counts for that one, unless it came to
    # nobody: then the first one still was the last that they got
    assert (of_first.delivered, of_first.booked_before, of_first.invited, of_first.registered) == (5, 1, 4, 3)
    assert (of_second.sent, of_second.booked_before, of_second.invited, of_second.registered) == (3, 1, 1, 1)
    assert (of_second.suppressed, of_second.unknown, of_second.without_message) == (1, 1, 1)


def test_nothing_counts_that_came_after_the_end_of_registration(blasted: Blasted) -> None:
    blast = blasted.blast()
    blasted.town.clock.moment = MORNING + timedelta(days=1)
    close_at(blasted.town.database, MORNING + timedelta(hours=4), now=MORNING, actor="tests")
    for hours in (1, 4.05, 5):  # who was talking at the end has some minutes more
        blasted.gets_to(blast, blasted.somebody(blast), "booked", hours=hours)
    assert blasted.report(blast).whole.counts.registered == 2


def test_an_area_sees_its_own_part(blasted: Blasted) -> None:
    blast = blasted.blast(segments=8)
    blasted.town.clock.moment = MORNING + timedelta(hours=2)
    for _ in range(3):
        blasted.somebody(blast)
    blasted.gets_to(blast, blasted.somebody(blast, district="7371"), "booked")
    country, makassar = blasted.report(blast), blasted.report(blast, Area(district_code="7371"))
    assert [each.code for each in country.districts] == ["3273", "7371"]
    assert [each.code for each in makassar.districts] == ["7371"]
    assert (country.whole.counts.sent, makassar.whole.counts.sent, makassar.whole.counts.registered) == (4, 1, 1)
    assert (country.parts, makassar.parts) == (8, 2)
    assert blast_report.report(blasted.town.database, blast, Area(province_code="99")) is None


def test_it_is_made_again_as_often_as_it_costs_little_and_kept_once_all_is_over(blasted: Blasted) -> None:
    town = blasted.town
    blast = blasted.blast()
    assert blast_report.make(town.database, blast, town.clock)
    for took_ms, kept in ((20, 5), (6000, 30)):
        town.database.rows("UPDATE figure_snapshot SET took_ms = %s", (took_ms,))
        town.clock.moment += timedelta(seconds=kept)
        assert not blast_report.make(town.database, blast, town.clock)
        town.clock.moment += timedelta(seconds=1)
        assert blast_report.make(town.database, blast, town.clock)
    close_at(town.database, MORNING, now=MORNING, actor="tests")
    town.clock.moment = MORNING + timedelta(days=2)
    assert blast_report.make(town.database, blast, town.clock)
    town.clock.moment += timedelta(days=9)
    assert not blast_report.make(town.database, blast, town.clock)
    assert not blast_report.make(town.database, blast + 1, town.clock)


def _district(
    code: str, *, delivered: int = 90, answered: int = 60, proved: int = 50, booked: int = 40, left: int = 9
) -> Compared:
    counts = BlastCounts(sent=100, delivered=delivered, invited=delivered, answered=answered, registered=booked)
    steps = {"started": answered - proved, "screened": proved - booked, "booked": booked}
    return Compared(code, code[:2], BlastFigures(counts, steps=steps), left)


@pytest.mark.parametrize(
    ("behind", "reason"),
    [
        (_district("3201", delivered=30, answered=20, proved=17, booked=13), Reason.FEW_DELIVERED),
        (_district("3201", answered=15, proved=13, booked=10), Reason.SILENT),
        (_district("3201", proved=12, booked=10), Reason.BIRTH_DATE),
        (_district("3201", booked=10, left=0), Reason.NO_PLACES),
        (_district("3201", booked=10), Reason.OFFER),
    ],
)
def test_who_falls_behind_and_where(behind: Compared, reason: Reason) -> None:
    peers = [_district(f"32{number:02d}") for number in range(2, 7)]
    found = fallen_behind([behind, *peers])
    assert list(found) == ["3201"]
    assert (found["3201"].reason, found["3201"].same_province, found["3201"].peer_count) == (reason, True, 5)


def test_nobody_falls_behind_by_chance_or_without_peers() -> None:
    peers = [_district(f"32{number:02d}") for number in range(2, 7)]
    assert fallen_behind([_district("3201", booked=33), *peers]) == {}
    assert fallen_behind([_district("3201", booked=5), *peers[:3]]) == {}
    # alone in its province it is held against districts of its size
    assert not fallen_behind([_district("9901", booked=5), *peers])["9901"].same_province
