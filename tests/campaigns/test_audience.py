"""Audiences: who is in and who is not, what is refused, and how they are said."""

from __future__ import annotations

import itertools
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from bot.campaigns import audience
from bot.campaigns.audience import STATES, AudienceError, parse_audience
from bot.db.database import Database
from tests.campaigns.office import Office


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=None)
    yield Office(database)
    database.close()


_tickets = itertools.count(1)


def book(office: Office, worker: int, state: str = "booked", dose: int = 1) -> None:
    session = office.world.session(office.world.facility())
    held_until = office.now + timedelta(minutes=5) if state == "held" else None
    office.database.rows(
        "INSERT INTO booking (worker_id, dose, session_id, state, ticket, held_until, created_at, booked_at) "
        "VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
        (worker, dose, session, state, f"T{next(_tickets):05d}", held_until, office.now, office.now),
    )


def change(office: Office, worker: int, **columns: object) -> None:
    for column, value in columns.items():
        office.database.rows(f"UPDATE worker SET {column} = %s WHERE id = %s", (value, worker))


def screen(office: Office, worker: int, outcome: str) -> None:
    office.database.rows(
        "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, %s, %s)", (worker, outcome, office.now)
    )


def write_to(office: Office, workers: list[int], state: str = "accepted", name: str = "earlier") -> None:
    """A campaign that has reached these workers so far."""
    campaign = office.database.value(
        "INSERT INTO campaign (name, kind, state, audience, gateway, created_by, created_at) "
        "VALUES (%s, 'blast', 'finished', '{}', 'africastalking', 'cli:budi', %s) RETURNING id",
        (name, office.now),
    )
    office.database.rows(
        "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, settled_at, created_at, lane, kind, "
        "gateway, language) SELECT %s, id, 1, phone, %s, %s, %s, 'blast', 'blast', 'africastalking', 'id' "
        "FROM worker WHERE id = ANY(%s)",
        (campaign, state, office.now, office.now, workers),
    )


def found(office: Office, *, still: bool = False, **members: Any) -> list[int]:
    wanted = parse_audience(members)
    condition = wanted.still_condition if still else wanted.condition
    parameters = wanted.still_parameters if still else wanted.parameters
    rows = office.database.rows(
        "SELECT w.id FROM worker w JOIN district d ON d.code = coalesce(w.domicile_code, w.district_code) "
        f"WHERE {condition} ORDER BY w.id",
        {**parameters, "now": office.now},
    )
    return [worker for (worker,) in rows]


# --- who is in ----------------------------------------------------------------------------------------------------------


def test_without_members_it_is_everybody(office: Office) -> None:
    workers = office.workers(2)
    assert found(office) == workers


