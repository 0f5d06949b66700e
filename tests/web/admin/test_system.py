"""The system's page: what operators see, and the levers they pull."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
import redis
from flask import Flask
from psycopg.types.json import Jsonb

from bot import invariants, pulse
from bot.evaluation import gateways
from bot.invariants import INVARIANTS
from bot.messaging import brakes, spool_notes
from bot.messaging.pacing import Pace
from bot.messaging.spool import Contents
from bot.messaging.spool_notes import Noted
from bot.officers.accounts import Role
from bot.queues import Work
from bot.registration import closing
from bot.services import Services
from bot.web.admin.words import catalog
from tests.web.admin.conftest import MovableClock, SignIn
from tests.world import MORNING, World


@pytest.fixture(autouse=True)
def queue(services: Services, redis_url: str) -> Iterator[redis.Redis]:
    with redis.Redis.from_url(redis_url) as client:
        client.flushall()
        yield client


def _audited(services: Services) -> list[tuple[str, str]]:
    rows = services.database.rows(
        "SELECT actor, action FROM audit WHERE action NOT LIKE 'user.%%' ORDER BY id", {"nothing": None}
    )
    return [(actor, action) for actor, action in rows]


def _unknown_reply(world: World) -> None:
    world.database.rows(
        "WITH a AS (INSERT INTO attempt (lane, gateway, size, phone, state, created_at, due_at, has_unknown) "
        "VALUES ('reply', 'twilio', 1, '+6281200000001', 'unknown', %(now)s, %(now)s, true) RETURNING id) "
        "INSERT INTO message (attempt_id, phone, state, created_at, lane, kind, gateway, language, natural_key, body) "
        "SELECT id, '+6281200000001', 'unknown', %(now)s, 'reply', 'reply', 'twilio', 'id', 'reply:1', 'Halo' FROM a",
        {"now": MORNING},
    )


def _dead_letter(world: World, key: str) -> int:
    found: int = world.database.value(
        "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, reason, tries, received_at) "
        "VALUES ('twilio', %s, '+6281234567890', %s, 'dead', 'failed too often', 21, %s) RETURNING id",
        (key, world.vault.seal("17081985", "inbound"), MORNING),
    )
    return found


def test_a_quiet_system_is_told_on_one_page(sign_in: SignIn, world: World, queue: redis.Redis) -> None:
    queue.set(pulse.CLOCK_LEADER, "somebody", ex=60)
    pulse.note_sweep(queue, MORNING)
    gateways.make(world.database, MORNING)
    page = sign_in().reads("/admin/system/")
    for told in (
        *("Stop all sending", "africastalking", "twilio", "sends what starts here", "one leads", "0 s ago"),
        *("Registration has no end.", "None was given up.", "Nobody has checked yet."),
    ):
        assert told in page
    assert "Send the replies again" not in page


def test_what_is_wrong_stands_out(sign_in: SignIn, world: World, queue: redis.Redis, clock: MovableClock) -> None:
    pulse.note_sweep(queue, MORNING - timedelta(minutes=20))
    Pace(queue).rest("africastalking", at_least=30)
    page = sign_in().reads("/admin/system/")
    for told in ("none leads", "20 min ago", "It should come every 10 s"):
        assert told in page
    assert re.search(r"asked for less: left alone for \d+ s", page)


def test_what_is_left_on_an_account_is_told_with_its_age(sign_in: SignIn, world: World, services: Services) -> None:
    told = {"africastalking": ["1234567.5", "KES", (MORNING - timedelta(minutes=3)).isoformat()]}
    world.database.rows(
        "INSERT INTO figure_snapshot (kind, as_of, took_ms, body) VALUES ('balances', %s, 5, %s)",
        (MORNING, Jsonb(told)),
    )
    page = sign_in().reads("/admin/system/")
    assert re.search(r"KES 1,234,567\.50</span><br><small class=.whole.>as of 3 min ago", page)
    assert (
        page.count('data-label="Balance"><span class="whole">unknown</span></td>') == len(services.gateways.by_name) - 1
    )
    assert "KES 1.234.567,50" in sign_in(language="id", name="ani").reads("/admin/system/")


def test_what_changes_is_fetched_anew_by_itself(sign_in: SignIn, world: World, queue: redis.Redis) -> None:
    officer = sign_in()
    page = officer.reads("/admin/system/")
    assert 'hx-get="/admin/system/live" hx-trigger="every 10s"' in page
    assert "none leads" in page
    queue.set(pulse.CLOCK_LEADER, "somebody", ex=60)
    part = officer.reads("/admin/system/live")
    assert "one leads" in part
    assert "<html" not in part


def test_what_each_machine_keeps_on_its_disk_and_which_is_not_heard_of(
    sign_in: SignIn, world: World, queue: redis.Redis
) -> None:
    officer = sign_in()
    assert "Kept on disks" not in officer.reads("/admin/system/")
    nothing, some = Contents(0, None, 0), Contents(1234, MORNING - timedelta(minutes=20), 2)
    for machine, contents, usable, at in (
        ("web-1:/spool", nothing, True, MORNING),
        ("web-2:/spool", nothing, False, MORNING),
        ("web-3:/spool", some, True, MORNING),
        ("web-4:<b>", some, True, MORNING - timedelta(hours=3)),
    ):
        spool_notes.note(queue, Noted(machine, contents, usable, at))
    part = officer.reads("/admin/system/live")
    told = ("web-1:/spool", "its disk takes nothing", "1,234", "20 min ago", "holds something", "last heard of 3 h ago")
    assert [each for each in (*told, "web-4:&lt;b&gt;") if each not in part] == []


class TestMissingSettings:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in environ.items() if name != "TWILIO_AUTH_TOKEN"}

    def test_they_are_named_and_no_value_is_shown(self, sign_in: SignIn, world: World) -> None:
        page = sign_in().reads("/admin/system/")
        assert "settings are missing" in page
        assert "TWILIO_AUTH_TOKEN" in page
        assert "AC0000" not in page
        assert "key-of-tests" not in page


class TestWithoutRedis:
    @pytest.fixture
    def environ(self, environ: dict[str, str]) -> dict[str, str]:
        return {**environ, "QUEUE_REDIS_URL": "redis://127.0.0.1:1/0"}

    def test_the_page_is_there_all_the_same(self, sign_in: SignIn, world: World, services: Services) -> None:
        officer = sign_in()
        assert "Redis does not answer" in officer.reads("/admin/system/")
        officer.sends("/admin/system/sending", {"sending": "stop"})
        assert brakes.is_stopped(services.database)
        officer.sends("/admin/system/sending", {"sending": "resume"})
        assert not brakes.is_stopped(services.database)


def test_the_brakes(sign_in: SignIn, services: Services, world: World, queue: redis.Redis) -> None:
    officer = sign_in(name="sri")
    officer.sends("/admin/system/sending", {"sending": "stop"})
    officer.sends("/admin/system/sending", {"sending": "stop"})
    assert brakes.is_stopped(services.database)
    assert "Let sending go on" in officer.reads("/admin/system/")
    officer.sends("/admin/system/sending", {"sending": "resume"})
    assert not brakes.is_stopped(services.database)
    assert pulse.feel(queue).queued[Work.BLAST] == 1
    assert _audited(services) == [("sri", "sending.stop"), ("sri", "sending.resume")]
    assert officer.sends("/admin/system/sending", {"sending": "faster"}).status_code == 400


@pytest.mark.parametrize(("decision", "state"), [("resend", "queued"), ("leave", "unknown")])
def test_replies_of_unknown_fate_are_decided_about(
    sign_in: SignIn, services: Services, world: World, decision: str, state: str
) -> None:
    _unknown_reply(world)
    officer = sign_in(name="sri")
    assert "Send the replies again" in officer.reads("/admin/system/")
    officer.sends("/admin/system/unknown-replies", {"decision": decision})
    assert services.database.value("SELECT state FROM message") == state
    assert "Send the replies again" not in officer.reads("/admin/system/")
    assert _audited(services) == [("sri", f"replies.{decision}")]
    # a second press finds nothing more to decide
    officer.sends("/admin/system/unknown-replies", {"decision": decision})
    assert len(_audited(services)) == 1
    assert officer.sends("/admin/system/unknown-replies", {"decision": "lose"}).status_code == 400


def test_dead_letters_are_listed_masked_and_tried_again(sign_in: SignIn, services: Services, world: World) -> None:
    numbers = [_dead_letter(world, key) for key in ("a", "b", "c")]
    officer = sign_in(name="sri")
    page = officer.reads("/admin/system/")
    assert "failed too often" in page
    assert "+6281234567890" not in page
    assert "17081985" not in page
    officer.sends("/admin/system/dead-letters", {"which": str(numbers[1])})
    waiting = "SELECT id FROM inbound WHERE state = 'received' ORDER BY id"
    assert services.database.rows(waiting) == [(numbers[1],)]
    officer.sends("/admin/system/dead-letters", {"which": "all"})
    assert [number for (number,) in services.database.rows(waiting)] == numbers
    assert _audited(services) == [("sri", "inbound.replay")] * 3
    for which in ("", "x", "-1", "9" * 30):
        assert officer.sends("/admin/system/dead-letters", {"which": which}).status_code == 400


def test_a_check_is_asked_for_and_its_findings_shown(
    sign_in: SignIn, services: Services, world: World, queue: redis.Redis
) -> None:
    officer = sign_in()
    for _ in range(2):
        officer.sends("/admin/system/check")
    assert pulse.feel(queue).queued[Work.SWEEP] == 1
    assert "is being checked" in officer.reads("/admin/system/")
    world.session(world.facility())
    services.database.rows("UPDATE vaccination_session SET taken = 1")
    findings = invariants.check(services.database, MORNING)
    invariants.keep(services.database, findings, MORNING, took=2.5)
    pulse.check_is_done(queue)
    page = officer.reads("/admin/system/")
    for told in ("1 broken", "1 break it", "Check now", INVARIANTS[1].name):
        assert told in page


def test_every_rule_and_reason_is_translated() -> None:
    assert [each.name for each in INVARIANTS if each.name not in catalog("id")] == []
    assert "failed too often" in catalog("id")


def test_the_end_of_registration_is_moved_and_removed(sign_in: SignIn, services: Services, world: World) -> None:
    officer = sign_in(name="sri")
    officer.sends("/admin/system/closing", {"end": "2021-01-14T00:00"})
    assert closing.closes_at(services.database) == datetime(2021, 1, 13, 17, tzinfo=UTC)
    assert 'value="2021-01-14T00:00"' in officer.reads("/admin/system/")
    officer.sends("/admin/system/closing", {"open_end": "yes"})
    assert closing.closes_at(services.database) is None
    assert _audited(services) == [("sri", "registration.close-at")] * 2
    for text in ("", "tomorrow", "2021-13-01T00:00"):
        assert officer.sends("/admin/system/closing", {"end": text}).status_code == 400


def test_a_district_sees_nothing_of_it(app: Flask, sign_in: SignIn, world: World) -> None:
    officer = sign_in(Role.DISTRICT, "3273")
    for path in ("/admin/system/", "/admin/system/audit", "/admin/system/audit.csv", "/admin/users/"):
        assert officer.opens(path).status_code == 403


def test_guessing_at_birth_dates_is_seen(sign_in: SignIn, world: World) -> None:
    officer = sign_in()
    assert "nothing unusual" in officer.reads("/admin/system/")
    world.database.rows(
        "INSERT INTO identity_guard (kind, subject, failures, last_failure_at, locked_until) VALUES "
        "('nik', 'ab', 4, %(now)s, NULL), ('nik', 'cd', 5, %(now)s, %(until)s), ('block', '+62857000', 40, %(now)s, %(until)s)",
        {"now": MORNING, "until": MORNING + timedelta(hours=1)},
    )
    page = officer.reads("/admin/system/live")
    assert "more than people&#39;s own mistakes" in page
    assert "about 2 NIKs" in page
    assert "numbers: 0, NIKs: 1, blocks of numbers: 1" in page
    assert "+62857" not in page
