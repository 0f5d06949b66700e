"""The bench ``receipts`` from end to end, on real servers, small; its reports and its judge."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
from click.testing import CliRunner

from bench.__main__ import bench
from bench.blast_stage import fill
from bench.receipts_judge import judge
from bench.receipts_world import GATEWAY, Sent, add_messages, answer, reports_on
from bot.db.database import Database
from bot.messaging import receipts
from bot.messaging.receipts import Told
from gateway_adapters.base import Receipt, ReceiptStatus
from tests.world import DATA_KEY

ARGUMENTS = ("receipts", "--reports", "300", "--rounds", "1", "--messages", "100", "--json")


def test_a_small_run(new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder()
    monkeypatch.setenv("VAR", str(folder))
    done = CliRunner().invoke(bench, ARGUMENTS)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    [measured] = found["rounds"]
    assert set(measured) == {"view", "taken", "applied", "update"}
    assert len({step["reports"] for step in measured.values()}) == 1
    assert min(step["per_second"] for step in (*measured.values(), found["together"])) > 0
    assert 0 < measured["taken"]["p50_ms"] <= measured["taken"]["p99_ms"]
    assert [work["name"] for work in found["common"]["work"]] == ["taken", "applied"]


def test_reports_come_twice_in_the_wrong_order_and_all_of_them() -> None:
    messages = [Sent(number, f"+62811{number:04d}", f"AT{number}", False, 1) for number in range(2000)]
    reports = reports_on(messages, 1)
    assert reports == reports_on(messages, 1)
    times = Counter((report.message.id, report.final) for report in reports)
    assert len(times) == 2 * len(messages)
    assert set(times.values()) == {1, 2}
    first: dict[int, bool] = {}
    for report in reports:
        first.setdefault(report.message.id, report.final)
    assert 0.15 < sum(first.values()) / len(messages) < 0.3
    assert {report.status for report in reports} == {"sent", "delivered", "failed"}


def test_the_judge_sees_what_was_not_applied_or_undone(database_url: str) -> None:
    fill({"DATABASE_URL": database_url, "DATA_KEY": DATA_KEY}, 60, 0)
    add_messages(database_url, "old", 60, old=True)
    messages = add_messages(database_url, "new", 60)
    reports = reports_on(messages, 7)
    assert [message.early for message in messages].count(True) == 3
    told = [
        Told(
            GATEWAY,
            Receipt(
                report.message.provider_id,
                ReceiptStatus(report.status),
                report.message.phone,
                report.form.get("failureReason", ""),
            ),
            datetime.now(UTC),
        )
        for report in reports
    ]
    with closing(Database(database_url, size=1)) as database:
        receipts.apply(database, told)
        # Three messages that nobody has answered for yet, with two reports each.
        assert list(judge(database_url, messages, reports)) == [
            "6 reports are kept and not applied",
            "3 messages do not stand as the last word about them says",
            "3 messages have another id than the gateway gave them",
            "1 attempts are still open",
        ]
        answer(database, messages)
    assert list(judge(database_url, messages, reports)) == []
    one, other, third, *_ = (message for message in messages if not message.early)
    with psycopg.connect(database_url) as connection:
        connection.execute("UPDATE message SET state = 'accepted' WHERE id = %s", (one.id,))
        connection.execute("DELETE FROM receipt WHERE provider_id = %s AND status = 'sent'", (other.provider_id,))
        connection.execute(
            "INSERT INTO receipt (gateway, provider_id, status, reason, matched, received_at) "
            "VALUES (%s, %s, 'sent', 'once more', true, now())",
            (GATEWAY, third.provider_id),
        )
    assert list(judge(database_url, messages, reports))[:3] == [
        "1 reports are not kept",
        "1 reports are kept twice",
        "1 messages do not stand as the last word about them says",
    ]
