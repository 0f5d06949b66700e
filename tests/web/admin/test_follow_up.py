"""Following people up: each has one reason, one officer at a time, and nobody of another area is there."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import timedelta

import pytest

from bot.followup import gathering, taking
from bot.followup.reasons import Reason
from bot.followup.taking import Outcome
from bot.officers.accounts import Role
from bot.registration.officer import Officer as Clerk
from bot.registration.officer import Reach
from bot.registration.tickets import new_ticket
from bot.services import Services
from tests.web.admin.conftest import MovableClock, SignIn
from tests.web.admin.neighbours import Neighbours, neighbours
from tests.world import MORNING, Worker, World

EARLIER = MORNING - timedelta(hours=2)


def gathers(services: Services, clock: MovableClock) -> None:
    """The next rounds of the worker that makes the list: one that adds to the counts, one that counts the list whole. Each
    time the counts are those of the list."""
    for seconds in (20, 600):
        clock.passes(seconds=seconds)
        gathering.gather(services.database, services.clock)
        found = gathering.counted(services.database)
        listed = services.database.rows("SELECT district_code, reason, count(*) FROM follow_up_case GROUP BY 1, 2")
        assert found is not None
        assert {(code, reason): n for code, by in found.districts.items() for reason, n in by.by_reason.items()} == {
            (code, Reason(reason)): n for code, reason, n in listed
        }


def counts(services: Services, district: str = "3273") -> dict[Reason, int]:
    gathered = gathering.counted(services.database)
    assert gathered is not None
    return gathered.of(district).by_reason


def reason_of(services: Services, worker: Worker) -> str | None:
    found: str | None = services.database.value("SELECT reason FROM follow_up_case WHERE worker_id = %s", (worker.id,))
    return found


@pytest.fixture
def town(world: World) -> Neighbours:
    return neighbours(world)


def blast(world: World, worker: Worker, state: str) -> None:
    """A campaign's message to somebody, as it stands."""
    campaign = world.database.value("SELECT id FROM campaign LIMIT 1") or world.database.value(
        "INSERT INTO campaign (name, kind, state, gateway, audience, created_at, created_by) "
        "VALUES ('Blast', 'blast', 'running', 'africastalking', '{}', %s, 'tests') RETURNING id",
        (EARLIER,),
    )
    world.database.rows(
        "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, settled_at, created_at, lane, kind, "
        "gateway, language) VALUES (%s, %s, 0, %s, %s, %s, %s, 'blast', 'blast', 'africastalking', 'id')",
        (campaign, worker.id, worker.phone, state, EARLIER, EARLIER),
    )


def ended_booking(world: World, worker: Worker, session: int, state: str) -> None:
    world.database.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at, ended_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s)",
        (worker.id, session, state, new_ticket(), EARLIER, EARLIER, EARLIER),
    )


def book(world: World, worker: Worker, session: int) -> None:
    world.database.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "VALUES (%s, %s, 'booked', %s, %s, %s)",
        (worker.id, session, new_ticket(), EARLIER, EARLIER),
    )


def screen(services: Services, worker: Worker, outcome: str, answer: str | None = None) -> None:
    sealed = services.vault.seal(answer, "screening") if answer else None
    services.database.rows(
        "INSERT INTO screening (worker_id, outcome, answer_sealed, screened_at) VALUES (%s, %s, %s, %s)",
        (worker.id, outcome, sealed, EARLIER),
    )


