"""Replies that keep coming are claimed together; one that comes alone is not kept waiting."""

from __future__ import annotations

import itertools
import threading
import time
from datetime import timedelta

import pytest

from bot.clock import RealClock
from bot.messaging import together
from bot.messaging.outbox import Lane
from bot.messaging.sending import Sender
from bot.messaging.together import APART, MANY, Together
from tests.messaging.post import Post


def test_a_reply_that_comes_alone_is_claimed_at_once() -> None:
    claims = Together()
    assert claims.wait() == 0.0
    claims.claimed(int(MANY) - 1, most=64)
    assert claims.wait() == 0.0


def test_where_many_have_come_of_late_the_next_claim_is_a_moment_later(monkeypatch: pytest.MonkeyPatch) -> None:
    claims, moment = Together(), time.monotonic()
    monkeypatch.setattr(together.time, "monotonic", lambda: moment)
    for _ in range(int(MANY) + 5):
        claims.claimed(1, most=64)
    assert claims.wait() == pytest.approx(APART)
    monkeypatch.setattr(together.time, "monotonic", lambda: moment + APART * 0.6)
    assert claims.wait() == pytest.approx(APART * 0.4)
    monkeypatch.setattr(together.time, "monotonic", lambda: moment + APART * 1.01)
    assert claims.wait() == 0.0


def test_it_is_not_where_more_wait_than_were_claimed() -> None:
    claims = Together()
    claims.claimed(64, most=64)
    assert claims.wait() == 0.0


def test_what_came_long_ago_counts_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    claims, began = Together(), time.monotonic()
    claims.claimed(50, most=64)
    monkeypatch.setattr(together.time, "monotonic", lambda: began + 3.0)
    claims.claimed(1, most=64)
    assert claims.wait() == 0.0


def test_a_sender_claims_those_that_keep_coming_together_and_leaves_none(mail: Post) -> None:
    phones = [f"+62812{number:08}" for number in range(int(MANY) + 65)]
    for phone in phones[:-60]:
        mail.write(phone=phone)
    keep_coming = threading.Thread(target=lambda: [mail.write(phone=phone) for phone in phones[-60:]])
    sender, rounds = Sender(mail.database, mail.gateways, RealClock(), Lane.REPLY, pace=mail.pace), itertools.count()

    def goes_on() -> bool:
        if next(rounds) == 1:  # the first have been claimed
            keep_coming.start()
        return True

    try:
        accepted = sender.run(goes_on)
        keep_coming.join()
        accepted += sender.run(goes_on)
    finally:
        sender.close()
    assert accepted == len(phones)
    submitted = [row[0] for row in mail.database.rows("SELECT DISTINCT submitted_at FROM attempt ORDER BY 1")]
    assert 1 < len(submitted) < 30
    assert all(later - earlier > timedelta(seconds=APART * 0.8) for earlier, later in itertools.pairwise(submitted))
