"""The made-up registry: plausible, reproducible, and complete enough to play the whole campaign on."""

from __future__ import annotations

import base64
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from bot.clock import ManualClock
from bot.crypto import Vault
from bot.db.database import Database
from bot.phone import is_e164, operator_of, parse_phone
from bot.registration.importing import Step
from bot.registration.nik import Nik
from bot.registration.sample import SampleReport, has_workers, load_sample, own_phone
from bot.registration.sample.loading import SEED

NOW = datetime(2021, 1, 13, 16, tzinfo=UTC)  # 23:00 WIB, and the 14th already in Jayapura
VAULT = Vault(base64.urlsafe_b64encode(bytes(range(32))).decode())
TABLES = ("district", "facility", "worker", "vaccination_session")


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    opened = Database(database_url, limit=None)
    yield opened
    opened.close()


def load(
    database: Database, workers: int, districts: int = 91, *, now: datetime = NOW, seed: int = SEED
) -> SampleReport:
    return load_sample(database, VAULT, ManualClock(now), workers, districts, seed)


def rows_of(database: Database) -> dict[str, list[tuple[object, ...]]]:
    """Every row with the transaction that wrote it last."""
    return {table: sorted(database.rows(f"SELECT xmin::text, t.* FROM {table} t"), key=str) for table in TABLES}


def people(database: Database) -> list[tuple[object, ...]]:
    return database.rows(
        "SELECT nik_hash, w.name, birth_date, sex, phone, w.district_code, f.code, f.name, profession"
        " FROM worker w JOIN facility f ON f.id = facility_id ORDER BY w.id"
    )


def test_the_same_seed_loaded_twice_changes_nothing(database: Database) -> None:
    assert not has_workers(database)
    first = load(database, 1000)
    assert has_workers(database)
    before = rows_of(database)
    second = load(database, 1000)
    for ours, theirs in zip(
        (first.districts, first.facilities, first.roster, first.sessions),
        (second.districts, second.facilities, second.roster, second.sessions),
        strict=True,
    ):
        assert (ours.added, ours.updated, ours.rejected) == (ours.read, 0, 0)
        assert (theirs.read, theirs.unchanged) == (ours.read, ours.read)
    assert rows_of(database) == before


def test_another_seed_makes_up_other_people(database: Database) -> None:
    load(database, 300)
    assert load(database, 300, seed=7).roster.added == 300


def test_another_day_only_adds_the_sessions_that_come_into_sight(database: Database) -> None:
    load(database, 1000)
    later = load(database, 1000, now=NOW + timedelta(days=3))
    assert (later.roster.unchanged, later.facilities.unchanged) == (1000, later.facilities.read)
    assert (later.sessions.updated, later.sessions.rejected) == (0, 0)
    ends = NOW.astimezone(ZoneInfo("Asia/Jakarta")).date() + timedelta(days=14)
    new = database.value(
        "SELECT count(*) FROM vaccination_session s JOIN facility f ON f.id = facility_id"
        " JOIN district d ON d.code = f.district_code WHERE time_zone = 'Asia/Jakarta' AND local_date > %s",
        [ends],
    )
    assert 0 < new <= later.sessions.added


def test_niks_match_birth_date_sex_and_district_and_are_nobody_elses(database: Database) -> None:
    load(database, 2000)
    rows = database.rows("SELECT nik_sealed, birth_date, sex, district_code FROM worker")
    niks = [Nik(VAULT.open(sealed, "nik")) for sealed, *_ in rows]
    assert len({nik.text for nik in niks}) == 2000
    for nik, (_, birth_date, sex, district_code) in zip(niks, rows, strict=True):
        assert nik.birth_date_matches(birth_date)
        assert (nik.sex, nik.district_code) == (sex, district_code)


def test_many_workers_of_one_district_still_have_niks_of_their_own(database: Database) -> None:
    assert load(database, 12_000, districts=1).roster.added == 12_000


def test_ages_are_those_of_people_at_work_and_a_few_are_outside_the_limits(database: Database) -> None:
    load(database, 3000)
    for day in (date(2021, 1, 14), date(2021, 12, 31)):
        ages = [row[0] for row in database.rows("SELECT extract(year FROM age(%s, birth_date)) FROM worker", [day])]
        outside = [age for age in ages if not 18 <= age <= 59]
        assert 0.005 < len(outside) / len(ages) < 0.03
        assert all(20 <= age <= 58 for age in ages if 18 <= age <= 59)


def test_names_are_of_one_to_four_words_and_many(database: Database) -> None:
    load(database, 3000)
    names = [str(row[1]) for row in people(database)]
    assert {len(name.split()) for name in names} == {1, 2, 3, 4}
    assert len(set(names)) > 2000
    assert all(name.isascii() for name in names)


def test_the_last_two_percent_have_no_phone_and_the_three_before_them_a_wrong_one(database: Database) -> None:
    load(database, 1000)
    phones = [row[4] for row in people(database)]
    own = [own_phone(number, SEED) for number in range(1000)]
    right = [phone == mine for phone, mine in zip(phones, own, strict=True)]
    assert all(right[number] or number % 200 == 199 for number in range(950))
    assert not any(right[950:])
    assert all(isinstance(phone, str) and is_e164(phone) for phone in phones[:980])
    assert phones[980:] == [None] * 20
    assert not set(phones[950:980]) & set(own)


