"""The constraints refuse what must never be, whoever writes it."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest
from psycopg import errors

from tests.world import MORNING, World

LATER = MORNING + timedelta(minutes=5)


class TestPlaces:
    def test_no_session_is_taken_above_its_capacity_or_below_nought(self, world: World) -> None:
        session = world.session(world.facility(), capacity=2)
        world.database.rows("UPDATE vaccination_session SET taken = 2 WHERE id = %s", (session,))
        for taken in (3, -1):
            with pytest.raises(errors.CheckViolation, match="taken_within_capacity"):
                world.database.rows("UPDATE vaccination_session SET taken = %s WHERE id = %s", (taken, session))
        with pytest.raises(errors.CheckViolation, match="taken_within_capacity"):
            world.database.rows("UPDATE vaccination_session SET capacity = 1 WHERE id = %s", (session,))

    def test_a_session_ends_after_it_starts_and_is_there_once(self, world: World) -> None:
        place = world.facility()
        session = world.session(place)
        with pytest.raises(errors.UniqueViolation):
            world.session(place)
        with pytest.raises(errors.CheckViolation, match="ends_after_start"):
            world.database.rows("UPDATE vaccination_session SET end_time = start_time WHERE id = %s", (session,))
        with pytest.raises(errors.CheckViolation, match="dose"):
            world.database.rows("UPDATE vaccination_session SET dose = 0 WHERE id = %s", (session,))

    def test_a_facility_with_sessions_cannot_vanish(self, world: World) -> None:
        place = world.facility()
        world.session(place)
        with pytest.raises(errors.ForeignKeyViolation):
            world.database.rows("DELETE FROM facility WHERE id = %s", (place,))


def _states(world: World) -> list[str]:
    return [state for (state,) in world.database.rows("SELECT state FROM booking ORDER BY id")]


class TestBookings:
    @pytest.fixture
    def book(self, world: World) -> Any:
        session = world.session(world.facility())
        worker = world.worker(None)

        def insert(
            state: str, *, ticket: str | None = None, held: bool = False, dose: int = 1, of: int = worker.id
        ) -> None:
            world.database.rows(
                "INSERT INTO booking (worker_id, dose, session_id, state, ticket, held_until, created_at) "
                "VALUES (%s, %s, %s, %s, %s, %s, %s)",
                (of, dose, session, state, ticket, LATER if held else None, MORNING),
            )

        return insert

    @pytest.mark.parametrize("second", ["booked", "attended"])
    @pytest.mark.parametrize("first", ["booked", "attended"])
    def test_a_worker_has_one_confirmed_place_per_dose(self, book: Any, first: str, second: str) -> None:
        book(first, ticket="A")
        with pytest.raises(errors.UniqueViolation, match="uq_booking_confirmed"):
            book(second, ticket="B")
        book("booked", ticket="C", dose=2)

    def test_and_one_hold(self, book: Any) -> None:
        book("held", held=True)
        with pytest.raises(errors.UniqueViolation, match="uq_booking_held"):
            book("held", held=True)
        book("held", held=True, dose=2)

    def test_a_new_place_is_held_while_the_old_one_is_booked(self, world: World, book: Any) -> None:
        book("booked", ticket="A")
        book("held", held=True)
        assert _states(world) == ["booked", "held"]

    def test_what_is_over_does_not_count(self, world: World, book: Any) -> None:
        over = ["cancelled", "changed", "expired", "expired"]
        for state in over:
            book(state)
        book("no_show", ticket="A")
        book("booked", ticket="B")
        assert _states(world) == [*over, "no_show", "booked"]

    def test_a_hold_ends_sometime_and_nothing_else_does(self, book: Any) -> None:
        with pytest.raises(errors.CheckViolation, match="held_until"):
            book("held")
        with pytest.raises(errors.CheckViolation, match="held_until"):
            book("booked", ticket="A", held=True)

    @pytest.mark.parametrize("state", ["booked", "attended", "no_show"])
    def test_a_confirmed_place_has_a_ticket(self, book: Any, state: str) -> None:
        with pytest.raises(errors.CheckViolation, match="ck_booking_ticket"):
            book(state)

    def test_no_ticket_is_given_twice(self, book: Any, world: World) -> None:
        book("cancelled", ticket="A")
        with pytest.raises(errors.UniqueViolation, match="uq_booking_ticket"):
            book("booked", ticket="A", of=world.worker(None).id)

    def test_a_state_is_one_that_is_known(self, book: Any) -> None:
        with pytest.raises(errors.CheckViolation, match="ck_booking_state"):
            book("waiting")

    def test_a_worker_with_bookings_cannot_vanish(self, book: Any, world: World) -> None:
        book("cancelled")
        with pytest.raises(errors.ForeignKeyViolation):
            world.database.rows("DELETE FROM worker")


class TestPeople:
    def test_a_nik_is_on_the_roster_once(self, world: World) -> None:
        siti = world.worker(None)
        with pytest.raises(errors.UniqueViolation, match="uq_worker_nik_hash"):
            world.database.rows(
                "INSERT INTO worker (nik_hash, nik_sealed, nik_tail, name, birth_date, sex, district_code, created_at, "
                "updated_at) VALUES (%s, '', '', 'x', %s, 'F', '3273', %s, %s)",
                (world.vault.hash(siti.nik), date(1985, 8, 17), MORNING, MORNING),
            )

    @pytest.mark.parametrize(
        ("change", "constraint"),
        [
            ("sex = 'X'", "ck_worker_sex"),
            ("district_code = '9999'", "fk_worker_district_code"),
            ("domicile_code = '9999'", "fk_worker_domicile_code"),
            ("facility_id = 4711", "fk_worker_facility_id"),
        ],
    )
    def test_a_worker_is_somewhere_that_exists(self, world: World, change: str, constraint: str) -> None:
        world.worker(None)
        with pytest.raises(errors.IntegrityError, match=constraint):
            world.database.rows(f"UPDATE worker SET {change}")

    def test_a_number_claims_a_worker_once(self, world: World) -> None:
        siti = world.worker(None)
        insert = "INSERT INTO phone_claim (worker_id, phone, state, opened_at) VALUES (%s, '+1', %s, %s)"
        with pytest.raises(errors.CheckViolation, match="ck_phone_claim_state"):
            world.database.rows(insert, (siti.id, "maybe", MORNING))
        world.database.rows(insert, (siti.id, "open", MORNING))
        with pytest.raises(errors.UniqueViolation, match="uq_phone_claim_worker_id_phone"):
            world.database.rows(insert, (siti.id, "accepted", MORNING))

    def test_what_is_kept_of_a_worker_goes_with_them(self, world: World) -> None:
        siti = world.worker(None)
        world.database.rows(
            "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'fit', %s)", (siti.id, MORNING)
        )
        world.database.rows("INSERT INTO not_me_report VALUES (%s, '+1', %s)", (siti.id, MORNING))
        world.database.rows("DELETE FROM worker")
        assert (
            world.database.value("SELECT (SELECT count(*) FROM screening) + (SELECT count(*) FROM not_me_report)") == 0
        )

    def test_an_outcome_of_the_screening_is_one_that_is_known(self, world: World) -> None:
        siti = world.worker(None)
        with pytest.raises(errors.CheckViolation, match="ck_screening_outcome"):
            world.database.rows(
                "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, 'ill', %s)", (siti.id, MORNING)
            )

    def test_guards_are_of_phones_and_niks(self, world: World) -> None:
        with pytest.raises(errors.CheckViolation, match="ck_identity_guard_kind"):
            world.database.rows("INSERT INTO identity_guard VALUES ('name', 'x', 1, %s)", (MORNING,))


class TestMessages:
    @pytest.fixture
    def write(self, world: World) -> Any:
        def insert(key: str, *, lane: str = "reply", state: str = "queued") -> int:
            found: int = world.database.value(
                "INSERT INTO message (natural_key, kind, lane, gateway, phone, language, body, attempt_id, state, created_at) "
                "VALUES (%s, 'ticket', %s, 'simulator', '+1', 'id', '', 1, %s, %s) RETURNING id",
                (key, lane, state, MORNING),
            )
            return found

        return insert

    @pytest.fixture
    def invite(self, world: World) -> Any:
        def insert(worker: int, campaign: str, booking: int | None = None) -> None:
            world.database.rows(
                "INSERT INTO campaign (name, kind, state, audience, gateway, created_by, created_at) "
                "VALUES (%s, 'blast', 'running', '{}', 'simulator', 'test', %s) ON CONFLICT DO NOTHING",
                (campaign, MORNING),
            )
            world.database.rows(
                "INSERT INTO message (campaign_id, worker_id, booking_id, kind, lane, gateway, phone, language, attempt_id, "
                "state, created_at) SELECT id, %s, %s, 'blast', 'blast', 'simulator', '+1', 'id', 1, 'queued', %s "
                "FROM campaign WHERE name = %s",
                (worker, booking, MORNING, campaign),
            )

        return insert

    def test_what_is_to_be_said_once_is_there_once(self, write: Any) -> None:
        write("ticket:1")
        with pytest.raises(errors.UniqueViolation, match="uq_message_natural_key"):
            write("ticket:1", state="delivered")

    def test_lanes_and_states_are_those_that_are_known(self, write: Any, world: World) -> None:
        with pytest.raises(errors.CheckViolation, match="ck_message_lane"):
            write("a", lane="express")
        with pytest.raises(errors.CheckViolation, match="ck_message_state"):
            write("b", state="sent")
        with pytest.raises(errors.CheckViolation, match="ck_attempt_state"):
            world.database.rows(
                "INSERT INTO attempt (lane, gateway, size, state, created_at, due_at) "
                "VALUES ('reply', 'simulator', 1, 'accepted', %s, %s)",
                (MORNING, MORNING),
            )

    def test_a_campaign_reaches_each_worker_once_for_each_booking(self, invite: Any) -> None:
        invite(1, "first")
        invite(1, "second")
        invite(2, "first")
        with pytest.raises(errors.UniqueViolation, match="uq_message_recipient"):
            invite(1, "first")

    def test_a_campaigns_message_has_no_key_of_its_own_and_others_have_one(self, write: Any, world: World) -> None:
        with pytest.raises(errors.CheckViolation, match="ck_message_about"):
            write(None)

    def test_an_id_of_a_gateway_is_one_messages(self, world: World) -> None:
        insert = "INSERT INTO further_acceptance (gateway, provider_id, message_id, at) VALUES (%s, 'P1', %s, %s)"
        world.database.rows(insert, ("twilio", 1, MORNING))
        world.database.rows(insert, ("africastalking", 1, MORNING))
        with pytest.raises(errors.UniqueViolation, match="pk_further_acceptance"):
            world.database.rows(insert, ("twilio", 2, MORNING))

    def test_an_inbound_message_is_stored_once_per_gateway(self, world: World) -> None:
        insert = (
            "INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at) "
            "VALUES (%s, 'M1', '+1', '', %s, %s)"
        )
        world.database.rows(insert, ("twilio", "received", MORNING))
        world.database.rows(insert, ("africastalking", "received", MORNING))
        with pytest.raises(errors.UniqueViolation, match="uq_inbound_gateway_gateway_message_id"):
            world.database.rows(insert, ("twilio", "handled", MORNING))
        with pytest.raises(errors.CheckViolation, match="ck_inbound_state"):
            world.database.rows(insert, ("simulator", "lost", MORNING))

    @pytest.mark.parametrize("message", [None, 7])
    def test_a_receipt_is_kept_once(self, world: World, message: int | None) -> None:
        insert = (
            "INSERT INTO receipt (gateway, provider_id, message_id, matched, status, reason, received_at) "
            "VALUES ('a', 'P', %s, %s, %s, %s, %s)"
        )
        about = (message, message is not None)
        world.database.rows(insert, (*about, "failed", "absent", MORNING))
        world.database.rows(insert, (*about, "failed", "", MORNING))
        with pytest.raises(errors.UniqueViolation):
            world.database.rows(insert, (*about, "failed", "absent", MORNING))


class TestWhereAWorkerStands:
    @pytest.mark.parametrize(
        ("done", "state"),
        [
            ((), "not_invited"),
            (("invited",), "invited"),
            (("invited", "started"), "started"),
            (("started", "verified"), "verified"),
            (("verified", "cancelled"), "cancelled"),
            (("verified", "cancelled", "deferred"), "deferred"),
            (("verified", "no_show", "deferred"), "no_show"),
            (("verified", "cancelled", "no_show", "booked"), "booked"),
            (("booked", "attended"), "attended"),
            (("verified", "fit", "expired", "changed"), "verified"),
        ],
    )
    def test_the_furthest_counts(self, world: World, done: tuple[str, ...], state: str) -> None:
        session = world.session(world.facility())
        siti = world.worker(None)
        for step in done:
            if step == "invited":
                world.database.rows(
                    "WITH c AS (INSERT INTO campaign (name, kind, state, audience, gateway, created_by, created_at) "
                    "VALUES ('blast', 'blast', 'running', '{}', 'simulator', 'test', %(now)s) RETURNING id) "
                    "INSERT INTO message (campaign_id, worker_id, kind, lane, gateway, phone, language, attempt_id, state, "
                    "created_at) SELECT id, %(worker)s, 'blast', 'blast', 'simulator', '+1', 'id', 1, 'accepted', %(now)s "
                    "FROM c",
                    {"worker": siti.id, "now": MORNING},
                )
            elif step in {"started", "verified"}:
                world.database.rows(f"UPDATE worker SET {step}_at = %s", (MORNING,))
            elif step in {"fit", "deferred"}:
                world.database.rows("INSERT INTO screening VALUES (%s, %s, NULL, %s)", (siti.id, step, MORNING))
            else:
                dose = 2 if step == "attended" else 1
                world.database.rows(
                    "INSERT INTO booking (worker_id, dose, session_id, state, ticket, created_at) "
                    "VALUES (%s, %s, %s, %s, %s, %s)",
                    (siti.id, dose, session, step, step, MORNING),
                )
        assert world.database.value("SELECT state FROM worker_state WHERE worker_id = %s", (siti.id,)) == state
