"""``campaign create`` ... ``campaign status``, as an admin types them."""

from __future__ import annotations

import json
import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import pytest
import redis

from bot.db.database import Database
from tests.cli import test_registry
from tests.cli.test_registry import Balas, balas
from tests.embedded.waiting import eventually
from tests.world import World

__all__ = ["balas"]

TEXTS = ("--text-id", "Balas SMS ini untuk mendaftar.", "--text-en", "Reply to register.")


@pytest.fixture
def environment(database_url: str, redis_url: str) -> dict[str, str]:
    made: dict[str, str] = test_registry.environment.__wrapped__(database_url, redis_url)
    return made | {"SMS_GATEWAY": "africastalking", "AT_USERNAME": "sandbox", "AT_API_KEY": "key-of-tests"}


@pytest.fixture
def world(database_url: str) -> Iterator[World]:
    database = Database(database_url, limit=10)
    made = World(database)
    made.district()
    for _ in range(3):
        made.worker(None)
    yield made
    database.close()


def write(database_url: str, sql: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(sql.encode())


def read_json(balas: Balas, *words: str) -> Any:
    done = balas("campaign", *words, "--json")
    assert (done.exit_code, done.stderr) == (0, ""), done.output
    return json.loads(done.stdout)


def all_is_sent(database_url: str) -> None:
    """What workers and receipts would have come to."""
    write(database_url, "UPDATE attempt SET state = 'settled'; UPDATE message SET state = 'delivered'")


def test_without_campaigns_it_says_what_to_do(balas: Balas) -> None:
    told = "There is no campaign yet: python -m bot campaign create NAME --text-id TEXT\n"
    assert balas("campaign", "list").stdout == told
    assert read_json(balas, "list") == []
    done = balas("campaign", "status", "blast")
    assert (done.exit_code, done.stdout) == (1, "")
    assert done.stderr == "There is no campaign 'blast'; see: python -m bot campaign list\n"


@pytest.mark.usefixtures("world")
def test_from_draft_to_its_end(balas: Balas, database_url: str, redis_url: str) -> None:
    made = read_json(balas, "create", "blast", *TEXTS, "--audience", '{"districts": ["3273"]}', "--rate", "50")
    assert (made["state"], made["gateway"], made["rate"]) == ("draft", "africastalking", 50.0)
    assert made["audience"] == {"districts": ["3273"]}
    assert made["texts"] == {"id": TEXTS[1], "en": TEXTS[3]}
    sent = balas("campaign", "send", "blast", "--no-wait")
    assert (sent.exit_code, sent.stderr) == (0, "")
    assert sent.stdout == '3 recipients. Watch it: python -m bot campaign status "blast" --watch\n'
    with redis.Redis.from_url(redis_url) as client:
        assert client.llen("rq:queue:blast") == 1
    shown = read_json(balas, "status", "blast")
    assert (shown["state"], shown["recipients"], shown["queued"], shown["rate"]) == ("running", 3, 3, 50.0)
    assert balas("campaign", "send", "blast").stderr == "The campaign 'blast' is running; it has been started before.\n"
    assert read_json(balas, "pause", "blast")["state"] == "paused"
    assert read_json(balas, "set-rate", "blast", "none")["rate"] is None
    assert read_json(balas, "resume", "blast")["state"] == "running"
    all_is_sent(database_url)
    done = balas("campaign", "status", "blast", "--watch")
    assert done.stdout.splitlines()[0] == "blast: finished, 3 recipients"
    assert read_json(balas, "list")[0]["state"] == "finished"
    assert "3 recipients" in balas("campaign", "list").stdout


@pytest.mark.usefixtures("world")
def test_without_a_terminal_it_waits_until_all_is_sent(
    environment: dict[str, str], balas: Balas, database_url: str
) -> None:
    balas("campaign", "create", "blast", *TEXTS)
    command = subprocess.Popen(
        [sys.executable, "-m", "bot", "campaign", "send", "blast", "--json"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        with psycopg.connect(database_url, autocommit=True) as connection:
            running = "SELECT 1 FROM campaign WHERE state = 'running'"
            assert eventually(lambda: connection.execute(running).fetchone() is not None, within=30)
        all_is_sent(database_url)
        out, err = command.communicate(timeout=30)
    finally:
        command.kill()
    assert (command.returncode, err) == (0, "")
    shown = json.loads(out)
    assert (shown["state"], shown["delivered"], shown["time_left"]) == ("finished", 3, 0)


@pytest.mark.usefixtures("world")
def test_a_large_one_waits_for_another_admin(balas: Balas, environment: dict[str, str], database_url: str) -> None:
    environment["CAMPAIGN_APPROVAL_ABOVE"] = "2"
    balas("campaign", "create", "blast", *TEXTS)
    done = balas("campaign", "send", "blast")
    assert done.exit_code == 1
    assert done.stderr == (
        "The campaign 'blast' has 3 recipients; above 2 another admin approves it first: "
        'python -m bot campaign approve "blast" --as USER\n'
    )
    done = balas("campaign", "approve", "blast", "--as", "sri")
    assert (done.exit_code, done.stderr) == (1, "There is no user 'sri'; see: python -m bot user list\n")
    write(
        database_url,
        "INSERT INTO admin (name, password_hash, role, created_at) VALUES ('sri', '-', 'national', '2021-01-13')",
    )
    assert read_json(balas, "approve", "blast", "--as", "sri")["approved_by"] == "sri"
    assert balas("campaign", "send", "blast", "--no-wait").exit_code == 0


@pytest.mark.usefixtures("world")
def test_one_that_is_to_start_later_is_left_to_the_clock(balas: Balas, database_url: str) -> None:
    balas("campaign", "create", "blast", *TEXTS, "--at", "2099-01-13T08:00+07:00")
    done = balas("campaign", "send", "blast")
    assert (done.exit_code, done.stderr) == (0, "")
    assert done.stdout.endswith("The clock starts it at 2099-01-13 08:00 WIB.\n")
    assert read_json(balas, "status", "blast")["state"] == "approved"
    assert balas("campaign", "status", "blast").stdout.splitlines()[-1] == "It starts at 2099-01-13 01:00 UTC."


@pytest.mark.usefixtures("world")
def test_a_script_cancels_without_being_asked(balas: Balas) -> None:
    balas("campaign", "create", "blast", *TEXTS)
    balas("campaign", "send", "blast", "--no-wait")
    assert balas("campaign", "cancel", "blast").stdout == "Cancelled: 3 messages are not sent any more.\n"
    lines = balas("campaign", "status", "blast").stdout.splitlines()
    assert lines[0] == "blast: cancelled, 3 recipients"
    assert lines[-2].split() == ["3", "cancelled"]


@pytest.mark.usefixtures("world")
def test_unknown_ones_wait_for_a_decision(balas: Balas, database_url: str) -> None:
    balas("campaign", "create", "blast", *TEXTS)
    balas("campaign", "send", "blast", "--no-wait")
    write(database_url, "UPDATE attempt SET state = 'unknown'; UPDATE message SET state = 'unknown'")
    advice = balas("campaign", "status", "blast").stdout.splitlines()[-1]
    assert advice == ('3 of unknown fate wait for you: python -m bot campaign resolve "blast" --unknown resend|leave')
    assert read_json(balas, "resolve", "blast", "--unknown", "resend")["messages"] == 3
    shown = read_json(balas, "status", "blast")
    assert (shown["state"], shown["queued"], shown["unknown"]) == ("running", 3, 0)
    assert balas("campaign", "resolve", "blast", "--unknown", "leave").stdout == "No message waits for a decision.\n"
    assert balas("campaign", "resolve", "--replies", "--unknown", "leave").exit_code == 0


@pytest.mark.usefixtures("world")
def test_an_audience_from_a_file(balas: Balas, tmp_path: Path) -> None:
    (tmp_path / "audience.json").write_text('{"districts": ["3273"]}')
    made = read_json(balas, "create", "blast", *TEXTS, "--audience-file", "audience.json")
    assert made["audience"] == {"districts": ["3273"]}
    (tmp_path / "audience.json").write_bytes(b"\xff\xfe{")
    done = balas("campaign", "create", "other", *TEXTS, "--audience-file", "audience.json")
    assert (done.exit_code, done.stderr) == (1, "audience.json cannot be read as UTF-8 text.\n")


@pytest.mark.usefixtures("world")
@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("create", "blast"), 2),
        (("create", "blast", *TEXTS, "--at", "tomorrow"), 2),
        (("create", "blast", *TEXTS, "--at", "2099-01-13T08:00"), 2),
        (("create", "blast", *TEXTS, "--rate", "fast"), 2),
        (("create", "blast", *TEXTS, "--most-cost", "much"), 2),
        (("create", "blast", *TEXTS, "--audience", "{}", "--audience-file", "/dev/null"), 2),
        (("create", "blast", *TEXTS, "--rate", "0"), 1),
        (("create", "blast", *TEXTS, "--gateway", "pigeon"), 1),
        (("create", "blast", *TEXTS, "--audience", "[]"), 1),
        (("create", "blast", "--text-id", "{nik}"), 1),
        (("set-rate", "blast", "fast"), 2),
        (("resolve", "blast", "--unknown", "resend", "--replies"), 2),
        (("resolve", "--unknown", "resend"), 2),
        (("preview", "blast"), 1),
        (("send", "blast"), 1),
        (("cancel", "blast"), 1),
    ],
)
def test_what_is_wrong_is_told_in_a_line(balas: Balas, words: tuple[str, ...], code: int) -> None:
    done = balas("campaign", *words)
    assert (done.exit_code, done.stdout) == (code, "")
    assert code == 2 or done.stderr.count("\n") == 1


