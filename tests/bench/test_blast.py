"""The bench ``blast``: its floor and its goals. The whole of it runs with ``make bench``."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import psycopg
import pytest

from bench.blast import BlastResult, Company, Measured, WantedBlast
from bench.blast_floor import Floor, measure_floor
from bench.blast_run import Sent
from bench.blast_stage import fill
from bench.entries.blast import measured
from bench.stub_gateway.message_log import Logged, repeated
from bench.stub_gateway.running import RunningStub
from tests.world import DATA_KEY


@pytest.mark.parametrize(("gateway", "per_request", "requests"), [("africastalking", 100, 6), ("twilio", 1, 501)])
def test_the_floor_sends_everybody_one_message(tmp_path: Path, gateway: str, per_request: int, requests: int) -> None:
    with RunningStub(tmp_path / "log") as stub:
        floor = measure_floor(
            stub.url, gateway, messages=501, per_request=per_request, threads=4, processes=2, text="Balas"
        )
        state = stub.state()
    assert state["messages"] == 501
    assert state["requests"] == requests
    assert set(Counter(line.number for line in stub.taken()).values()) == {1}
    assert floor.seconds > 0
    assert floor.cpu_seconds > 0


def test_the_log_tells_who_got_a_text_twice() -> None:
    once = Logged(0.0, 0.0, "twilio", "a", "+62811", "SM1")
    assert repeated([once, once._replace(digest="b"), once._replace(number="+62812")]) == {}
    assert repeated([once, once._replace(gateway="africastalking", id="AT1")]) == {("a", "+62811"): 2}


def sent(gateway: str, per_second: float, **others: float) -> Sent:
    parts = dict.fromkeys(("web", "blast", "senders", "postgresql", "valkey", "stub"), 1.0)
    about = {"materialise_s": 5.0, "first_s": 0.1, "seconds": 1.0, "worker_mib": 90.0} | others
    return Sent(gateway, gateway, 1000, per_second=per_second, cpu_us=parts, status={}, wrong=(), **about)


def result(*of: Measured, p99: float = 90.0, ticket: float = 0.3) -> BlastResult:
    company = Company(sent("africastalking", 1.0), 300, 8.0, p99, 60, 0.1, ticket, 0)
    return BlastResult(WantedBlast(), {}, of, company, {}, ())


def test_goals_are_reached_or_not() -> None:
    floor = Floor(messages=1000, seconds=1.0, cpu_seconds=0.5)
    fast = Floor(messages=9000, seconds=1.0, cpu_seconds=1.5)
    good = result(Measured(sent("africastalking", 400), floor, fast), Measured(sent("twilio", 600), floor, fast))
    assert [goal.reached for goal in measured(good).goals] == [True] * 6
    slow = Measured(sent("twilio", 599, materialise_s=20.1, worker_mib=151), floor, fast)
    bad = result(Measured(sent("africastalking", 399), floor, fast), slow, p99=250.1, ticket=2.01)
    assert [goal.reached for goal in measured(bad).goals] == [False] * 6
    assert good.right


def test_a_multiplied_roster_has_places_for_everybody_in_each_district(database_url: str) -> None:
    fill({"DATABASE_URL": database_url, "DATA_KEY": DATA_KEY}, 12_000, 0)
    with psycopg.connect(database_url) as connection:
        counted = connection.execute(
            "SELECT d.code, (SELECT count(*) FROM worker WHERE district_code = d.code), (SELECT coalesce(sum(s.capacity), 0) "
            "FROM vaccination_session s JOIN facility f ON f.id = s.facility_id WHERE f.district_code = d.code) "
            "FROM district d"
        ).fetchall()
    assert sum(workers for _, workers, _ in counted) == 12_000
    assert [(code, workers, places) for code, workers, places in counted if places < workers] == []
