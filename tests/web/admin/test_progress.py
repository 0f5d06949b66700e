"""The first page: its sentence, its places, its files, and that nobody sees more than their area."""

from __future__ import annotations

import csv
import gzip
import io
import json
import re
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from bot.evaluation import figures
from bot.officers.accounts import Role
from bot.registration import closing
from bot.services import Services
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.world import World

_tickets = count(1)
#: 13 January 2021, 18.30 WIB, and the midnight after it.
EVENING = datetime(2021, 1, 13, 11, 30, tzinfo=UTC)
MIDNIGHT = datetime(2021, 1, 13, 17, 0, tzinfo=UTC)


@pytest.fixture
def country(world: World, clock: MovableClock) -> World:
    """Bandung with 40 people, 8 of them registered over the last four hours, and Makassar with 10."""
    clock.set(EVENING)
    world.district("7371", "Kota Makassar", "Asia/Makassar")
    world.database.rows("UPDATE district SET province = 'Sulawesi Selatan' WHERE code = '7371'")
    here, there = world.facility(code="F-BDG"), world.facility("Puskesmas Pantai", "7371", code="F-MKS")
    session = world.session(here, capacity=30)
    people = [world.worker(here).id for _ in range(40)]
    for _ in range(10):
        world.worker(there, district="7371")
    for number, worker in enumerate(people[:8]):
        _books(world, worker, session, EVENING - timedelta(minutes=30 * number))
    return world


def _books(world: World, worker: int, session: int, at: datetime) -> None:
    world.database.rows(
        "INSERT INTO booking (worker_id, session_id, state, ticket, created_at, booked_at) "
        "VALUES (%s, %s, 'booked', %s, %s, %s)",
        (worker, session, f"P{next(_tickets)}", at, at),
    )


def _counted(services: Services) -> None:
    figures.make(services.database, services.clock)


def _closes(services: Services, at: datetime | None) -> None:
    closing.close_at(services.database, at, now=services.clock.now(), actor="tests")


def headline(officer: Officer, **query: str) -> str:
    page = officer.reads("/admin/progress/", **query)
    found = re.search(r'<p class="headline">(.*?)</p>', page, re.DOTALL)
    assert found is not None
    return re.sub(r"<[^>]+>", "", found[1]).replace("\u00a0", " ")


class TestHeadline:
    def test_while_registration_is_open(self, country: World, services: Services, sign_in: SignIn) -> None:
        _closes(services, MIDNIGHT)
        _counted(services)
        officer = sign_in()
        assert headline(officer) == "8 of 50 registered (16.0 %), as of 18.30 WIB; closes at 24.00 WIB."
        assert "The forecast begins when there are two hours" in officer.reads("/admin/progress/")

    def test_with_the_forecast_once_there_is_enough_to_go_by(
        self, country: World, services: Services, sign_in: SignIn
    ) -> None:
        _closes(services, MIDNIGHT)
        session = country.session(country.facility(), capacity=500)
        for number in range(400):
            _books(country, country.worker(None).id, session, EVENING - timedelta(minutes=number))
        for _ in range(2000):
            country.worker(None)
        _counted(services)
        told = headline(sign_in())
        found = re.fullmatch(
            r"408 of 2,450 registered \(16\.7 %\), as of 18\.30 WIB; closes at 24\.00 WIB; "
            r"expected ([\d,]+), between ([\d,]+) and ([\d,]+)\.",
            told,
        )
        assert found is not None, told
        expected, low, high = (int(each.replace(",", "")) for each in found.groups())
        assert 408 < low < expected < high <= 2450
        assert "four times in five" in sign_in(name="another").reads("/admin/progress/")

    def test_in_indonesian(self, country: World, services: Services, sign_in: SignIn) -> None:
        _closes(services, MIDNIGHT + timedelta(days=1))
        _counted(services)
        officer = sign_in(language="id")
        assert headline(officer) == "8 dari 50 terdaftar (16,0 %), per 18.30 WIB; akan ditutup Kam 14 Jan 24.00 WIB."

    def test_without_an_end(self, country: World, services: Services, sign_in: SignIn) -> None:
        _closes(services, None)
        _counted(services)
        officer = sign_in()
        assert headline(officer) == "8 of 50 registered (16.0 %), as of 18.30 WIB; no end is set."
        assert "There is no forecast, because no end" in officer.reads("/admin/progress/")

    def test_before_the_start(self, country: World, services: Services, sign_in: SignIn) -> None:
        country.database.rows("DELETE FROM booking")
        _closes(services, MIDNIGHT)
        _counted(services)
        assert headline(sign_in()) == "Nobody of 50 has registered yet, as of 18.30 WIB; closes at 24.00 WIB."

    def test_after_the_end(self, country: World, services: Services, sign_in: SignIn) -> None:
        _closes(services, EVENING - timedelta(hours=1, minutes=30))
        _counted(services)
        assert headline(sign_in()) == "8 of 50 registered (16.0 %), as of 18.30 WIB; closed at 17.00 WIB."

    def test_without_a_roster_it_says_what_to_do(self, world: World, services: Services, sign_in: SignIn) -> None:
        officer = sign_in()
        assert "being counted for the first time" in officer.reads("/admin/progress/")
        _counted(services)
        page = officer.reads("/admin/progress/")
        assert "There is nobody on the roster yet" in page
        assert "Import the districts" in page
        assert "The ministry imports the lists" not in page


