"""Personal data goes when its day has come: all of it, no more of it, whatever interrupts, and waiting for nobody."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from click.testing import CliRunner

from bot import privacy_jobs
from bot.cli.main import cli
from bot.clockwork import schedule
from bot.db.database import Database
from bot.invariants import check
from bot.kept_for import KeptFor
from bot.privacy import retention
from bot.privacy.rules import RULES, What
from bot.registration import closing
from bot.services import Services
from tests.jobs_here import jobs_in_this_process
from tests.journeys.conftest import MovableClock
from tests.privacy.everything import Person, fill
from tests.world import MORNING, World

KEPT = KeptFor()


def run(services: Services, now: datetime, **more: Any) -> dict[str, int]:
    went = retention.run(services.database, KEPT, now, lambda: True, **more)
    return {what.value: count for what, count in went.items() if count}


def due(services: Services, now: datetime) -> dict[str, int]:
    return {each.what.value: each.rows for each in retention.due(services.database, KEPT, now) if each.rows}


def broken(services: Services, now: datetime) -> list[str]:
    return [each.invariant.name for each in check(services.database, now) if each.count]


def told(database: Database) -> dict[str, int]:
    """What the audit log says in all."""
    total: dict[str, int] = {}
    for (detail,) in database.rows("SELECT detail FROM audit WHERE action = 'privacy.retention'"):
        for name, count in detail.items():
            total[name] = total.get(name, 0) + count
    return total


@pytest.fixture
def person(services: Services, world: World) -> Person:
    """Somebody of whom everything is kept, nothing of which still waits to leave."""
    made = fill(services, world)
    services.database.rows("UPDATE message SET state = 'accepted' WHERE state = 'queued'")
    services.database.rows("UPDATE attempt SET state = 'settled', settled_at = created_at WHERE state = 'queued'")
    return made


class TestWhatGoes:
    def test_nothing_goes_before_its_day(self, services: Services, person: Person) -> None:
        assert run(services, MORNING + timedelta(hours=23)) == {}
        assert told(services.database) == {}

    def test_each_goes_after_its_days(self, services: Services, person: Person) -> None:
        assert run(services, MORNING + timedelta(days=30, seconds=1)) == {
            "inbound texts": 1,
            "transcripts": 1,
            "wrong answers": 2,
        }
        assert run(services, MORNING + timedelta(days=90, seconds=1)) == {
            "message bodies": 3,
            "numbers on receipts": 4,
            "enquiries": 1,
        }
        assert services.database.value("SELECT count(*) FROM message") == 4
        assert services.database.value("SELECT max(length(body)) FROM message") == 0
        assert services.database.value("SELECT max(length(text_sealed)) FROM inbound") == 0

    def test_without_an_end_niks_and_screenings_stay(self, services: Services, person: Person) -> None:
        went = run(services, MORNING + timedelta(days=4000))
        assert not {"NIKs", "screening answers", "notes of follow-up"} & set(went)

    def test_after_the_end_and_their_days_nobody_is_found_by_their_nik(
        self, services: Services, person: Person
    ) -> None:
        end = MORNING + timedelta(days=10)
        closing.close_at(services.database, end, now=MORNING, actor="tests")
        before = services.database.rows("SELECT state, session_id, ticket FROM booking")
        assert {"screening answers": 1, "notes of follow-up": 1}.items() <= run(
            services, end + timedelta(days=90, seconds=1)
        ).items()
        assert services.database.value("SELECT outcome FROM screening") == "deferred"
        went = run(services, end + timedelta(days=180, seconds=1))
        assert went["NIKs"] == 1
        [(nik_hash, sealed, tail)] = services.database.rows("SELECT nik_hash, nik_sealed, nik_tail FROM worker")
        assert bytes(nik_hash) != services.vault.hash(person.worker.nik)
        assert (bytes(sealed), tail) == (b"", "")
        left = services.database.value("SELECT count(*) FROM audit WHERE subject LIKE %s", (f"nik:{'_' * 12}",))
        assert left == 0
        assert services.database.rows("SELECT state, session_id, ticket FROM booking") == before

    def test_sessions_after_the_end_of_registration_put_the_campaigns_end_off(
        self, services: Services, world: World, person: Person
    ) -> None:
        closing.close_at(services.database, MORNING, now=MORNING, actor="tests")
        world.session(world.facility(), day=(MORNING + timedelta(days=100)).date())
        assert "NIKs" not in run(services, MORNING + timedelta(days=181))
        assert run(services, MORNING + timedelta(days=282))["NIKs"] == 1

    def test_who_came_onto_the_list_of_a_next_campaign_stays_on_it(
        self, services: Services, world: World, person: Person
    ) -> None:
        closing.close_at(services.database, MORNING, now=MORNING, actor="tests")
        world.now = MORNING + timedelta(days=181)
        world.worker(None)
        assert run(services, MORNING + timedelta(days=182))["NIKs"] == 1
        assert services.database.value("SELECT count(*) FROM worker WHERE nik_sealed <> ''") == 1

    def test_sign_ins_and_answers_go(self, services: Services) -> None:
        services.database.rows(
            "INSERT INTO audit (at, actor, action, subject) VALUES (%(at)s, 'siti', 'user.sign-in', 'user:siti'), "
            "(%(at)s, 'siti', 'user.add', 'user:budi')",
            {"at": MORNING},
        )
        assert run(services, MORNING + timedelta(days=366)) == {"sign-ins": 1}
        assert services.database.value("SELECT count(*) FROM audit WHERE action = 'user.add'") == 1

    def test_uploaded_lists_go_once_they_are_read(self, services: Services) -> None:
        for state in ("waiting", "finished"):
            services.database.rows(
                "INSERT INTO upload (kind, file_name, dry_run, state, uploaded_by, uploaded_at, content_sealed) "
                "VALUES ('roster', 'a.csv', true, %s, 'siti', %s, '\\x01')",
                (state, MORNING),
            )
        assert run(services, MORNING + timedelta(days=8)) == {"uploaded lists": 1}

    def test_invariants_hold_afterwards_and_figures_are_as_before(self, services: Services, person: Person) -> None:
        closing.close_at(services.database, MORNING, now=MORNING, actor="tests")
        figures = (
            "SELECT (SELECT array_agg(state ORDER BY id) FROM message), (SELECT array_agg(state) FROM booking), "
            "(SELECT array_agg(outcome) FROM screening), (SELECT count(*) FROM worker)"
        )
        before = services.database.rows(figures)
        run(services, MORNING + timedelta(days=4000))
        assert services.database.rows(figures) == before
        assert broken(services, MORNING) == []


class TestWhatWaits:
    def test_a_message_that_has_not_left_keeps_its_text_and_goes_later(self, services: Services, world: World) -> None:
        fill(services, world)
        now = MORNING + timedelta(days=91)
        assert run(services, now, at_once=1)["message bodies"] == 2
        assert services.database.rows("SELECT state FROM message WHERE body <> ''") == [("queued",)]
        services.database.rows("UPDATE message SET state = 'accepted' WHERE state = 'queued'")
        assert run(services, now)["message bodies"] == 1

    def test_one_that_is_younger_than_those_behind_it_is_found_later(self, services: Services, person: Person) -> None:
        """A dead letter that is tried again has its time from then on."""
        again = MORNING + timedelta(days=20)
        services.database.rows("UPDATE inbound SET received_at = %s", (again,))
        services.database.rows(
            "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at) "
            "VALUES ('africastalking', 'later', '+62811', '\\x01', 'handled', %s)",
            (MORNING + timedelta(days=1),),
        )
        assert run(services, MORNING + timedelta(days=32))["inbound texts"] == 1
        assert "inbound texts" not in run(services, MORNING + timedelta(days=49))
        assert run(services, MORNING + timedelta(days=51))["inbound texts"] == 1

    def test_an_old_dead_letter_cannot_be_tried_again_any_more(self, services: Services, person: Person) -> None:
        services.database.rows("UPDATE inbound SET state = 'dead', reason = 'failed too often'")
        run(services, MORNING + timedelta(days=31))
        assert services.database.rows("SELECT state, reason FROM inbound") == [("ignored", "given up, and too old")]

    def test_it_waits_for_nobodys_row(self, services: Services, person: Person) -> None:
        """A hop that holds the worker's row is passed over, and neither waits for the other."""
        closing.close_at(services.database, MORNING, now=MORNING, actor="tests")
        now = MORNING + timedelta(days=182)
        done = threading.Event()
        with services.database.transaction() as hop:
            hop.execute("SELECT 1 FROM worker FOR UPDATE")

            def other() -> None:
                assert "NIKs" not in run(services, now)
                done.set()

            thread = threading.Thread(target=other)
            thread.start()
            assert done.wait(5)
            thread.join()
        assert run(services, now)["NIKs"] == 1


