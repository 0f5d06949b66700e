"""A blast by the whole service: workers that are killed, pauses, the pace. What happened says the stub gateway's own log.

BLAST_RECIPIENTS and BLAST_KILLS make the first test as large as one likes (20000 and 20 take two minutes).
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import Callable, Iterator

import pytest
import redis

from bench.stage import free_port
from bench.stub_gateway.message_log import repeated
from bench.stub_gateway.running import RunningStub
from bot.embedded.servers import EmbeddedServers
from bot.invariants import check
from tests.e2e.blasting import Blasting
from tests.e2e.conftest import until

RECIPIENTS = int(os.environ.get("BLAST_RECIPIENTS", "3000"))
#: Messages a second of a campaign that must not be over before a command has stopped it, however busy the machine is.
SLOWLY = 20
KILLS = int(os.environ.get("BLAST_KILLS", "3"))


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningStub]:
    with RunningStub(tmp_path_factory.mktemp("stub") / "messages.log", auth_token="token-of-tests") as running:
        yield running


@pytest.fixture(scope="module")
def blasting(
    module_database_url: str,
    servers: EmbeddedServers,
    stub: RunningStub,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Blasting]:
    with redis.Redis.from_url(servers.urls.redis_url) as client:
        client.flushall()
    folder = tmp_path_factory.mktemp("blasting")
    with Blasting(folder, module_database_url, servers.urls.redis_url, stub, free_port()) as running:
        until(running.ready, "the workers to be ready")
        yield running


def test_killed_workers_send_nothing_twice_and_lose_nothing(blasting: Blasting, stub: RunningStub) -> None:
    stub.behaves(dropped=0.02, losing=0.02, throttled=0.01, broken=0.01, seed=7)
    blasting.people(RECIPIENTS)
    blasting.create("killed", rate=RECIPIENTS / (KILLS * 2.5))
    chance = random.Random(11)
    blasting.send("killed")
    in_hand: dict[int, int] = {}
    for _kill in range(KILLS):
        until(lambda: bool(blasting.workers("blast")), "a blast worker")
        time.sleep(chance.uniform(0.3, 1.5))
        for worker in blasting.workers("blast"):
            worker.kill()
            worker.wait()
            in_hand |= blasting.in_hand()
    stub.behaves(dropped=0.0, losing=0.0, throttled=0.0, broken=0.0)
    blasting.until_over("killed")

    taken = [line for line in stub.taken() if line.number.startswith("+62811")]
    assert repeated(taken) == {}
    counts = blasting.counts("killed")
    assert sum(counts.values()) == RECIPIENTS
    assert set(counts) <= {"accepted", "rejected", "unknown"}
    assert blasting.unknown_by_death("killed") <= sum(in_hand.values())
    assert counts["accepted"] <= len(taken) <= counts["accepted"] + counts.get("unknown", 0)
    assert [finding.invariant.name for finding in check(blasting.database, blasting.now()) if finding.count] == []


def test_pausing_stops_within_two_seconds_and_resuming_repeats_nothing(blasting: Blasting, stub: RunningStub) -> None:
    blasting.people(400, prefix="+62812")
    blasting.create("paused", rate=SLOWLY, prefix="+62812")
    blasting.send("paused")
    sent = _counting(stub, "+62812")
    until(lambda: sent() > 10, "the first messages")
    blasting.bot("campaign", "pause", "paused")
    paused_at = time.monotonic()
    until(lambda: time.monotonic() > paused_at + 2.0, "two seconds")
    before = sent()
    until(lambda: time.monotonic() > paused_at + 4.5, "two more")
    assert sent() == before < 400
    assert blasting.status("paused")["submitted"] == 0
    blasting.bot("campaign", "set-rate", "paused", "400")
    blasting.bot("campaign", "resume", "paused")
    blasting.until_over("paused")
    assert sent() == 400
    assert repeated(stub.taken()) == {}
    assert blasting.counts("paused") == {"accepted": 400}


def test_the_brakes_stop_it_too(blasting: Blasting, stub: RunningStub) -> None:
    blasting.people(400, prefix="+62813")
    blasting.create("braked", rate=SLOWLY, prefix="+62813")
    blasting.send("braked")
    sent = _counting(stub, "+62813")
    until(lambda: sent() > 10, "the first messages")
    blasting.bot("sending", "stop")
    stopped_at = time.monotonic()
    until(lambda: time.monotonic() > stopped_at + 2.0, "two seconds")
    before = sent()
    until(lambda: time.monotonic() > stopped_at + 3.5, "some more")
    assert sent() == before < 400
    blasting.bot("campaign", "set-rate", "braked", "400")
    blasting.bot("sending", "resume")
    blasting.until_over("braked")
    assert blasting.counts("braked") == {"accepted": 400}
    assert repeated(stub.taken()) == {}


def test_cancelling_sends_nothing_more(blasting: Blasting, stub: RunningStub) -> None:
    blasting.people(400, prefix="+62814")
    blasting.create("cancelled", rate=SLOWLY, prefix="+62814")
    blasting.send("cancelled")
    sent = _counting(stub, "+62814")
    until(lambda: sent() > 10, "the first messages")
    blasting.bot("campaign", "cancel", "cancelled", "--yes")
    cancelled_at = time.monotonic()
    until(lambda: time.monotonic() > cancelled_at + 2.0, "two seconds")
    before = sent()
    until(lambda: blasting.status("cancelled")["queued"] == 0, "nothing to wait for")
    until(lambda: time.monotonic() > cancelled_at + 4.0, "some more")
    assert sent() == before
    assert blasting.counts("cancelled") == {"accepted": before, "suppressed": 400 - before}


def test_no_second_holds_more_than_the_pace_allows(blasting: Blasting, stub: RunningStub) -> None:
    blasting.people(300, prefix="+62815")
    blasting.create("paced", rate=50, prefix="+62815")
    blasting.send("paced")
    blasting.until_over("paced")
    moments = sorted(line.monotonic for line in stub.taken() if line.number.startswith("+62815"))
    assert len(moments) == 300
    most = max(sum(1 for each in moments[i:] if each < start + 1.0) for i, start in enumerate(moments))
    assert most <= 55
    assert moments[-1] - moments[0] < 300 / 50 * 1.6


def _counting(stub: RunningStub, prefix: str) -> Callable[[], int]:
    return lambda: sum(line.number.startswith(prefix) for line in stub.taken())
