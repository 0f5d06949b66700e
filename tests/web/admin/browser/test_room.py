"""The command room in a browser: the whole way a campaign goes (lists, a blast with a second pair of eyes, answers,
figures, the desk), then every page, in both languages, on a desk and on a phone: nothing serious by axe-core, nothing wider
than the window, nothing that the browser complains of, and a heading on each.

One file, since the whole service is started for it."""

from __future__ import annotations

import contextlib
import csv
import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path
from urllib.request import Request, urlopen

import pytest
from selenium.common.exceptions import NoAlertPresentException, NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.common.by import By

from bench.addresses import pages_of
from tests.web.admin.browser.conftest import MINISTRY, SECOND, RoomPage
from tests.web.browser.running import PATIENCE, Running
from tests.web.browser.simulator_page import SimulatorPage

ROWS, BAD = 2000, 30
#: Downloads open no page; and nothing has been uploaded here, so that there is no upload to look at.
_NO_PAGES = re.compile(r"\.(csv|xlsx)(\?|$)|/999999999")


@dataclass(frozen=True)
class Invited:
    """Somebody on the new roster."""

    phone: str
    born: date
    facility: str
    district: str

    @property
    def types(self) -> str:
        return f"{self.born:%d%m%Y}"


def until(condition: Callable[[], object], what: str) -> None:
    end = time.monotonic() + 2 * PATIENCE
    while True:
        try:
            if condition():
                return
        except (NoSuchElementException, StaleElementReferenceException):
            pass
        assert time.monotonic() < end, f"waited in vain for {what}"
        time.sleep(0.1)


def write_roster(running: Running, path: Path) -> list[Invited]:
    """A roster of 2,000 rows, 30 of them bad; returns the good ones."""
    places = running.database.rows(
        "SELECT f.code, f.district_code, d.name FROM facility f JOIN district d ON d.code = f.district_code "
        "WHERE EXISTS (SELECT 1 FROM vaccination_session s WHERE s.facility_id = f.id AND s.starts_at > now()) ORDER BY f.id"
    )
    invited: list[Invited] = []
    with path.open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["nik", "name", "birth_date", "district_code", "facility_code", "phone", "profession"])
        for number in range(ROWS):
            facility, district, district_name = places[number % len(places)]
            born = date(1975, 1, 1) + timedelta(days=number * 5)
            nik = f"{district}77{born.day + 40:02d}{born:%m%y}{number % 9000 + 1:04d}"
            phone = f"+62857{number:08d}"
            if number < BAD:
                kind = number % 3
                nik = nik[:-1] if kind == 0 else nik
                district = "0000" if kind == 1 else district
                phone = "12" if kind == 2 else phone
            else:
                invited.append(Invited(phone, born, facility, district_name))
            rows.writerow([nik, f"Ibu Uji {number}", born.isoformat(), district, facility, phone, "Bidan"])
    return invited


@dataclass
class Office:
    """What the ministry's people do in the browser."""

    room: RoomPage
    running: Running

    def fetches(self, path: str) -> str:
        cookie = self.room.driver.get_cookie("balas")
        assert cookie is not None
        request = Request(f"{self.running.address}{path}", headers={"Cookie": f"balas={cookie['value']}"})
        with urlopen(request, timeout=PATIENCE) as answer:
            return str(answer.read().decode("utf-8-sig"))

    def presses(self, label: str) -> None:
        """Press the button of that name, and say yes to what it asks."""
        button = next(
            each
            for each in self.room.driver.find_elements(By.CSS_SELECTOR, "main button")
            if each.text.startswith(label)
        )
        button.click()
        with contextlib.suppress(NoAlertPresentException):
            self.room.driver.switch_to.alert.accept()

    def registered(self) -> int:
        self.room.goes_to("/admin/progress/")
        found = re.search(r"([\d,]+) of [\d,]+ registered", self.room.text)
        return int(found[1].replace(",", "")) if found else -1

    def uploads(self, path: Path) -> None:
        self.room.goes_to("/admin/lists/")
        self.room.driver.find_element(By.CSS_SELECTOR, "#kind option[value=roster]").click()
        self.room.sees("#file").send_keys(str(path))
        self.room.clicks("main button.main")
        until(lambda: "Import 1,970 rows now" in self.room.text, "the list to be tried")
        assert "30" in self.room.text
        href = self.room.driver.find_element(By.CSS_SELECTOR, "a[href$='rejected.csv']").get_attribute("href")
        rejected = self.fetches("/admin" + str(href).partition("/admin")[2])
        assert len(list(csv.reader(rejected.splitlines()))) == BAD + 1
        self.presses("Import 1,970")
        until(lambda: "The list is imported" in self.room.text, "the list to be imported")

    def composes(self, name: str) -> str:
        self.room.goes_to("/admin/campaigns/new")
        self.room.types("name", name)
        self.room.types(
            "text_id", "Yth. {name}, daftar vaksinasi: balas dengan tanggal lahir atau hubungi {ussd_code}."
        )
        until(lambda: "{ussd_code}" not in self.room.sees("#measure-id").text, "the text to be measured")
        for box in ("[name=states][value=not_invited]", "[name=any_hour]"):
            self.room.sees(box).click()
        self.room.clicks("#composer button.main")
        assert name in self.room.text
        return self.room.driver.current_url.partition(self.running.address)[2]

    def state(self, name: str) -> str:
        return str(self.running.database.value("SELECT state FROM campaign WHERE name = %s", (name,)))