class TestPlaces:
    def test_from_the_country_down_to_a_facility(self, country: World, services: Services, sign_in: SignIn) -> None:
        _counted(services)
        officer = sign_in()
        page = officer.reads("/admin/progress/")
        assert 'href="/admin/progress/?province=73"' in page
        assert 'href="/admin/progress/?district=3273"' in page
        assert headline(officer, province="73").startswith("Nobody of 10 has registered yet")
        page = officer.reads("/admin/progress/", district="3273")
        assert 'href="/admin/progress/?facility=F-BDG"' in page
        assert "Kota Makassar" not in page
        assert headline(officer, facility="F-BDG").startswith("8 of 40 registered (20.0 %)")
        crumbs = re.search(
            r'<nav class="crumbs".*?</nav>', officer.reads("/admin/progress/", facility="F-BDG"), re.DOTALL
        )
        assert crumbs is not None
        assert re.findall(r'href="([^"]+)"', crumbs[0]) == [
            "/admin/progress/",
            "/admin/progress/?province=32",
            "/admin/progress/?district=3273",
        ]

    @pytest.mark.parametrize("query", [{"province": "99"}, {"district": "x"}, {"facility": "F-NONE"}])
    def test_what_is_not_there(self, country: World, sign_in: SignIn, query: dict[str, str]) -> None:
        assert sign_in().opens("/admin/progress/", **query).status_code == 404

    @pytest.mark.parametrize(
        ("role", "area", "whole"),
        [
            (Role.PROVINCE, "32", "8 of 40 registered (20.0 %)"),
            (Role.DISTRICT, "3273", "8 of 40 registered (20.0 %)"),
            (Role.FACILITY, "F-BDG", "8 of 40 registered (20.0 %)"),
            (Role.DISTRICT, "7371", "Nobody of 10 has registered yet"),
        ],
    )
    def test_an_area_is_the_whole_for_its_officers(
        self, country: World, services: Services, sign_in: SignIn, role: Role, area: str, whole: str
    ) -> None:
        _counted(services)
        assert headline(sign_in(role, area)).startswith(whole)

    @pytest.mark.parametrize(
        ("role", "area"), [(Role.PROVINCE, "32"), (Role.DISTRICT, "3273"), (Role.FACILITY, "F-BDG")]
    )
    def test_nobody_sees_beyond_their_area(
        self, country: World, services: Services, sign_in: SignIn, role: Role, area: str
    ) -> None:
        _counted(services)
        officer = sign_in(role, area)
        for query in ({"province": "73"}, {"district": "7371"}, {"facility": "F-MKS"}):
            assert officer.opens("/admin/progress/", **query).status_code == 404
            for file in ("parts.csv", "curve.csv", "funnel.xlsx"):
                assert officer.opens(f"/admin/progress/{file}", **query).status_code == 404
        for text in ("Makassar", "Sulawesi", "Pantai", "?province=73", "F-MKS"):
            assert text not in officer.reads("/admin/progress/")
            assert text not in officer.reads("/admin/progress/parts.csv")

    def test_blasts_of_elsewhere_are_not_marked(self, country: World, services: Services, sign_in: SignIn) -> None:
        for name, audience in (
            ("to all", {}),
            ("to Bandung", {"districts": ["3273"]}),
            ("to Sulawesi", {"provinces": ["73"]}),
            ("to the coast", {"facilities": ["F-MKS"]}),
        ):
            country.database.rows(
                "INSERT INTO campaign (name, kind, state, audience, gateway, created_by, created_at, materialised_at) "
                "VALUES (%s, 'blast', 'running', %s, 'simulator', 'x', %s, %s)",
                (name, json.dumps(audience), EVENING, EVENING - timedelta(hours=2)),
            )
        _counted(services)

        def marked(officer: Officer) -> set[str]:
            found = re.search(r'data-chart-of="progress-curve">(.*?)</script>', officer.reads("/admin/progress/"))
            assert found is not None
            return {line["name"] for line in json.loads(found[1])["series"][0]["markLine"]["data"]}

        assert marked(sign_in()) == {"to all", "to Bandung", "to Sulawesi", "to the coast"}
        assert marked(sign_in(Role.DISTRICT, "3273")) == {"to all", "to Bandung"}
        assert marked(sign_in(Role.FACILITY, "F-MKS")) == {"to all", "to Sulawesi", "to the coast"}