class Screen:
    """A terminal on which a command runs."""

    def __init__(self, environment: dict[str, str], *words: str) -> None:
        self._ours, theirs = pty.openpty()
        os.set_blocking(self._ours, False)
        self.seen = bytearray()
        self.command = subprocess.Popen(
            [sys.executable, "-m", "bot", "campaign", *words],
            env=environment | {"TERM": "xterm", "COLUMNS": "120"},
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            # Tests that run in the background of a shell are told to ignore Ctrl-C, and so would be what they start.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        os.close(theirs)

    def shows(self, text: str) -> bool:
        def there() -> bool:
            try:
                self.seen.extend(os.read(self._ours, 65536))
            except OSError:  # nothing there yet, or nobody at the other end any more
                return text.encode() in self.seen
            return text.encode() in self.seen

        return eventually(there, within=30)

    def types(self, line: str) -> None:
        os.write(self._ours, line.encode() + b"\n")

    def close(self) -> None:
        self.command.kill()
        self.command.wait()
        os.close(self._ours)


@pytest.fixture
def on_screen(environment: dict[str, str]) -> Callable[..., Any]:
    @contextmanager
    def run(*words: str) -> Iterator[Screen]:
        screen = Screen(environment, *words)
        try:
            yield screen
        finally:
            screen.close()

    return run


@pytest.mark.usefixtures("world")
def test_on_a_terminal_it_asks_shows_and_can_be_left(
    balas: Balas, on_screen: Callable[..., Any], database_url: str
) -> None:
    balas("campaign", "create", "blast", *TEXTS)
    with on_screen("send", "blast") as screen:
        assert screen.shows("Send 'blast'?"), screen.seen
        screen.types("n")
        assert screen.command.wait(timeout=30) == 1
    assert read_json(balas, "status", "blast")["state"] == "draft"
    with on_screen("send", "blast") as screen:
        assert screen.shows("Send 'blast'?")
        screen.types("y")
        assert screen.shows("blast: running, 3 recipients"), screen.seen
        assert screen.shows("Ctrl-C leaves this page")
        screen.command.send_signal(signal.SIGINT)
        assert screen.shows('It goes on in the workers. Come back to it: python -m bot campaign status "blast" --watch')
        assert screen.command.wait(timeout=30) == 0
    with on_screen("status", "blast", "--watch") as screen:
        assert screen.shows("Ctrl-C leaves this page")
        all_is_sent(database_url)
        assert screen.shows("blast: finished, 3 recipients")
        assert screen.command.wait(timeout=30) == 0


@pytest.mark.usefixtures("world")
def test_on_a_terminal_cancelling_is_asked_about(balas: Balas, on_screen: Callable[..., Any]) -> None:
    balas("campaign", "create", "blast", *TEXTS)
    with on_screen("cancel", "blast") as screen:
        assert screen.shows("Cancel 'blast' for good?")
        screen.types("n")
        assert screen.command.wait(timeout=30) == 1
    assert read_json(balas, "status", "blast")["state"] == "draft"
    with on_screen("cancel", "blast", "--yes") as screen:
        assert screen.command.wait(timeout=30) == 0
    assert read_json(balas, "status", "blast")["state"] == "cancelled"
