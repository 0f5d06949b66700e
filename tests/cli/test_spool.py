"""``inbound spool list``, ``replay``, ``quarantined``, as an operator types them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot.crypto import Vault
from bot.db.database import Database
from bot.messaging.letters import Letter
from bot.messaging.spool import Spool
from gateway_adapters.base import Receipt, ReceiptStatus
from tests.cli.test_campaign import environment
from tests.cli.test_registry import ROOT, Balas, balas
from tests.messaging.spooling import GATEWAY, later, sms

__all__ = ["balas", "environment"]


@pytest.fixture
def spool(environment: dict[str, str], tmp_path: Path) -> Spool:
    environment["SPOOL"] = str(tmp_path / "spool")
    return Spool(tmp_path / "spool", Vault(environment["DATA_KEY"]), 6400)


def test_nothing_waits_and_nothing_is_made(balas: Balas, spool: Spool) -> None:
    assert balas("inbound", "spool", "list").stdout == "Nothing waits.\n"
    assert balas("inbound", "spool", "quarantined").stdout == "Nothing was put aside.\n"
    assert balas("inbound", "spool", "replay").stdout == "Nothing waits.\n"
    assert not spool.folder.exists(), "root's command must not make what the service then cannot use"


def test_what_waits_is_listed_by_its_age_without_a_word_of_it(balas: Balas, spool: Spool) -> None:
    spool.put(sms("m1", "NIK 3273014408850001", after=5))
    spool.put(Letter(GATEWAY, Receipt("ATXid_1", ReceiptStatus.SENT), later(1)))
    done = balas("inbound", "spool", "list")
    first, second = done.stdout.splitlines()
    assert first.endswith("UTC: receipt, africastalking, no number")
    assert second.endswith("UTC: sms, africastalking, +62812*****001")
    assert "3273014408850001" not in done.output
    values = json.loads(balas("inbound", "spool", "list", "--json").stdout)
    assert [each["kind"] for each in values] == ["receipt", "sms"]
    assert (values[1]["received_at"], values[1]["phone"]) == (later(5).isoformat(), "+62812*****001")


def test_replayed_and_put_aside_and_tried_again(balas: Balas, spool: Spool, database_url: str) -> None:
    spool.put(sms("m1"))
    spool.put(sms("m2", "two"))
    broken = next(iter(spool.entries())).path
    whole = broken.read_bytes()
    broken.write_bytes(whole[:30])
    done = balas("inbound", "spool", "replay")
    assert (done.exit_code, done.stdout) == (0, "1 replayed, 1 put aside, 0 left for the next time.\n")
    [line] = balas("inbound", "spool", "quarantined").stdout.splitlines()
    assert line.startswith(f"quarantine/{broken.name}.")
    assert line.endswith(": changed, or sealed for another purpose")
    [aside] = spool.quarantined()
    aside.path.write_bytes(whole)
    assert "1 replayed" in balas("inbound", "spool", "replay", "--quarantined").stdout
    database = Database(database_url, limit=10)
    assert database.value("SELECT count(*) FROM inbound") == 2
    assert database.value("SELECT actor FROM audit WHERE action = 'spool.release'").startswith("cli:")
    database.close()


def test_the_spool_of_a_machine_that_died(balas: Balas, spool: Spool, tmp_path: Path, database_url: str) -> None:
    spool.put(sms("m1"))
    shutil.copytree(spool.folder, tmp_path / "rescued")
    shutil.rmtree(spool.folder)
    assert balas("inbound", "spool", "replay", "--from", str(tmp_path / "rescued")).stdout.startswith("1 replayed")
    database = Database(database_url, limit=10)
    assert database.value("SELECT count(*) FROM inbound") == 1
    database.close()
    assert balas("inbound", "spool", "replay", "--from", str(tmp_path / "nowhere")).exit_code == 2
    assert balas("inbound", "spool", "replay", "--from", str(tmp_path)).exit_code == 0


def test_what_cannot_be_replayed_is_told(balas: Balas, spool: Spool, environment: dict[str, str]) -> None:
    spool.put(sms("m1"))
    environment["DATABASE_URL"] = "postgresql://nobody@127.0.0.1:1/nothing"
    done = balas("inbound", "spool", "replay")
    assert (done.exit_code, done.stderr.splitlines()[-1]) == (
        1,
        "PostgreSQL does not answer; 0 replayed, 0 put aside, 1 left for the next time.",
    )
    assert "sms" in balas("inbound", "spool", "list").stdout, "what waits is listed all the same"
    assert spool.count().waiting == 1


def test_it_runs_as_a_command(spool: Spool, environment: dict[str, str]) -> None:
    spool.put(sms("m1"))
    argv = [sys.executable, "-m", "bot", "inbound", "spool", "list"]
    done = subprocess.run(argv, env={**os.environ, **environment}, cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.count("\n") == 1