def test_phones_are_valid_indonesian_mobiles_that_no_operator_has_given_out(database: Database) -> None:
    load(database, 1000)
    for row in people(database)[:980]:
        phone = str(row[4])
        assert parse_phone(phone) == phone
        assert operator_of(phone) is None


def test_a_few_couples_share_a_phone(database: Database) -> None:
    load(database, 2000)
    sharing = [(one, two) for one, two in pairwise(people(database)) if one[4] == two[4] is not None]
    assert len(sharing) == 9
    for one, two in sharing:
        assert one[6] == two[6], "of one facility"
        assert one[3] != two[3], "a woman and a man"
        assert one[2] != two[2], "told apart by their birth dates"
    phones = Counter(row[4] for row in people(database) if row[4] is not None)
    assert set(phones.values()) == {1, 2}


def test_midwives_are_women_and_specialists_are_not_beginners(database: Database) -> None:
    load(database, 3000)
    by_profession: dict[str, list[tuple[object, ...]]] = {}
    for row in people(database):
        by_profession.setdefault(str(row[8]), []).append(row)
    assert len(by_profession) > 10
    assert {row[3] for row in by_profession["Bidan"]} == {"F"}
    assert all(isinstance(row[2], date) and row[2].year <= 1989 for row in by_profession["Dokter spesialis"])


def test_facilities_are_27_for_every_thousand_and_one_at_least_in_each_district(database: Database) -> None:
    assert load(database, 5000).facilities.read == 135
    assert database.value("SELECT count(DISTINCT district_code) FROM facility") == 91
    assert database.value("SELECT count(*) FROM (SELECT DISTINCT district_code, name FROM facility) n") == 135
    assert database.value("SELECT count(*) FROM worker w JOIN facility f ON f.id = facility_id") == 5000
    assert database.value(
        "SELECT bool_and(w.district_code = f.district_code) FROM worker w JOIN facility f ON f.id = facility_id"
    )


@pytest.mark.parametrize(("workers", "districts"), [(1, 1), (1, 91), (40, 3), (200, 12)])
def test_small_samples_are_whole_ones(database: Database, workers: int, districts: int) -> None:
    report = load(database, workers, districts)
    assert (report.districts.read, report.roster.added) == (districts, workers)
    assert report.facilities.read >= districts
    assert database.value("SELECT sum(capacity) FROM vaccination_session") == round(workers * 1.2)


def test_few_districts_are_spread_over_the_country(database: Database) -> None:
    load(database, 200, districts=12)
    assert database.value("SELECT count(DISTINCT time_zone) FROM district") >= 3


def test_sessions_have_room_for_everybody_and_a_fifth_more_where_the_workers_are(database: Database) -> None:
    load(database, 5000)
    assert database.value("SELECT sum(capacity) FROM vaccination_session") == 6000
    for workers, places in database.rows(
        "SELECT (SELECT count(*) FROM worker w WHERE w.facility_id = f.id),"
        " (SELECT sum(capacity) FROM vaccination_session s WHERE s.facility_id = f.id) FROM facility f"
    ):
        assert abs(places - 1.2 * workers) <= 1


def test_sessions_are_hours_between_8_and_15_from_tomorrow_on_where_the_facility_is(database: Database) -> None:
    load(database, 5000)
    for zone, first, last, opens, closes in database.rows(
        "SELECT time_zone, min(local_date), max(local_date), min(start_time), max(end_time) FROM vaccination_session s"
        " JOIN facility f ON f.id = facility_id JOIN district d ON d.code = f.district_code GROUP BY 1"
    ):
        today = NOW.astimezone(ZoneInfo(zone)).date()
        assert today < first <= last <= today + timedelta(days=14)
        assert (opens, closes) == (time(8), time(15))
    assert database.value("SELECT count(DISTINCT end_time - start_time) FROM vaccination_session") == 1
    assert database.value("SELECT min(starts_at) FROM vaccination_session") > NOW


def test_loading_is_in_the_audit_log(database: Database) -> None:
    load(database, 100)
    ((action, detail),) = database.rows("SELECT action, detail FROM audit")
    assert action == "sample.load"
    assert detail["roster"] == {"read": 100, "added": 100, "updated": 0, "unchanged": 0, "rejected": 0}


def test_progress_is_told(database: Database) -> None:
    told: list[tuple[Step, float | None]] = []
    load_sample(database, VAULT, ManualClock(NOW), 3000, 5, progress=lambda step, done: told.append((step, done)))
    assert [done for step, done in told if step is Step.READING] == [0.0, 1 / 3, 2 / 3]


@pytest.mark.parametrize(("workers", "districts"), [(0, 1), (900_001, 1), (10, 0), (10, 92)])
def test_a_sample_has_bounds(database: Database, workers: int, districts: int) -> None:
    with pytest.raises(ValueError, match="a sample has 1 to 900000 workers in 1 to 91 districts"):
        load(database, workers, districts)