class TestPortions:
    @pytest.mark.parametrize("at_once", [1, 3, 7])
    def test_it_is_taken_up_again_where_it_was_left_and_told_once(
        self, services: Services, world: World, at_once: int
    ) -> None:
        world.worker(None)
        for number in range(20):
            services.database.rows(
                "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at) "
                "VALUES ('twilio', %s, '+62811', '\\x01', 'handled', %s)",
                (str(number), MORNING + timedelta(minutes=number)),
            )
        now, total, runs = MORNING + timedelta(days=31), 0, 0
        while due(services, now):
            looks = iter([True] * 12 + [False] * 99)
            total += sum(retention.run(services.database, KEPT, now, lambda: next(looks), at_once=at_once).values())  # noqa: B023
            runs += 1
        assert total == 20
        assert runs > 1 or at_once > 1
        assert told(services.database) == {"inbound texts": 20}

    def test_what_a_killed_one_deleted_is_told_by_the_next(self, services: Services, person: Person) -> None:
        def killed() -> bool:
            raise KeyboardInterrupt

        # As a process that is killed after its transactions, before it tells.
        services.database.rows("INSERT INTO data_walk (name, done, at) VALUES ('keep:transcripts', 5, %s)", (MORNING,))
        with pytest.raises(KeyboardInterrupt):
            retention.run(services.database, KEPT, MORNING, killed)
        assert told(services.database) == {"transcripts": 5}
        run(services, MORNING)
        assert told(services.database) == {"transcripts": 5}

    def test_the_log_names_nobody(self, services: Services, person: Person) -> None:
        run(services, MORNING + timedelta(days=400))
        lines = services.database.rows("SELECT actor, subject, detail FROM audit WHERE action = 'privacy.retention'")
        assert [(actor, subject) for actor, subject, _ in lines] == [("system", "privacy")]
        assert all(isinstance(count, int) for count in lines[0][2].values())
        assert set(lines[0][2]) <= {what.value for what in What}