class TestUpdating:
    def test_what_comes_again_is_the_part_that_changes(
        self, country: World, services: Services, sign_in: SignIn
    ) -> None:
        _counted(services)
        officer = sign_in()
        assert 'hx-trigger="every 10s"' in officer.reads("/admin/progress/")
        part = officer.client.get("/admin/progress/", headers={"HX-Request": "true"}).get_data(as_text=True)
        assert "8 of 50" in part
        assert "<html" not in part
        packed = officer.client.get("/admin/progress/", headers={"HX-Request": "true", "Accept-Encoding": "gzip"})
        assert "8 of 50" in gzip.decompress(packed.get_data()).decode()
        assert packed.content_length is not None
        assert packed.content_length * 4 < len(part)

    def test_old_figures_say_so(self, country: World, services: Services, sign_in: SignIn, clock: MovableClock) -> None:
        _counted(services)
        officer = sign_in()
        assert "older than they should be" not in officer.reads("/admin/progress/")
        clock.passes(minutes=3)
        page = officer.reads("/admin/progress/")
        assert "older than they should be" in page
        assert "Counted 3 min ago" in page


class TestFiles:
    def test_the_districts(self, country: World, services: Services, sign_in: SignIn) -> None:
        _counted(services)
        text = sign_in().reads("/admin/progress/parts.csv").lstrip("\ufeff")
        rows = list(csv.DictReader(io.StringIO(text)))
        assert [(row["code"], row["target"], row["registered"], row["places_needed"]) for row in rows] == [
            ("3273", "40", "8", "32"),
            ("7371", "10", "0", "10"),
        ]

    def test_the_facilities_of_a_district_the_curve_and_the_funnel(
        self, country: World, services: Services, sign_in: SignIn
    ) -> None:
        _counted(services)
        officer = sign_in()
        facilities = officer.reads("/admin/progress/parts.csv", district="3273")
        assert "Puskesmas Melati" in facilities
        curve = list(csv.reader(io.StringIO(officer.reads("/admin/progress/curve.csv"))))
        assert curve[-1] == ["2021-01-13T18:30:00+07:00", "1", "8"]
        assert len(curve) == 1 + 4 * 3 + 3
        funnel = officer.reads("/admin/progress/funnel.csv")
        assert "registered,8," in funnel
        answer = officer.opens("/admin/progress/funnel.xlsx")
        assert answer.get_data()[:2] == b"PK"

    def test_what_there_is_no_file_of(self, country: World, services: Services, sign_in: SignIn) -> None:
        officer = sign_in()
        assert officer.opens("/admin/progress/parts.csv").status_code == 409
        for file in ("parts.pdf", "people.csv", "x.x"):
            assert officer.opens(f"/admin/progress/{file}").status_code == 404
