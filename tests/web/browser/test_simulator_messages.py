"""Messages on the simulator's page: written, kept, counted, and told of by receipts."""

from __future__ import annotations

from selenium.webdriver.common.keys import Keys

from bot.text import segments
from gateway_adapters.base import Outgoing
from gateway_adapters.simulator import Simulator
from tests.web.browser.simulator_page import SimulatorPage
from tests.world import Worker, World


def test_what_others_wrote_stays_text(page: SimulatorPage, world: World, siti: Worker, simulator: Simulator) -> None:
    probe = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>{{7*7}}"
    evil = world.worker(world.facility(), name=f"Evil{siti.id} <b onclick=x>{{7*7}}</b>")
    page.opens().picks(evil.name)
    simulator.send([Outgoing(siti.id, str(evil.phone), probe)])
    assert page.gets("onerror") == probe
    page.texts_the_service(probe)
    assert page.sent == [probe]
    page.calls()
    assert page.all("#thread img, #thread script, #workers b, #playing strong b, #screen *, #log pre *") == []
    assert "taken" not in page.browser.title


def test_an_sms_that_cannot_be_sent_is_kept(page: SimulatorPage, world: World, siti: Worker) -> None:
    page.expected_complaints = ["ERR_INTERNET_DISCONNECTED"]
    page.opens().picks(siti.name)
    page.network(offline=True)
    box = page.find("#sms")
    box.send_keys("BANTUAN", Keys.ENTER)
    page.until(lambda: "Tidak terkirim" in page.find("#compose-fault").text, "the failure is told")
    assert box.get_attribute("value") == "BANTUAN"
    assert page.sent == []
    page.until(lambda: "tidak menjawab" in page.find("#inbox-fault").text, "the inbox is told to be away")
    page.network(offline=False)
    page.texts_the_service("")
    assert page.sent == ["BANTUAN"]
    assert page.find("#compose-fault").text == ""
    page.gets("MULAI")
    assert world.database.value("SELECT count(*) FROM inbound WHERE phone = %s", (siti.phone,)) == 1


def test_what_the_service_refuses_is_told(page: SimulatorPage, siti: Worker) -> None:
    page.expected_complaints = ["400 (Bad Request)"]
    page.opens().picks(siti.name)
    page.asks("document.getElementById('sms').value = 'x'.repeat(10001)")
    page.find("#sms").send_keys(Keys.ENTER)
    page.until(lambda: "Layanan menjawab 400" in page.find("#compose-fault").text, "the reason")
    assert len(page.find("#sms").get_attribute("value") or "") == 10001


def test_receipts_as_chosen(page: SimulatorPage, world: World, siti: Worker) -> None:
    status = "SELECT status FROM receipt WHERE phone = %s ORDER BY id DESC LIMIT 1"
    page.opens().picks(siti.name)
    page.asks("document.querySelector('#receipts [value=failed]').click()")
    page.texts_the_service("BANTUAN").gets("MULAI")
    page.until(lambda: world.database.value(status, (siti.phone,)) == "failed", "a receipt that says failed")
    page.asks("document.querySelector('#receipts [value=off]').click()")
    page.texts_the_service("BERHENTI").gets("MULAI")
    page.until(lambda: len(page.received) == 2, "the second answer")
    assert world.database.value("SELECT count(*) FROM receipt WHERE phone = %s", (siti.phone,)) == 1


def test_a_tab_remembers_its_phone(page: SimulatorPage, siti: Worker) -> None:
    page.opens().picks(siti.name)
    page.texts_the_service("BANTUAN").gets("MULAI")
    page.opens()
    assert siti.name in page.find("#playing").text
    page.gets("MULAI")
    assert page.sent == ["BANTUAN"]


def test_the_page_counts_as_the_service_does(page: SimulatorPage) -> None:
    page.opens()
    samples = [
        "",
        "a",
        "€",
        "a" * 160,
        "a" * 161,
        "a" * 152 + "€",
        "[" * 80,
        "[" * 77,
        "ç",
        "Çà\n",
        "🙂" * 35,
        "🙂" * 36,
    ]
    samples += ["x" * 66 + "🙂" + "x" * 10, "…", "`", "a" * 306, "a" * 307]
    script = """return import('/simulator/static/js/gsm7.js').then(({ sms }) =>
        arguments[0].map((text) => { const { encoding, units, parts } = sms(text); return [encoding, units, parts]; }))"""
    ours = [(found.encoding.value, found.units, found.count) for found in map(segments, samples)]
    assert [tuple(found) for found in page.asks(script, samples)] == ours