def test_a_campaign_from_its_lists_to_the_desk(room: RoomPage, running: Running, tmp_path: Path) -> None:
    office = Office(room, running)
    room.signs_in(MINISTRY)
    until(lambda: office.registered() >= 0, "the first figures")
    before = office.registered()

    invited = write_roster(running, tmp_path / "roster.csv")
    office.uploads(tmp_path / "roster.csv")
    page = office.composes("Undangan kedua")

    # who made it may not approve it: there are more than a hundred recipients
    room.signs_in(SECOND)
    room.goes_to(page)
    until(lambda: "Approve" in [b.text for b in room.driver.find_elements(By.CSS_SELECTOR, "main button")], "a preview")
    office.presses("Approve")
    until(lambda: office.state("Undangan kedua") == "approved", "its being approved")
    room.goes_to(page)
    office.presses("Send now")
    until(lambda: office.state("Undangan kedua") == "finished", "its end")
    until(lambda: re.search(r"of (1,9|2,0)\d\d recipients", room.text), "its page to tell of the end")

    by_ussd, by_sms = invited[0], invited[1]
    simulator = SimulatorPage(room.driver, running.address)
    simulator.opens().types_number(by_ussd.phone).calls().sends(by_ussd.types).sends("1").sends("1").sends("1")
    simulator.sees("Tiket")
    simulator.opens().types_number(by_sms.phone)
    for said, answer in ((by_sms.types, "Benar"), ("1", "hamil"), ("1", "Ambil"), ("1", "Tiket")):
        simulator.texts_the_service(said).gets(answer)

    until(lambda: office.registered() == before + 2, "the headline to move")
    assert by_ussd.district in room.text
    curve = json.loads(str(room.sees("script[data-chart-of=progress-curve]").get_attribute("textContent")))
    assert curve["series"]
    districts = office.fetches("/admin/progress/parts.csv")
    assert by_ussd.district in districts

    # what the blast has come to
    room.goes_to(f"/admin/evaluation/{page.rstrip('/').rpartition('/')[2]}/")
    until(lambda: re.search(r"\b2 of [\d,]+ whom the message reached", room.text), "the report")

    # the day has come
    ticket, session, facility = running.database.rows(
        "SELECT b.ticket, b.session_id, s.facility_id FROM booking b JOIN vaccination_session s ON s.id = b.session_id "
        "JOIN worker w ON w.id = b.worker_id WHERE w.phone = %s AND b.state = 'booked'",
        (by_ussd.phone,),
    )[0]
    running.database.rows(
        "UPDATE vaccination_session s SET local_date = (now() AT TIME ZONE d.time_zone)::date, starts_at = now() - "
        "interval '1 hour', start_time = '00:01' FROM facility f JOIN district d ON d.code = f.district_code "
        "WHERE f.id = s.facility_id AND s.id = %s",
        (session,),
    )
    room.goes_to(f"/admin/desk/?facility={facility}")
    room.types("typed", ticket.lower())
    room.clicks("form[role=search] button.main")
    office.presses("Vaccinated")
    state = "SELECT state FROM booking WHERE ticket = %s"
    until(lambda: running.database.value(state, (ticket,)) == "attended", "the check-in")


@pytest.mark.parametrize(("language", "width"), [("id", 390), ("en", 1280)])
def test_no_page_shuts_anybody_out(room: RoomPage, running: Running, language: str, width: int) -> None:
    room.signs_in(language=language)
    wrong: dict[str, list[str]] = {}
    for path in [path for path in pages_of(running.environ) if not _NO_PAGES.search(path)]:
        room.resizes(width)
        room.goes_to(path)
        if not room.driver.find_elements("id", "content"):
            room.complaints()  # a part of a page, which its page fetches; by itself it has no picture for its tab
            continue
        found = room.faults()
        if (over := room.overflow()) > 0:
            found.append(f"wider than the window by {over} pixels")
        if len(room.driver.find_elements("css selector", "h1")) != 1:
            found.append("not one heading of the first order")
        found += room.complaints()
        if found:
            wrong[path] = found
        room.is_kept(path, language)
    assert wrong == {}


def test_the_entrance_too(room: RoomPage) -> None:
    for width in (390, 1280):
        room.resizes(width)
        room.goes_to("/admin/sign-in")
        assert room.faults() == []
        assert room.overflow() <= 0
    assert room.complaints() == []
    for language in ("id", "en"):
        room.clicks(f".languages button[value={language}]")
        room.is_kept("/admin/sign-in", language)
