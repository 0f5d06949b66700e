"""The service in this process, on real servers, with people to talk to it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime, timedelta
from pathlib import Path

import pytest
from flask import Flask
from jinja2 import BytecodeCache

from bot.clock import set_file_clock
from bot.services import Services
from bot.web.app import create_app
from tests.jobs_here import jobs_in_this_process
from tests.phones import WEBHOOK_SECRET, Phone, Post
from tests.world import DATA_KEY, MORNING, World


class MovableClock:
    """The service's clock, for tests that let time pass."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.now = MORNING
        self.set(MORNING)

    def set(self, moment: datetime) -> None:
        self.now = moment
        set_file_clock(self._path, moment)

    def passes(self, **span: float) -> None:
        self.set(self.now + timedelta(**span))


@pytest.fixture
def clock(tmp_path: Path) -> MovableClock:
    return MovableClock(tmp_path / "clock.json")


@pytest.fixture
def environ(
    database_url: str, redis_url: str, tmp_path: Path, new_folder: Callable[[], Path], clock: MovableClock
) -> dict[str, str]:
    return {
        "DATABASE_URL": database_url,
        "REDIS_URL": redis_url,
        "SECRET_KEY": "secret of tests",
        "DATA_KEY": DATA_KEY,
        "SMS_GATEWAY": "africastalking",
        "WEBHOOK_SECRET": WEBHOOK_SECRET,
        "AT_USERNAME": "sandbox",
        "AT_API_KEY": "key-of-tests",
        "AT_SHORTCODE": "1199",
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000001",
        "TWILIO_AUTH_TOKEN": "token-of-tests",
        "TWILIO_FROM": "+15005550006",
        "PUBLIC_URL": "https://balas.example",
        "CLOCK_FILE": str(tmp_path / "clock.json"),
        # In memory: other tests may keep the disk for longer than whoever texts may be kept waiting.
        "SPOOL": str(new_folder() / "spool"),
        "LOG_LEVEL": "WARNING",
    }


@pytest.fixture
def app(environ: dict[str, str], translated_templates: BytecodeCache) -> Iterator[Flask]:
    made = create_app(environ)
    made.jinja_env.bytecode_cache = translated_templates
    yield made
    made.extensions["services"].close()


@pytest.fixture
def services(app: Flask) -> Services:
    found: Services = app.extensions["services"]
    return found


@pytest.fixture
def in_this_process(environ: dict[str, str], services: Services) -> Iterator[None]:
    """Jobs work with this test's parts."""
    with jobs_in_this_process(environ):
        yield


@pytest.fixture
def post(app: Flask) -> Post:
    client = app.test_client()

    def send(path: str, form: Mapping[str, str], headers: Mapping[str, str]) -> tuple[int, str]:
        answer = client.post(path, data=dict(form), headers=dict(headers))
        return answer.status_code, answer.get_data(as_text=True)

    return send


@pytest.fixture
def world(services: Services) -> World:
    made = World(services.database)
    made.district()
    return made


@pytest.fixture
def phone_of(post: Post) -> Callable[[str], Phone]:
    return lambda number: Phone(number, post)
