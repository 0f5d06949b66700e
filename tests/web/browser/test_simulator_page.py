"""Registering in the browser, by USSD and by SMS, and what testers need besides."""

from __future__ import annotations

import re
import shlex

from selenium.webdriver.common.keys import Keys

from bot.registration.tickets import is_ticket
from tests.phones import WEBHOOK_SECRET
from tests.web.browser.simulator_page import SimulatorPage
from tests.world import Worker, World


def ticket_of(world: World, worker: Worker) -> str:
    booked = world.booking(worker)
    assert booked is not None
    state, ticket, _session = booked
    assert state == "booked"
    assert ticket is not None
    assert is_ticket(ticket)
    return ticket


# --- the main job ------------------------------------------------------------------------------------------------------


def test_a_worker_registers_by_ussd(page: SimulatorPage, world: World, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls().sees("S*** W***", "tanggal lahir")
    page.presses(siti.typed_birth_date).calls().sees(siti.name, "Kota Bandung")
    page.presses("1").calls().presses("1").calls().sees("Puskesmas Melati")
    page.presses("1").calls().sees("SMS menyusul")
    assert page.face == "ended"
    assert page.find("#meter-hops").text == "5"

    ticket = ticket_of(world, siti)
    page.sees(ticket)
    page.gets(ticket)
    assert page.find("#unread").is_displayed()
    page.until(lambda: "terdaftar" in page.find("#playing").text, "the worker is shown as registered")
    page.until(lambda: "dilaporkan terkirim" in page.find("#thread").text, "the receipt is reported")
    state = "SELECT state FROM message WHERE phone = %s AND kind = 'ticket'"
    page.until(lambda: world.database.value(state, (siti.phone,)) == "delivered", "the receipt is taken in")


def test_a_worker_registers_by_sms(page: SimulatorPage, world: World, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.texts_the_service(siti.typed_birth_date).gets(siti.name)
    page.texts_the_service("1").gets("hamil")
    page.texts_the_service("1").gets("Puskesmas Melati", "Ambil")
    page.texts_the_service("1")
    page.until(lambda: world.booking(siti) is not None, "a booking")
    page.gets(ticket_of(world, siti))
    assert page.sent == [siti.typed_birth_date, "1", "1", "1"]
    assert len(page.received) == 4


def test_the_keyboard_alone_is_enough(page: SimulatorPage, world: World, siti: Worker) -> None:
    page.opens()
    for _tab in range(20):
        page.strikes(Keys.TAB)
        if page.focused.get_attribute("id") == "find":
            break
    page.strikes(siti.name)
    page.until(lambda: page.texts("#workers strong") == [siti.name], "only she is listed")
    page.strikes(Keys.ARROW_DOWN, Keys.ENTER)
    page.until(lambda: siti.name in page.find("#playing").text, "she is played")

    page.asks("document.activeElement.blur()")
    page.strikes("*119#")
    assert page.find("#entry").get_attribute("value") == "*119#"
    page.strikes(Keys.ENTER).sees("S*** W***")
    page.strikes("17081986", Keys.BACKSPACE, "5", Keys.ENTER).sees(siti.name)
    page.strikes("1", Keys.ENTER).sees("hamil")
    page.strikes(Keys.ESCAPE)
    assert page.face == "idle"
    page.strikes(Keys.ENTER).sees("hamil")  # dialled again, it goes on where it was
    page.strikes("1", Keys.ENTER).sees("Puskesmas Melati")
    page.strikes("1", Keys.ENTER).sees("SMS menyusul")
    page.sees(ticket_of(world, siti))
    page.strikes(Keys.ENTER)
    assert page.face == "idle"


def test_typing_in_a_field_leaves_the_phone_alone(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.find("#sms").send_keys("123")
    page.find("#find").send_keys("456")
    assert page.face == "idle"
    assert page.find("#entry").get_attribute("value") == ""


# --- other numbers -----------------------------------------------------------------------------------------------------


def test_from_a_strange_number_the_nik_is_asked(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.find(".either button:last-child").click()
    page.until(lambda: page.find("#playing b").text.startswith("+62 836"), "a strange number")
    page.calls().sees("NIK")
    page.find(".facts dd:last-child .round").click()
    assert page.find("#entry").get_attribute("value") == siti.nik
    page.calls().sees("tanggal lahir")
    page.sends(siti.typed_birth_date).sees(siti.name)


def test_any_number_can_call(page: SimulatorPage, siti: Worker) -> None:
    page.expected_complaints = ["400 (Bad Request)"]
    page.opens()
    page.types_number("dua belas")
    page.until(lambda: page.find("#number-fault").text == "Itu bukan nomor ponsel: ada hurufnya.", "what is wrong")
    page.types_number("0811-2345-678")
    page.until(lambda: "+62 811-2345-678" in page.find("#playing").text, "the number is played")
    assert page.find("#number-fault").text == ""
    page.calls().sees("NIK")


def test_letters_from_the_keypad(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls()
    page.find("#entry-mode").click()
    page.presses_at_once("2663")
    assert page.find("#entry").get_attribute("value") == "AND"
    page.hangs_up()
    page.calls().presses_at_once("2663")
    assert page.find("#entry").get_attribute("value") == "2663"


def test_a_code_that_the_network_does_not_know(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.presses("*123#")
    page.find('[data-act="call"]').click()
    page.sees("tidak dikenal", "*119#")
    assert page.all("#log .exchange") == []


# --- for testers and integrators ---------------------------------------------------------------------------------------


def test_the_last_request_can_be_sent_again(page: SimulatorPage, world: World, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls().sends(siti.typed_birth_date).sends("1").sends("1").sends("1")
    last, ticket = page.display, ticket_of(world, siti)
    page.repeats()
    assert page.display == last
    assert page.find("#meter-hops").text == "5"
    assert ticket_of(world, siti) == ticket
    page.gets(ticket)
    assert world.messages(str(siti.phone), "ticket") == page.received


def test_a_dropped_session_goes_on_when_dialled_again(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls().sends(siti.typed_birth_date).sees(siti.name)
    page.find("#drop").click()
    page.sees("Sesi terputus")
    assert not page.find("#drop").is_enabled()
    page.find('[data-act="left"]').click()
    page.calls().sees(siti.name)


def test_the_wire_is_shown_without_its_secret(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls().sends("*#")
    newest = page.find("#log .exchange[open]")
    assert "POST /webhooks/simulator/••••••••/ussd HTTP/1.1" in newest.text
    assert "&text=*%23" in newest.text
    assert "CON " in newest.text
    assert WEBHOOK_SECRET not in page.find("body").text
    page.find("#reveal").click()
    assert f"POST /webhooks/simulator/{WEBHOOK_SECRET}/ussd" in page.find("#log .exchange[open]").text


def test_a_request_can_be_taken_along_as_a_command(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls()
    page.asks("document.getElementById('entry').focus()")
    page.strikes("o'clock & $(x)", Keys.ENTER)
    page.until(lambda: len(page.texts("#log .good")) == 2, "the second answer")
    page.find("#log .exchange[open] button").click()
    page.until(lambda: page.find("#toast").text == "Tersalin", "it is said to be copied")
    command = shlex.split(page.pasted().replace("\\\n", ""))
    assert command[:4] == ["curl", "-sS", "-i", f"{page.address}/webhooks/simulator/{WEBHOOK_SECRET}/ussd"]
    fields = dict(field.split("=", 1) for field in command[5::2])
    assert set(command[4::2]) == {"--data-urlencode"}
    assert fields | {"session": ""} == {"phone": siti.phone, "session": "", "code": "*119#", "text": "o'clock & $(x)"}


def test_the_log_keeps_the_last_twenty(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls().repeats(20)
    assert len(page.all("#log .exchange")) == 20


# --- the page ----------------------------------------------------------------------------------------------------------


def test_the_language_changes_without_losing_anything(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls().sees("S*** W***")
    page.find('[data-language="en"]').click()
    page.until(lambda: "Who is calling?" in page.find("#people").text, "English")
    assert page.asks("return document.documentElement.lang") == "en"
    page.sees("S*** W***")
    assert page.find("#soft-left").text == "Send"
    page.opens()
    assert "Who is calling?" in page.find("#people").text


def test_a_narrow_window_shows_everything_and_never_sideways(page: SimulatorPage, siti: Worker) -> None:
    page.resize(360, 640)
    sideways = "return document.documentElement.scrollWidth - innerWidth"
    cut = """return [...document.querySelectorAll('.desk > section, .top, .tabs, .handset')]
        .filter((part) => part.offsetParent !== null && part.getBoundingClientRect().right > innerWidth).length"""
    for language in ("id", "en"):
        page.opens(f"?lang={language}")
        for view in ("people", "phone", "messages", "exchanges"):
            page.find(f'.tabs [data-view="{view}"]').click()
            assert page.find(f"#{view}").is_displayed()
            assert page.asks(sideways) <= 0, (language, view)
            assert page.asks(cut) == 0, (language, view)
    page.find('.tabs [data-view="people"]').click()
    page.picks(siti.name)
    assert page.find("#handset").is_displayed(), "whoever picks a worker wants the phone next"
    page.calls().sees("S*** W***")
    last_key = page.asks("return document.querySelector('[data-key=\"#\"]').getBoundingClientRect().bottom")
    assert last_key < page.asks("return document.querySelector('.tabs').getBoundingClientRect().top")
    page.presses(siti.typed_birth_date).calls().sees(siti.name)


def test_the_display_has_letters_of_its_own(page: SimulatorPage) -> None:
    page.opens()
    assert page.asks("return document.fonts.ready.then(() => document.fonts.check('20px \"Balas Dots\"'))")
    assert page.asks("return [...document.fonts].map((font) => font.status)") == ["loaded"]


def test_every_control_says_what_it_is(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls()
    nameless = """return [...document.querySelectorAll('button, input, textarea, a, summary')]
        .filter((control) => !(control.getAttribute('aria-label') || control.textContent.trim() || control.labels?.length))
        .map((control) => control.outerHTML)"""
    assert page.asks(nameless) == []
    assert page.find("#screen").get_attribute("aria-live") == "polite"
    ids = page.asks("return [...document.querySelectorAll('[id]')].map((one) => one.id)")
    assert len(ids) == len(set(ids))


def test_nothing_comes_from_elsewhere(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.calls()
    loaded = page.asks("return performance.getEntriesByType('resource').map((entry) => entry.name)")
    assert [name for name in loaded if not name.startswith(page.address)] == []
    assert not re.search(r"https?://(?!127\.0\.0\.1)", page.asks("return document.documentElement.outerHTML"))