def test_each_reason_gives_way_to_those_before_it(town: Neighbours, services: Services, clock: MovableClock) -> None:
    """One person collects what stops people, from the last reason to the first."""
    world, siti = town.world, town.here
    update = "UPDATE worker SET {} = %s WHERE id = %s"
    steps: list[tuple[Reason, Callable[[], object]]] = [
        (Reason.NEVER_INVITED, lambda: None),
        (Reason.NOT_DELIVERED, lambda: blast(world, siti, "rejected")),
        (Reason.SILENT, lambda: world.database.rows("UPDATE message SET state = 'delivered'")),
        (Reason.STOPPED_IDENTIFY, lambda: world.database.rows(update.format("started_at"), (EARLIER, siti.id))),
        (
            Reason.LOCKED,
            lambda: world.database.rows(
                "INSERT INTO identity_guard (kind, subject, failures, last_failure_at, locked_until) "
                "VALUES ('phone', %s, 5, %s, %s)",
                (siti.phone, EARLIER, MORNING),
            ),
        ),
        (Reason.STOPPED_CONFIRM, lambda: world.database.rows(update.format("verified_at"), (EARLIER, siti.id))),
        (Reason.STOPPED_SCREENING, lambda: world.database.rows(update.format("confirmed_at"), (EARLIER, siti.id))),
        (Reason.STOPPED_OFFER, lambda: screen(services, siti, "fit")),
        (Reason.CANCELLED, lambda: ended_booking(world, siti, town.session, "cancelled")),
        (Reason.NO_SHOW, lambda: ended_booking(world, siti, town.session, "no_show")),
        (Reason.DEFERRED, lambda: world.database.rows("UPDATE screening SET outcome = 'deferred'")),
        (
            Reason.OPTED_OUT,
            lambda: world.database.rows("INSERT INTO opt_out VALUES (%s, 'sms', %s)", (siti.phone, EARLIER)),
        ),
        (
            Reason.WRONG_NUMBER,
            lambda: world.database.rows("INSERT INTO wrong_number VALUES (%s, 'x', 'y', %s)", (siti.phone, EARLIER)),
        ),
        (Reason.NO_PHONE, lambda: world.database.rows(update.format("phone"), (None, siti.id))),
    ]
    assert [reason for reason, _ in reversed(steps)] == list(Reason)
    for reason, happens in steps:
        happens()
        gathers(services, clock)
        assert reason_of(services, siti) == reason
        assert counts(services) == {reason: 1}
        assert counts(services, "3578") == {Reason.NEVER_INVITED: 1}


