"""Logs: what happened and where, without what it was about."""

from __future__ import annotations

import io
import json
import logging
import sys
from collections.abc import Callable, Iterator
from typing import Any

import psycopg
import pytest
import structlog

from bot import log
from bot.db.database import Database, DatabaseAway
from bot.messaging.optouts import opt_out
from tests.world import MORNING

Said = Callable[[], dict[str, Any]]

PHONE = "+6281234567890"


@pytest.fixture(autouse=True)
def stderr(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a process that logs writes."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    written = io.StringIO()
    with monkeypatch.context() as patched:
        patched.setattr(sys, "stderr", written)
        log.configure("INFO", service="test")
    yield written
    root.handlers[:] = handlers
    root.setLevel(level)
    logging.getLogger("psycopg.pool").filters.clear()
    structlog.reset_defaults()
    structlog.contextvars.clear_contextvars()


@pytest.fixture
def said(stderr: io.StringIO) -> Callable[[], dict[str, Any]]:
    """Gives the one line that was logged, after a look that it holds nothing of ``PHONE``."""

    def line() -> dict[str, Any]:
        text = stderr.getvalue()
        assert text.count("\n") == 1, text
        assert PHONE not in text
        assert PHONE[3:] not in text
        found: dict[str, Any] = json.loads(text)
        return found

    return line


def _fail() -> None:
    raise ValueError(f"Key (phone)=({PHONE}) already exists.")


class TestOurs:
    def test_a_line_has_a_name_a_level_a_time_and_the_service(self, said: Said) -> None:
        structlog.get_logger().info("hop", outcome="ended", screens=5)
        line = said()
        assert line.pop("timestamp").endswith("Z")
        assert line == {"event": "hop", "outcome": "ended", "screens": 5, "level": "info", "service": "test"}

    def test_below_the_level_nothing_is_said(self, stderr: io.StringIO) -> None:
        structlog.get_logger().debug("hop")
        assert stderr.getvalue() == ""

    def test_an_exception_is_its_type_and_its_places(self, said: Said) -> None:
        try:
            _fail()
        except ValueError:
            structlog.get_logger().exception("failed")
        line = said()
        assert line["error"] == "ValueError"
        assert line["at"][-1].startswith("test_log.py:")
        assert line["at"][-1].endswith(" _fail")

    def test_so_is_one_that_is_handed_over(self, said: Said) -> None:
        structlog.get_logger().error("failed", exc_info=ValueError(PHONE))
        assert said()["error"] == "ValueError"

    def test_its_cause_is_named_too(self, said: Said) -> None:
        try:
            try:
                _fail()
            except ValueError as error:
                raise KeyError(PHONE) from error
        except KeyError:
            structlog.get_logger().exception("failed")
        line = said()
        assert (line["error"], line["cause"]) == ("KeyError", "ValueError")

    def test_postgresql_says_what_was_wrong_by_its_state(self, database_url: str, said: Said) -> None:
        database = Database(database_url)
        opt_out(database, PHONE, "keyword", MORNING)
        try:
            database.rows("INSERT INTO opt_out (phone, source, since) VALUES (%s, 'x', %s)", (PHONE, MORNING))
        except psycopg.errors.UniqueViolation:
            structlog.get_logger().exception("failed")
        finally:
            database.close()
        line = said()
        assert (line["error"], line["sqlstate"]) == ("UniqueViolation", "23505")


class TestOthers:
    def test_a_warning_keeps_its_numbers_and_loses_its_texts(self, said: Said) -> None:
        logging.getLogger("pool").warning("error connecting in %r after %d tries: %s", "pool-1", 3, ValueError(PHONE))
        line = said()
        assert line.pop("timestamp")
        assert line == {
            "event": "error connecting in '...' after 3 tries: ValueError",
            "logger": "pool",
            "level": "warning",
            "service": "test",
        }

    def test_a_traceback_that_is_handed_over_as_text(self, said: Said) -> None:
        """As RQ does with that of a job."""
        logging.getLogger("rq.worker").error("job %s: exception raised (%s)\n%s", "j1", "drain", f"Traceback: {PHONE}")
        assert said()["event"] == "job ...: exception raised (...)"

    def test_a_message_of_several_lines(self, said: Said) -> None:
        """As asyncio does with the exception of a task."""
        logging.getLogger("asyncio").error(f"Task exception was never retrieved\nfuture: ValueError('{PHONE}')")
        assert said()["event"] == "Task exception was never retrieved"

    def test_an_exception_with_its_traceback(self, said: Said) -> None:
        try:
            _fail()
        except ValueError:
            logging.getLogger("other").exception("%s failed", PHONE)
        line = said()
        assert (line["event"], line["error"]) == ("... failed", "ValueError")
        assert line["at"][-1].endswith(" _fail")

    def test_an_exception_as_the_message(self, said: Said) -> None:
        logging.getLogger("other").warning(ValueError(PHONE))
        assert said()["event"] == "ValueError"

    @pytest.mark.parametrize("arguments", [(PHONE,), (PHONE, 1, 2), {"phone": PHONE}])
    def test_arguments_that_do_not_fit_leave_the_template(self, arguments: Any) -> None:
        record = logging.makeLogRecord({"msg": "%d of %(many)s", "args": arguments, "levelname": "WARNING"})
        assert json.loads(log._PlainFormatter("test").format(record))["event"] == "%d of %(many)s"

    def test_named_arguments(self, said: Said) -> None:
        logging.getLogger("other").warning("%(number)d for %(phone)s", {"number": 7, "phone": PHONE})
        assert said()["event"] == "7 for ..."

    def test_less_than_a_warning_is_not_said(self, stderr: io.StringIO) -> None:
        logging.getLogger("twilio.http_client").info(f"POST /Messages.json?To={PHONE}")
        assert stderr.getvalue() == ""


class TestSeldom:
    def test_a_server_that_is_away_is_told_of_once(self, stderr: io.StringIO) -> None:
        """However many pools there are, and however often each tries."""
        for _ in range(3):
            database = Database("postgresql://nobody@127.0.0.1:1/nothing", limit=0.5)
            with pytest.raises(DatabaseAway):
                database.rows("SELECT 1")
            database.close()
        told = [line for line in map(json.loads, stderr.getvalue().splitlines()) if line["logger"] == "psycopg.pool"]
        kinds = [line["event"].partition(" in ")[0] for line in told]
        assert "error connecting" in kinds
        assert len(set(kinds)) == len(kinds)

    def test_after_a_while_it_is_said_again_with_how_often_it_was_not(self, stderr: io.StringIO) -> None:
        moments = iter((100.0, 100.5, 129.9, 130.0, 161.0))
        logger = logging.getLogger("psycopg.pool")
        logger.filters[:] = [log.Seldom(30.0, moments.__next__)]
        for _ in range(5):
            logger.warning("error connecting in %r: %s", "pool-1", OSError())
        lines = [json.loads(line) for line in stderr.getvalue().splitlines()]
        assert [line.get("unsaid") for line in lines] == [None, 2, None]

    def test_what_is_something_else_is_said(self, stderr: io.StringIO) -> None:
        logger = logging.getLogger("psycopg.pool")
        for template in ("error connecting in %r: %s", "discarding closed connection: %s %s"):
            for _ in range(2):
                logger.warning(template, "pool-1", OSError())
        logging.getLogger("psycopg").warning("error connecting in %r: %s", "pool-1", OSError())
        assert len(stderr.getvalue().splitlines()) == 3
