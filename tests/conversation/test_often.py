"""How often one phone may come: a person never notices, a machine comes to an end."""

from __future__ import annotations

from bot.conversation.often import SMS_COST, USSD_COST, Often
from bot.conversation.store import Record, decode, encode


def _turns(often: Often, cost: int, every: float, most: int = 2000) -> int:
    """Turns that a phone has which comes every so many seconds, until it is refused."""
    record: Record | None = None
    for number in range(most):
        now = 1_000_000 + number * every
        if often.is_too_often(record, now):
            return number
        record = Record(at=now, paid_until=often.paid(record, now, cost))
    return most


def test_whoever_never_pauses_comes_to_an_end() -> None:
    assert _turns(Often(360), USSD_COST, every=0) == 361
    assert _turns(Often(360), SMS_COST, every=0) == 31


def test_who_comes_no_faster_than_the_turns_come_back_never_does() -> None:
    for cost in (USSD_COST, SMS_COST):
        assert _turns(Often(360), cost, every=cost) == 2000


def test_a_person_who_answers_each_screen_within_three_seconds_has_an_hour() -> None:
    assert _turns(Often(360), USSD_COST, every=3) * 3 > 2500


def test_nought_is_any_number() -> None:
    assert _turns(Often(0), SMS_COST, every=0) == 2000


def test_what_an_older_release_kept_counts_as_nothing_used() -> None:
    kept = encode(Record(at=1.0)).replace(b',"p":0', b"")
    assert b'"p"' not in kept
    found = decode(kept)
    assert found is not None
    assert found.paid_until == 0