def test_who_registers_is_gone_from_the_list_at_once_and_from_the_counts_with_the_next_round(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    gathers(services, clock)
    cici = sign_in(Role.DISTRICT, "3273")
    where = "/admin/follow-up/3273/"
    assert "Siti Wulandari" in cici.reads(where)
    book(town.world, town.here, town.session)
    assert "Siti Wulandari" not in cici.reads(where, reason="never_invited")
    gathers(services, clock)
    assert counts(services) == {}
    assert reason_of(services, town.here) is None


def test_an_officer_follows_somebody_up_from_the_list(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    gathers(services, clock)
    cici, dedi = sign_in(Role.DISTRICT, "3273", name="cici"), sign_in(Role.DISTRICT, "3273", name="dedi")
    where = "/admin/follow-up/3273/"
    form: dict[str, object] = {"district": "3273", "reason": "never_invited"}
    act = f"/admin/follow-up/people/{town.here.id}"
    answer = cici.sends(f"{act}/take", form)
    assert answer.location == "/admin/follow-up/3273/?reason=never_invited"
    assert "What came of it" in cici.reads(where)
    assert "Taken by cici" in dedi.reads(where)
    dedi.sends(f"{act}/take", form)
    assert "taken already" in dedi.reads(where)
    assert "Siti" in cici.reads(where, taken="me")
    assert "Siti" not in dedi.reads(where, taken="nobody")
    dedi.sends(f"{act}/outcome", {**form, "outcome": "refuses"})
    assert "Take them first" in dedi.reads(where)
    for _twice in range(2):
        cici.sends(f"{act}/outcome", {**form, "outcome": "ill", "note": "In hospital until Friday"})
    page = dedi.reads(where)
    assert "In hospital until Friday" in page
    assert "Ill" in page
    assert [row[0] for row in town.audit("follow_up.take")] == ["cici"]
    assert town.audit("follow_up.note") == [("cici", f"worker:{town.here.id}", {"outcome": "ill"})]
    sealed = services.database.value("SELECT note_sealed FROM follow_up")
    assert b"hospital" not in bytes(sealed)


def test_two_who_take_at_once_get_one_person_once(town: Neighbours, services: Services) -> None:
    got: list[bool] = []
    ready = threading.Barrier(2)

    def takes(name: str) -> None:
        ready.wait()
        got.append(taking.take(services.database, town.here.id, Clerk(name, Reach()), MORNING))

    officers = [threading.Thread(target=takes, args=(name,)) for name in ("cici", "dedi")]
    for each in officers:
        each.start()
    for each in officers:
        each.join()
    assert sorted(got) == [False, True]
    assert len(town.audit("follow_up.take")) == 1


def test_who_was_taken_is_given_back_or_free_after_a_day(town: Neighbours, services: Services) -> None:
    database, siti = services.database, town.here.id
    cici, dedi = Clerk("cici", Reach()), Clerk("dedi", Reach())
    assert taking.take(database, siti, cici, MORNING)
    assert not taking.give_back(database, siti, dedi, MORNING)
    assert taking.give_back(database, siti, cici, MORNING)
    assert taking.take(database, siti, dedi, MORNING)
    almost, day = MORNING + timedelta(hours=23, minutes=59), MORNING + timedelta(hours=24)
    assert not taking.take(database, siti, cici, almost)
    assert not taking.note(database, services.vault, siti, Outcome.REACHED, "", dedi, day)
    assert taking.take(database, siti, cici, day)


def test_who_is_registered_is_not_taken(town: Neighbours, services: Services) -> None:
    book(town.world, town.here, town.session)
    assert not taking.take(services.database, town.here.id, Clerk("cici", Reach()), MORNING)


def test_filters_and_the_search_of_a_name_narrow_the_list_down(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    other = town.world.facility("Puskesmas Anggrek")
    budi = town.world.worker(other, name="Budi Santoso")
    services.database.rows("UPDATE worker SET profession = 'Bidan' WHERE id = %s", (budi.id,))
    gathers(services, clock)
    cici = sign_in(Role.DISTRICT, "3273")
    where = "/admin/follow-up/3273/"
    for query in ({"facility": str(other)}, {"profession": "Bidan"}):
        page = cici.reads(where, reason="never_invited", **query)
        assert "Budi Santoso" in page
        assert "Siti Wulandari" not in page
    found = cici.sends(f"{where}?reason=never_invited", {"name": "wulan si"}).get_data(as_text=True)
    assert "Siti Wulandari" in found
    assert "Budi Santoso" not in found


def test_pages_of_the_list_follow_one_another(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    for number in range(59):
        town.world.worker(town.place, name=f"Nakes {number:02}")
    gathers(services, clock)
    cici = sign_in(Role.DISTRICT, "3273")
    first = cici.reads("/admin/follow-up/3273/", reason="never_invited")
    after = first.partition("after=")[2].partition("&")[0].partition('"')[0]
    second = cici.reads("/admin/follow-up/3273/", reason="never_invited", after=after)
    names = [f"Nakes {number:02}" for number in range(59)]
    assert [(name in first) + (name in second) for name in names] == [1] * 59
    assert "Further" not in second


def test_by_what_somebody_is_deferred_is_told_to_their_district_alone(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    screen(services, town.here, "deferred", "hypertension")
    gathers(services, clock)
    where = "/admin/follow-up/3273/"
    assert "High blood pressure" in sign_in(Role.DISTRICT, "3273").reads(where)
    for officer in (sign_in(), sign_in(Role.PROVINCE, "32")):
        page = officer.reads(where)
        assert "Siti Wulandari" in page
        assert "High blood pressure" not in page


def test_another_district_is_not_there(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    gathers(services, clock)
    for officer in (sign_in(Role.DISTRICT, "3273"), sign_in(Role.PROVINCE, "32")):
        for path in ("", "print", "list.csv", "list.xlsx"):
            assert officer.opens(f"/admin/follow-up/3578/{path}").status_code == 404, path
        assert "Kota Surabaya" not in officer.client.get("/admin/follow-up/", follow_redirects=True).get_data(
            as_text=True
        )
        form: dict[str, object] = {"district": "3578", "reason": "never_invited", "outcome": "ill"}
        for act in ("take", "give-back", "outcome"):
            assert officer.sends(f"/admin/follow-up/people/{town.there.id}/{act}", form).status_code == 404, act
        assert officer.sends("/admin/follow-up/3578/", {"name": "Siti"}).status_code == 404
    assert services.database.value("SELECT count(*) FROM follow_up") == 0


def test_the_list_is_taken_along_as_a_file_or_on_paper_and_that_is_noted(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    gathers(services, clock)
    cici = sign_in(Role.DISTRICT, "3273", name="cici")
    table = cici.opens("/admin/follow-up/3273/list.csv", reason="never_invited").get_data(as_text=True)
    assert table.lstrip("\ufeff").startswith("Name,Number,Facility,Address")
    assert "Siti Wulandari" in table
    assert "Puskesmas Melati" in table
    assert cici.opens("/admin/follow-up/3273/list.xlsx").data.startswith(b"PK")
    assert str(town.here.phone) in cici.reads("/admin/follow-up/3273/print")
    kept = [detail for _, _, detail in town.audit("follow_up.export")]
    assert [(each["as"], each["rows"]) for each in kept] == [("csv", 1), ("xlsx", 1), ("print", 1)]
    assert "Siti" not in str(kept)


def test_the_ministry_sees_the_counts_of_all_districts(
    sign_in: SignIn, town: Neighbours, services: Services, clock: MovableClock
) -> None:
    nina = sign_in()
    assert "The list is being made." in nina.reads("/admin/follow-up/")
    gathers(services, clock)
    page = nina.reads("/admin/follow-up/")
    assert "Kota Surabaya" in page
    assert "/admin/follow-up/3578/?reason=never_invited" in page
    # a column that would be empty all the way down is left out
    assert "Never invited" in page
    assert "Wants no messages" not in page
