"""Turns are noted: each that counts once, nothing personal, and without a round trip of anybody who waits."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import timedelta

import pytest
import redis

from bot.conversation import hops
from bot.conversation.driver import Caller
from bot.conversation.hops import STREAM, Hop, HopNotes
from bot.embedded.servers import EmbeddedServers
from bot.redis_clients import REDIS_TIMEOUT, connect
from tests.conversation.house import NOON, PHONE, House
from tests.conversation.teahouse import Brew, Free, Look, teahouse
from tests.conversation.wire import Wire
from tests.stopping import paused


@pytest.fixture
def notes(house: House) -> Iterator[HopNotes]:
    made = HopNotes(house.client)
    house.note = made.note
    yield made
    made.close()


def noted(house: House, notes: HopNotes) -> list[Hop]:
    """What stands in the stream once the thread has written everything."""
    notes.close()
    return [hop for batch in hops.oldest(house.client, 100) for hop in batch.hops]


def states(found: list[Hop]) -> list[str]:
    return [hop.state for hop in found]


def test_every_turn_says_where_one_stands_after_it(house: House, notes: HopNotes) -> None:
    house.dials("Budi", "1", "1", "1234")
    found = noted(house, notes)
    assert states(found) == ["name", "seat", "teas", "card", "served"]
    assert {(hop.at, hop.channel, hop.flow, hop.person) for hop in found} == {(NOON, "ussd", "tea", None)}
    assert len({hop.visit for hop in found}) == 1


def test_a_flow_may_know_who_is_talking(house: House, notes: HopNotes) -> None:
    house.flow = teahouse(who=lambda m: len(m.name))
    house.dials("Budi", "1")
    assert [hop.person for hop in noted(house, notes)] == [None, 4, 4]


def test_a_flow_may_know_whether_they_have_proved_it(house: House, notes: HopNotes) -> None:
    house.flow = teahouse(is_proven=lambda m: m.inside)
    house.dials("Budi", "1", "1")
    assert [(hop.state, hop.is_proven) for hop in noted(house, notes)] == [
        ("name", False),
        ("seat", False),
        ("teas", True),
        ("card", True),
    ]


def test_a_moment_is_kept_to_the_microsecond(house: House, notes: HopNotes) -> None:
    house.clock.moment += timedelta(microseconds=123457)
    house.dials()
    [hop] = noted(house, notes)
    assert hop.at == house.clock.moment


def test_a_repeated_request_is_no_turn(house: House, notes: HopNotes) -> None:
    for _ in range(3):
        house.dials("Budi")
    house.dials("Budi", "1", "1", "1234")
    house.texts("PULANG", "m7")
    house.texts("PULANG", "m7")
    assert states(noted(house, notes)).count("served") == 1
    assert states([hop for hop in noted(house, notes) if hop.channel == "sms"]) == ["bye"]


def test_of_two_at_the_same_moment_one_turn_is_noted(house: House, notes: HopNotes) -> None:
    house.dials("Budi", "1", "1")
    overtaken: list[str] = []

    def overtake(effect: object, _caller: Caller) -> None:
        if isinstance(effect, Brew) and not overtaken:
            overtaken.append("once")
            house.driver.ussd(PHONE, "s1", "Budi*1*1*1234")

    house.before = overtake
    house.driver.ussd(PHONE, "s1", "Budi*1*1*1234")
    assert states(noted(house, notes)) == ["name", "seat", "teas", "card", "served"]


def test_sessions_are_visits_of_their_own_and_a_conversation_by_sms_is_one(house: House, notes: HopNotes) -> None:
    house.dials("Budi", session="s1")
    house.passes(60)
    house.dials(session="s2")
    house.passes(60)
    house.texts("1", "m1")
    house.texts("TOLONG", "m2")
    house.texts("1", "m3")
    found = noted(house, notes)
    assert [(hop.channel, hop.state) for hop in found] == [
        *[("ussd", "name"), ("ussd", "seat"), ("ussd", "seat")],
        *[("sms", "teas"), ("sms", "teas"), ("sms", "card")],
    ]
    first, second, by_sms = found[0].visit, found[2].visit, found[3].visit
    assert [hop.visit for hop in found] == [first, first, second, by_sms, by_sms, by_sms]
    assert len({first, second, by_sms}) == 3


def test_help_without_a_conversation_is_noted_as_help(house: House, notes: HopNotes) -> None:
    house.texts("TOLONG")
    assert states(noted(house, notes)) == ["help"]


def test_nothing_of_who_and_what_is_in_the_stream(house: House, notes: HopNotes) -> None:
    house.dials("Budi", "1", "1", "1234", session="ATUid_5432")
    house.texts("Budi rahasia")
    noted(house, notes)
    stored = repr(house.client.xrange(STREAM))
    for told in (PHONE.removeprefix("+"), PHONE[-6:], "Budi", "rahasia", "ATUid", "5432"):
        assert told not in stored


def test_a_hop_stays_two_round_trips(redis_url: str, house: House) -> None:
    """The first is the GET, the second the save; notes leave by another connection, in one command for many."""
    with Wire(redis_url) as wire, connect(wire.url) as client, Wire(redis_url) as aside, connect(aside.url) as second:
        notes = HopNotes(second)
        house.client, house.note = client, notes.note
        house.dials(session="warm")
        inputs = ("Budi", "1", "1", "1234")
        driver = house.driver
        driver.ussd(PHONE, "s1", "")
        before = wire.requests
        for count in range(1, len(inputs) + 1):
            driver.ussd(PHONE, "s1", "*".join(inputs[:count]))
        assert wire.requests - before == 2 * len(inputs)
        assert (wire.carried(b"XADD"), wire.carried(b"xadd")) == (0, 0)
        notes.close()
        assert aside.carried(b"XADD") == 1


def test_while_redis_is_away_notes_are_lost_and_nobody_waits(redis_url: str, house: House, notes: HopNotes) -> None:
    with Wire(redis_url) as wire, connect(wire.url) as cut:
        wire.cut()
        lost = HopNotes(cut)
        house.note = lost.note
        assert house.dials("Budi").goes_on
        lost.close()
    assert noted(house, notes) == []


def test_a_paused_redis_keeps_no_caller(house: House, notes: HopNotes, servers: EmbeddedServers) -> None:
    with paused(servers.valkey.pid):
        began = time.monotonic()
        for number in range(1000):
            notes.note(NOON.timestamp() + number, "ussd", "tea", "name", 0, 1, False)
        # One that waited for Redis would take its time limit; a thousand of them, minutes.
        assert time.monotonic() - began < REDIS_TIMEOUT
    notes.close()


def test_the_stream_has_a_bound(house: House, notes: HopNotes) -> None:
    """Where no worker copies it, the oldest go."""
    pipeline = house.client.pipeline(transaction=False)
    for _ in range(5600):
        pipeline.xadd(STREAM, {"n": 1, "h": "x"})
    pipeline.execute()
    house.dials()
    notes.close()
    assert 5000 <= house.client.xlen(STREAM) < 5600


def test_what_another_release_wrote_is_in_nobodys_way(house: House, notes: HopNotes) -> None:
    house.client.xadd(STREAM, {"x": "y"})
    for text in ("something else", "1 2 3 4 x 6"):
        house.client.xadd(STREAM, {"n": 1, "h": text})
    house.dials()
    notes.close()
    batches = hops.oldest(house.client, 10)
    assert [len(batch.hops) for batch in batches] == [0, 0, 0, 1]
    hops.drop(house.client, batches)
    assert house.client.xlen(STREAM) == 0


def test_outcomes_do_not_matter_only_where_one_stands(house: House, notes: HopNotes) -> None:
    house.kitchen.outcomes[Look] = Free(regular=True)
    house.dials()
    assert states(noted(house, notes)) == ["seat"]


def test_nobody_there_tells(redis_url: str) -> None:
    with redis.Redis.from_url(redis_url) as client:
        assert hops.oldest(client, 10) == []