def test_districts_and_provinces_are_those_of_the_domicile(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    here, moved = office.workers(2)
    [there] = office.workers(1, district="7371")
    change(office, moved, domicile_code="7371")
    assert found(office, districts=["3273"]) == found(office, provinces=["32"]) == [here]
    assert found(office, districts=["7371"]) == found(office, provinces=["73"]) == [moved, there]
    assert found(office, districts=["7371", "3273"]) == [here, moved, there]


def test_facilities(office: Office) -> None:
    at, elsewhere = office.world.facility(code="PKM1"), office.world.facility(code="PKM2")
    inside = office.world.worker(at).id
    office.world.worker(elsewhere)
    office.world.worker(None)
    assert found(office, facilities=["PKM1"]) == [inside]


def test_professions_in_any_case(office: Office) -> None:
    nurse, doctor = office.workers(2)
    change(office, nurse, profession="Perawat")
    change(office, doctor, profession="Dokter")
    assert found(office, professions=["PERAWAT"]) == [nurse]


def test_languages(office: Office) -> None:
    indonesian, english = office.workers(2)
    change(office, english, language="en")
    assert found(office, languages=["en"]) == [english]
    assert found(office, languages=["id"]) == [indonesian]


def test_silent_are_those_invited_long_ago_who_have_not_started(office: Office) -> None:
    silent, started, _never, failed = office.workers(4)
    write_to(office, [silent, started])
    write_to(office, [failed], "rejected", name="failed")
    change(office, started, started_at=office.now)
    office.passes(hours=23)
    assert found(office, silent_for_hours=24) == []
    office.passes(hours=1)
    assert found(office, silent_for_hours=24) == found(office, silent_for_hours=0.5) == [silent]


@pytest.mark.parametrize(
    ("outcome", "states"),
    [("delivered", ["delivered"]), ("not_delivered", ["rejected"]), ("unknown", ["accepted", "unknown"])],
)
def test_what_became_of_an_earlier_campaign(office: Office, outcome: str, states: list[str]) -> None:
    every = ("queued", "accepted", "delivered", "rejected", "unknown", "suppressed")
    workers = dict(zip(every, office.workers(len(every)), strict=True))
    write_to(office, [])
    for state, worker in workers.items():
        write_to(office, [worker], state, name=f"of {state}")
        office.database.rows("UPDATE message SET campaign_id = (SELECT min(id) FROM campaign)")
    expected = [workers[state] for state in states]
    assert found(office, campaign={"name": "earlier", "outcome": [outcome]}) == expected
    assert found(office, campaign={"name": "of accepted", "outcome": [outcome]}) == []


def test_lists_of_phones_in_any_spelling(office: Office) -> None:
    one, _two = (office.world.worker(None) for _ in range(2))
    assert one.phone is not None
    assert found(office, phones=[one.phone.replace("+62", "0"), "0899 1234 5678"]) == [one.id]


def test_lists_of_niks_by_their_hash(office: Office) -> None:
    one, _two = (office.world.worker(None) for _ in range(2))
    assert found(office, nik_hashes=[office.world.vault.hash(one.nik).hex()]) == [one.id]


def test_who_was_on_a_list_stays_on_it(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    one, two = office.workers(2)
    change(office, two, domicile_code="7371")
    members: dict[str, Any] = {"phones": ["+62899123456789"], "nik_hashes": ["00"], "districts": ["3273"]}
    assert found(office, **members) == []
    assert found(office, still=True, **members) == [one]
    assert parse_audience(members).still_parameters == {"aud_districts": ["3273"]}


def test_all_members_must_hold(office: Office) -> None:
    office.world.district("7371", "Kota Makassar", "Asia/Makassar")
    both, only_here = office.workers(2)
    [only_english] = office.workers(1, district="7371")
    for worker in (both, only_english):
        change(office, worker, language="en")
    assert found(office, districts=["3273"], languages=["en"], states=["not_invited"]) == [both]
    assert found(office, districts=["3273"], states=["not_invited"]) == [both, only_here]
    assert found(office, districts=["3273"], states=["invited"]) == []


# --- states -------------------------------------------------------------------------------------------------------------


def a_mix(office: Office) -> None:
    """Workers with each way to have begun, been screened, been written to, and with every pair of bookings."""
    bookings = ("held", "booked", "attended", "no_show", "cancelled", "changed", "expired")
    pairs = [(), *((one,) for one in bookings), *itertools.combinations(bookings, 2)]
    for pair in pairs:
        for outcome in (None, "fit", "deferred"):
            [worker] = office.workers(1)
            for dose, state in enumerate(pair, 1):
                book(office, worker, state, dose)
            if outcome:
                screen(office, worker, outcome)
    for started, verified in itertools.product((None, office.now), repeat=2):
        for state in ("queued", "accepted", "delivered", "rejected", "unknown", "suppressed"):
            [worker] = office.workers(1)
            change(office, worker, started_at=started, verified_at=verified)
            write_to(office, [worker], state, name=f"{worker}")


def test_states_are_those_of_the_view(office: Office) -> None:
    a_mix(office)
    by_view: dict[str, list[int]] = {}
    for worker, state in office.database.rows("SELECT worker_id, state FROM worker_state ORDER BY worker_id"):
        by_view.setdefault(state, []).append(worker)
    assert set(by_view) == set(STATES)
    for state in STATES:
        assert found(office, states=[state]) == by_view[state], state
    assert found(office, states=["booked", "invited"]) == sorted(by_view["booked"] + by_view["invited"])


def test_only_who_is_on_the_way_has_stopped_somewhere(office: Office) -> None:
    a_mix(office)
    office.database.rows("UPDATE worker SET started_at = coalesce(started_at, %s)", (office.now,))
    on_the_way = set(found(office, states=["started", "verified"]))
    stopped = set(found(office, stopped_at=["identify", "confirm", "screening", "offer"]))
    assert stopped
    assert stopped <= on_the_way


def test_where_people_stopped(office: Office) -> None:
    never, started, verified, fit, confirmed, holding, booked = office.workers(7)
    for worker in (started, verified, fit, confirmed, holding, booked):
        change(office, worker, started_at=office.now)
    for worker in (verified, fit, confirmed, holding, booked):
        change(office, worker, verified_at=office.now)
    change(office, confirmed, confirmed_at=office.now)
    for worker in (fit, holding, booked):
        screen(office, worker, "fit")
    book(office, holding, "held")
    book(office, booked)
    assert found(office, stopped_at=["identify"]) == [started]
    assert found(office, stopped_at=["confirm"]) == found(office, stopped_at=["screening"]) == [verified]
    assert found(office, stopped_at=["offer"]) == [fit, confirmed]
    office.passes(minutes=6)
    assert found(office, stopped_at=["offer"]) == [fit, confirmed, holding]
    assert never not in found(office, stopped_at=["identify", "offer"])


# --- what is refused ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ("{", "the audience is not JSON"),
        ("[]", "must be a JSON object"),
        ("[" * 100_000, "nested too deeply"),
        ('{"districts": ["1"], "districts": ["2"]}', "names 'districts' twice"),
        ('{"campaign": {"name": "a", "name": "b", "outcome": ["unknown"]}}', "names 'name' twice"),
        ('{"planet": ["1"]}', "unknown member 'planet'; known are districts"),
        ('{"districts": []}', '"districts" must be a list of texts that is not empty'),
        ('{"districts": "3273"}', '"districts" must be a list of texts'),
        ('{"districts": [" "]}', '"districts" must be a list of texts'),
        ('{"districts": [3273]}', '"districts" must be a list of texts'),
        ('{"professions": ["a\\u0000"]}', '"professions" has a text with characters that cannot be kept'),
        ('{"professions": ["\\ud800"]}', '"professions" has a text with characters that cannot be kept'),
        ('{"states": ["asleep"]}', "\"states\" has no 'asleep'; known are not_invited"),
        ('{"stopped_at": ["lunch"]}', "\"stopped_at\" has no 'lunch'; known are identify"),
        ('{"languages": ["jv"]}', "\"languages\" has no 'jv'; known are id, en"),
        ('{"silent_for_hours": 0}', '"silent_for_hours" must be a number of hours'),
        ('{"silent_for_hours": true}', '"silent_for_hours" must be a number of hours'),
        ('{"silent_for_hours": NaN}', '"silent_for_hours" must be a number of hours'),
        ('{"silent_for_hours": "24"}', '"silent_for_hours" must be a number of hours'),
        ('{"campaign": "first"}', '"campaign" must be like'),
        ('{"campaign": {"name": "a", "outcome": ["lost"]}}', "\"outcome\" has no 'lost'"),
        ('{"campaign": {"name": "a\\u0000", "outcome": ["unknown"]}}', '"name" has a text with characters'),
        ('{"phones": ["0812-3456-7890", "12"]}', '"phones": the 2. is no phone number'),
        ('{"nik_hashes": ["xyz"]}', '"nik_hashes" must be hashes in hexadecimal digits'),
    ],
)
def test_what_is_wrong_is_said_in_one_line(value: str, said: str) -> None:
    with pytest.raises(AudienceError) as refused:
        parse_audience(value)
    assert said in str(refused.value)
    assert "\n" not in str(refused.value)