class TestByCommandPageAndClock:
    @pytest.fixture(autouse=True)
    def _environment(self, environ: dict[str, str]) -> Iterator[None]:
        with jobs_in_this_process(environ):
            yield

    def _says(self, *arguments: str) -> Any:
        answer = CliRunner().invoke(cli, ["privacy", "retention", *arguments, "--json"])
        assert answer.exit_code == 0, answer.output
        return json.loads(answer.stdout)

    def test_a_dry_run_says_what_is_due_and_deletes_nothing(
        self, services: Services, person: Person, clock: MovableClock
    ) -> None:
        clock.passes(days=31)
        said = self._says("--dry-run")
        assert {rule["what"]: rule["due"] for rule in said["rules"] if rule["due"]} == {
            "inbound texts": 1,
            "transcripts": 1,
            "wrong answers": 2,
        }
        assert len(said["rules"]) == len(RULES)
        assert due(services, clock.now) == {"inbound texts": 1, "transcripts": 1, "wrong answers": 2}
        assert self._says()["rules"][2]["deleted"] == 1
        assert due(services, clock.now) == {}

    def test_settings_give_other_days(
        self, services: Services, person: Person, clock: MovableClock, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("KEEP_INBOUND_TEXTS_DAYS", "7")
        clock.passes(days=8)
        assert [rule for rule in self._says("--dry-run")["rules"] if rule["due"]] == [
            {
                "what": "inbound texts",
                "days": 7,
                "before": (clock.now - timedelta(days=7)).isoformat(),
                "due": 1,
                "deleted": 0,
            }
        ]

    def test_the_job_deletes_and_keeps_what_the_page_shows(
        self, services: Services, person: Person, clock: MovableClock
    ) -> None:
        clock.passes(days=31)
        assert privacy_jobs.retain() == {"inbound texts": 1, "transcripts": 1, "wrong answers": 2}
        kept = retention.kept_for_page(services.database)
        assert kept is not None
        assert {what.value: (left, gone) for what, _, left, gone in kept.rules if left or gone} == {
            "inbound texts": (0, 1),
            "transcripts": (0, 1),
            "wrong answers": (0, 2),
        }
        assert privacy_jobs.retain() == {}

    def test_the_clock_has_it_done(self, services: Services) -> None:
        assert privacy_jobs.retain in {job.func for job in schedule(services.queue).get_jobs()}
