"""One person is erased whole; figures, others and invariants stay as they were."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from psycopg.types.json import Jsonb

from bot.campaigns.audience import parse_audience
from bot.conversation.store import StoreAway
from bot.db.database import Database, DatabaseAway
from bot.embedded.servers import EmbeddedServers
from bot.evaluation import figures
from bot.followup import gathering
from bot.privacy import erasing, person
from bot.privacy.columns import ABOUT
from bot.registration.corrections import BadReason
from bot.registration.officer import Officer, OutOfReach, Reach
from bot.services import Services
from tests.phones import Phone
from tests.privacy.erased import erase
from tests.privacy.everything import TICKET, Person
from tests.privacy.traces import OFFICER, WHY, broken, dump, traces
from tests.stopping import paused
from tests.world import MORNING, Worker, World


def may_register(world: World) -> tuple[Worker, int]:
    """Somebody on the roster, and the one session of their facility."""
    facility = world.facility()
    session = world.session(facility)
    return world.worker(facility), session


class TestErasing:
    def test_no_trace_is_left_in_any_table(self, services: Services, kartika: Person) -> None:
        assert traces(services, kartika, "Kartika Anggraini")
        services.database.rows("DELETE FROM opt_out")
        erase(services, kartika.worker.id)
        assert traces(services, kartika, "Kartika Anggraini") == []
        assert TICKET not in json.dumps(dump(services.database))

    def test_every_column_that_the_register_calls_personal_has_changed(
        self, services: Services, kartika: Person
    ) -> None:
        """So that a new one is either seen to or not called personal."""
        before = dump(services.database)
        erase(services, kartika.worker.id)
        after = dump(services.database)
        for table, about in ABOUT.items():
            for column in about.personal:
                values = {json.dumps(row[column]) for row in before[table] if row[column] not in (None, "", "\\x", {})}
                left = {json.dumps(row[column]) for row in after[table]}
                assert not values & left, f"{table}.{column}"

    def test_their_receipts_are_found_by_indexes_among_millions(self, services: Services, kartika: Person) -> None:
        delete = f"EXPLAIN DELETE FROM receipt t WHERE {ABOUT['receipt'].whose}"
        with services.database.connection() as connection:
            connection.execute("SET enable_seqscan = off")
            values = {"worker": kartika.worker.id, "phones": [kartika.worker.phone]}
            plan = str(connection.execute(delete.encode(), values).fetchall())
        assert "uq_receipt_of_message" in plan
        assert "Seq Scan on receipt" not in plan

    def test_figures_and_others_stay_and_invariants_hold(
        self, services: Services, kartika: Person, other: Person
    ) -> None:
        whose = {table: about.whose for table, about in ABOUT.items() if table not in {"audit", "campaign"}}
        with services.database.transaction() as connection:
            them = person.locked(connection, services.vault, OFFICER, other.worker.id).parameters

        def theirs() -> dict[str, Any]:
            return {
                table: services.database.rows(f"SELECT to_jsonb(t) FROM {table} t WHERE {where} ORDER BY 1", them)
                for table, where in whose.items()
            }

        figures = """
            SELECT (SELECT count(*) FROM worker), (SELECT count(*) FROM message WHERE state IN ('accepted', 'delivered')),
                   (SELECT array_agg(outcome) FROM screening), (SELECT count(*) FROM inbound), (SELECT count(*) FROM hop)
                       - (SELECT count(*) FROM hop WHERE worker_id = %s)
        """
        before, counted = theirs(), services.database.rows(figures, (kartika.worker.id,))
        taken = services.database.value("SELECT sum(taken) FROM vaccination_session")
        assert erase(services, kartika.worker.id) == erasing.Erased(
            cancelled=1, stopped=1, shared=False, opted_out=True
        )
        assert theirs() == before
        assert services.database.rows(figures, (kartika.worker.id,)) == counted
        assert services.database.value("SELECT sum(taken) FROM vaccination_session") == taken - 1
        assert broken(services) == []

    @pytest.mark.parametrize("state", ["attended", "no_show"])
    def test_that_somebody_was_vaccinated_stays(self, services: Services, kartika: Person, state: str) -> None:
        services.database.rows("UPDATE booking SET state = %s", (state,))
        assert erase(services, kartika.worker.id).cancelled == 0
        assert services.database.rows("SELECT state, session_id FROM booking") == [(state, kartika.session)]
        assert broken(services) == []

    def test_it_is_in_the_log_and_says_nothing_of_whom(self, services: Services, kartika: Person) -> None:
        erase(services, kartika.worker.id)
        rows = services.database.rows("SELECT actor, subject, detail FROM audit WHERE action = 'privacy.erase'")
        detail = {"reason": WHY, "cancelled": 1, "stopped": 1}
        assert rows == [("siti", f"worker:{kartika.worker.id}", detail)]
        reasons = services.database.rows("SELECT detail ->> 'reason' FROM audit WHERE action = 'nik.reveal'")
        assert reasons == [("erased",)]

    @pytest.mark.parametrize("why", ["", "ya", "Kartika meminta sendiri", "nomor 0812 3456 7890 meminta"])
    def test_a_reason_that_says_nothing_or_names_them_is_none(
        self, services: Services, kartika: Person, why: str
    ) -> None:
        before = dump(services.database)
        with pytest.raises(BadReason):
            erase(services, kartika.worker.id, why=why)
        assert dump(services.database) == before

    def test_by_an_officer_of_elsewhere_nobody_is(self, services: Services, kartika: Person) -> None:
        with pytest.raises(OutOfReach):
            erase(services, kartika.worker.id, Officer("budi", Reach(workers="w.district_code = '9999'")))

    def test_who_is_erased_is_out_of_everybodys_reach_and_not_erased_twice(
        self, services: Services, kartika: Person
    ) -> None:
        erase(services, kartika.worker.id)
        with pytest.raises(OutOfReach):
            erase(services, kartika.worker.id)
        with pytest.raises(person.Nobody):
            person.find(services.database, services.vault, kartika.worker.nik)
        with pytest.raises(person.Nobody):
            person.find(services.database, services.vault, str(kartika.worker.phone))

    def test_lists_of_campaigns_lose_them_alone_and_are_still_lists(
        self, services: Services, kartika: Person, other: Person
    ) -> None:
        both = {"phones": [kartika.worker.phone, other.worker.phone]}
        services.database.rows("UPDATE campaign SET audience = %s WHERE id = %s", (Jsonb(both), other.campaign))
        erase(services, kartika.worker.id)
        lists: dict[int, Any] = dict(services.database.rows("SELECT id, audience FROM campaign"))
        assert lists[other.campaign] == {"phones": [other.worker.phone]}
        for each in lists.values():
            assert parse_audience(each).mapping.keys() == each.keys()

    def test_of_a_shared_number_what_cannot_be_told_apart_is_left(
        self, services: Services, world: World, kartika: Person
    ) -> None:
        world.worker(None, name="Suami Kartika", phone=kartika.worker.phone)
        services.conversations.set("conv:{" + str(kartika.worker.phone) + "}", "1:a:{}")
        assert erase(services, kartika.worker.id).shared
        assert services.conversations.keys("conv:*") == []
        assert services.database.value("SELECT phone FROM inbound") == kartika.worker.phone
        assert services.database.value("SELECT count(*) FROM message WHERE phone <> ''") == 1
        assert services.database.value("SELECT count(*) FROM worker WHERE phone = %s", (kartika.worker.phone,)) == 1
        assert broken(services) == []


class TestWhileSomethingHappens:
    def test_a_conversation_under_way_starts_over_as_a_strangers(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        worker, _ = may_register(world)
        phone = phone_of(str(worker.phone))
        phone.dials().types(worker.typed_birth_date).sees("Siti Wulandari")
        erase(services, worker.id)
        assert services.conversations.keys("conv:*") == []
        phone.types("1").does_not_see("Siti", "Wulandari")
        phone.dials().does_not_see("S***")

    def test_a_held_place_is_given_back(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        worker, session = may_register(world)
        phone_of(str(worker.phone)).dials().types(worker.typed_birth_date).types("1").types("1")
        assert world.taken(session) == 1
        erase(services, worker.id)
        assert world.taken(session) == 0
        assert broken(services) == []

    def test_messages_that_wait_do_not_leave(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        worker, _ = may_register(world)
        phone_of(str(worker.phone)).registers(worker.typed_birth_date)
        assert len(world.messages(str(worker.phone))) == 1
        erased = erase(services, worker.id)
        assert erased.stopped == 1
        assert services.database.rows("SELECT state FROM attempt") == [("cancelled",)]
        assert services.database.rows("SELECT state, phone, body FROM message") == [("suppressed", "", "")]
        assert broken(services) == []

    def test_one_that_is_just_leaving_is_waited_for(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        worker, _ = may_register(world)
        phone_of(str(worker.phone)).registers(worker.typed_birth_date)
        services.database.rows("UPDATE attempt SET state = 'submitted', claimed_at = %s", (MORNING,))
        before = dump(services.database)
        with pytest.raises(erasing.MessageLeaving):
            erase(services, worker.id)
        assert dump(services.database) == before

    def test_figures_count_on_without_them_and_nobody_is_to_call_them(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        facility = world.facility()
        world.session(facility)
        workers = [world.worker(facility, name=f"Orang {number}") for number in range(3)]
        for worker in workers[:2]:
            phone_of(str(worker.phone)).registers(worker.typed_birth_date)
        counting = Database(services.settings.database_url, size=1, limit=30)
        counts = "SELECT sum(target), sum(registered), sum(verified), sum(screened) FROM place_count"

        def counted() -> tuple[int, ...]:
            assert figures.make(counting, services.clock)
            assert gathering.gather(counting, services.clock)
            return tuple(map(int, counting.rows(counts)[0]))

        try:
            assert counted() == (3, 2, 2, 2)
            assert services.database.rows("SELECT worker_id FROM follow_up_case") == [(workers[2].id,)]
            for worker in (workers[0], workers[2]):
                erase(services, worker.id)
            assert counted() == (3, 1, 2, 2)
            assert services.database.rows("SELECT worker_id FROM follow_up_case") == []
        finally:
            counting.close()

    def test_people_register_while_others_and_they_themselves_are_erased(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        """Whatever comes first: each is either booked or erased, no place is lost, and nothing of the erased is left."""
        facility = world.facility()
        session = world.session(facility, capacity=60)
        workers = [world.worker(facility, name="Kusumawardhani Sekar") for _ in range(30)]

        def registers(worker: Worker) -> None:
            phone = phone_of(str(worker.phone)).dials()
            for typed in (worker.typed_birth_date, "1", "1", "1"):
                if phone.goes_on:
                    phone.types(typed)

        def is_erased(worker: Worker) -> None:
            for _ in range(3):
                with contextlib.suppress(OutOfReach, DatabaseAway):
                    erase(services, worker.id)

        with ThreadPoolExecutor(4) as pool:
            for worker in workers:
                both = [pool.submit(registers, worker), pool.submit(is_erased, worker)]
                for each in both:
                    each.result()
        assert services.database.value("SELECT count(*) FROM worker WHERE erased_at IS NULL") == 0
        assert world.taken(session) == 0
        assert services.database.value("SELECT count(*) FROM message WHERE phone <> '' OR body <> ''") == 0
        assert "Kusumawardhani" not in json.dumps(dump(services.database))
        assert broken(services) == []

    def test_where_redis_is_away_nothing_is_erased(
        self, services: Services, kartika: Person, servers: EmbeddedServers
    ) -> None:
        before = dump(services.database)
        with paused(servers.valkey.pid), pytest.raises(StoreAway):
            erase(services, kartika.worker.id)
        assert dump(services.database) == before