def test_a_list_has_an_end() -> None:
    most = [f"{number:06d}" for number in range(audience.MOST_ENTRIES)]
    assert parse_audience({"districts": most}).parameters == {"aud_districts": most}
    with pytest.raises(AudienceError, match='"districts" has 100,001 entries; at most 100,000 may be given'):
        parse_audience({"districts": [*most, "x"]})


# --- in words -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("members", "english", "indonesian"),
    [
        ({}, "everybody who may be sent to", "semua yang boleh dikirimi"),
        (
            {"districts": ["3171", "3273"], "states": ["not_invited", "invited", "no_show"]},
            "in district 3171 or 3273, who are not invited yet, invited or absent",
            "di kabupaten/kota 3171 atau 3273, yang belum diundang, diundang atau tidak hadir",
        ),
        (
            {"provinces": ["32"], "facilities": ["PKM1"], "professions": ["Perawat"], "languages": ["en"]},
            "in province 32, at facility PKM1, working as Perawat, speaking English",
            "di provinsi 32, di fasilitas PKM1, sebagai Perawat, berbahasa Inggris",
        ),
        (
            {"silent_for_hours": 24, "stopped_at": ["offer"]},
            "silent for 24 hours after an invitation, who stopped at the offered place",
            "diam selama 24 jam setelah undangan, yang berhenti di tawaran jadwal",
        ),
        (
            {"campaign": {"name": "first", "outcome": ["not_delivered"]}, "phones": ["0812-3456-7890"]},
            'to whom "first" was not delivered, with one of 1 phone numbers',
            'yang pesan "first" tidak terkirim, dengan salah satu dari 1 nomor telepon',
        ),
        ({"nik_hashes": ["00", "01"]}, "on a list of 2 NIKs", "dalam daftar 2 NIK"),
    ],
)
def test_in_words(members: dict[str, Any], english: str, indonesian: str) -> None:
    assert parse_audience(json.dumps(members)).words() == english
    assert parse_audience(members).words("id") == indonesian


def test_who_names_the_booked() -> None:
    assert parse_audience({"states": ["booked"]}).names_booked
    assert parse_audience({"states": ["invited", "attended"]}).names_booked
    assert not parse_audience({"states": ["cancelled"]}).names_booked
    assert not parse_audience({}).names_booked
