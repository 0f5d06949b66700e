"""The simulator's page and its JSON."""

from __future__ import annotations

import json
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from bot.registration.tickets import is_ticket
from bot.services import Services
from bot.web import simulator
from bot.web.app import create_app
from bot.web.simulator.people import MOST_PEOPLE
from bot.web.simulator.wording import LANGUAGES, words_of
from gateway_adapters.base import Outgoing, SettingMissing
from tests.phones import WEBHOOK_SECRET
from tests.web.conftest import Marks
from tests.world import MORNING, World

_FILES = Path(simulator.__file__).parent
FORM = "application/x-www-form-urlencoded"


def config_of(page: str) -> dict[str, Any]:
    """What the page tells its scripts."""
    found = re.search(r'<script type="application/json" id="config">(.*?)</script>', page, re.DOTALL)
    assert found is not None
    told: dict[str, Any] = json.loads(found[1])
    return told


def workers(client: FlaskClient, query: str = "") -> list[dict[str, Any]]:
    told = client.get("/simulator/api/workers", query_string={"q": query}).get_json()
    assert told["roster"] == "sample"
    found: list[dict[str, Any]] = told["workers"]
    return found


def names(people: list[dict[str, Any]]) -> list[str]:
    return [who["name"] for who in people]


# --- the page ----------------------------------------------------------------------------------------------------------


def test_without_the_setting_there_is_no_simulator(environ_without: dict[str, str]) -> None:
    app = create_app(environ_without)
    assert app.test_client().get("/simulator/").status_code == 404
    app.extensions["services"].close()


def test_without_a_webhook_secret_the_service_says_what_the_simulator_lacks(environ: dict[str, str]) -> None:
    with pytest.raises(SettingMissing, match="WEBHOOK_SECRET"):
        create_app({**environ, "WEBHOOK_SECRET": ""})


def test_the_slash_may_be_left_out(client: FlaskClient) -> None:
    answer = client.get("/simulator")
    assert answer.status_code == 308
    assert answer.headers["Location"].endswith("/simulator/")


def test_nothing_on_the_page_runs_but_its_own_files(client: FlaskClient) -> None:
    answer = client.get("/simulator/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"
    page = answer.get_data(as_text=True)
    assert re.findall(r"<script(?![^>]*(?:src=|application/json))", page) == []
    assert re.findall(r"<style|\sstyle=|\son[a-z]+=|javascript:", page) == []
    assert re.findall(r"(?:src|href)=\"(?:https?:)?//", page) == []


def test_every_answer_is_guarded(client: FlaskClient) -> None:
    for path in ("/simulator/static/js/main.js", "/simulator/letters.ttf", "/simulator/api/workers"):
        answer = client.get(path)
        assert answer.status_code == 200
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "default-src 'self'" in answer.headers["Content-Security-Policy"]


def test_everything_that_the_page_names_is_there(client: FlaskClient) -> None:
    page = client.get("/simulator/").get_data(as_text=True)
    named = {path.partition("#")[0] for path in re.findall(r'(?:src|href)="(/simulator/[^"]+)"', page)}
    assert len(named) > 20
    assert {path: client.get(path).status_code for path in named} == dict.fromkeys(named, 200)


def test_the_page_knows_the_real_webhooks(client: FlaskClient, sample: World) -> None:
    config = config_of(client.get("/simulator/").get_data(as_text=True))
    assert config["ussdCode"] == "*119#"
    assert config["septets"] == 160
    assert WEBHOOK_SECRET not in config["webhooks"]["ussd"]["masked"]
    siti = workers(client, "Siti")[0]

    def hop(text: str) -> str:
        form = {"phone": siti["phone"], "session": "s1", "code": "*119#", "text": text}
        answer = client.post(config["webhooks"]["ussd"]["path"], data=form)
        assert answer.status_code == 200
        return answer.get_data(as_text=True)

    assert hop("").startswith("CON ")
    typed = "{2}{1}{0}".format(*siti["birth_date"].split("-"))
    for more in ("", "*1", "*1"):
        typed += more
        assert hop(typed).startswith("CON ")
    last = hop(f"{typed}*1")
    assert last.startswith("END ")
    assert any(is_ticket(word) for word in re.findall(r"[A-Z0-9]{6}", last))
    assert workers(client, "Siti")[0]["state"] == "booked"


def test_a_secret_that_a_path_must_spell_out(environ: dict[str, str]) -> None:
    app = create_app({**environ, "WEBHOOK_SECRET": 'a "b" & </script>?#'.replace("/", "")})
    client = app.test_client()
    config = config_of(client.get("/simulator/").get_data(as_text=True))
    form = {"phone": "+6281234567890", "session": "s1", "code": "*119#", "text": ""}
    assert client.post(config["webhooks"]["ussd"]["path"], data=form).status_code == 200
    app.extensions["services"].close()


# --- its words ---------------------------------------------------------------------------------------------------------


def test_the_page_speaks_the_language_wished_for(client: FlaskClient) -> None:
    for query, cookie, accepted, language in (
        ("", "", "", "id"),
        ("", "", "fr-FR,fr;q=0.9", "id"),
        ("", "", "id-ID,id;q=0.9,en;q=0.8", "id"),
        ("", "", "en-GB,en;q=0.9", "en"),
        ("", "id", "en", "id"),
        ("?lang=en", "id", "id", "en"),
        ("?lang=xx", "yy", "", "id"),
    ):
        client.set_cookie("simulator-language", cookie, path="/simulator")
        page = client.get(f"/simulator/{query}", headers={"Accept-Language": accepted}).get_data(as_text=True)
        assert f'<html lang="{language}">' in page, (query, cookie, accepted)
        assert words_of(language)["people.title"] in page


def test_both_languages_say_the_same_things() -> None:
    own = {language: {key for key in words_of(language) if " " not in key} for language in LANGUAGES}
    assert own["id"] == own["en"]
    for key in own["en"]:
        blanks = {language: set(re.findall(r"\{\w+\}", words_of(language)[key])) for language in LANGUAGES}
        assert blanks["id"] == blanks["en"], key


def test_every_word_asked_for_exists_and_none_is_left_over() -> None:
    asked = _TEMPLATE_WORDS.findall((_FILES / "templates/simulator/page.html").read_text("utf-8"))
    scripts = "".join(path.read_text("utf-8") for path in (_FILES / "static/js").glob("*.js"))
    known = set(words_of("en"))
    assert set(asked) <= known
    assert set(_SCRIPT_WORDS.findall(scripts)) <= known
    families = {"trait", "state", "kind", "receipt", "receipts", "tabs"}  # put together from codes
    left = {
        key for key in known if f'"{key}"' not in scripts and key not in asked and key.split(".")[0] not in families
    }
    assert left == {"phone.broken", "phone.nothing"}


_TEMPLATE_WORDS = re.compile(r"""(?:say\(|named\(|tipped\(|words\[)["']([a-z.-]+)["'][)\]]""")
_SCRIPT_WORDS = re.compile(r"""\.say\("([a-z.-]+)"[,)]""")


# --- whom one can play -------------------------------------------------------------------------------------------------


def test_an_empty_roster_says_so(client: FlaskClient) -> None:
    assert client.get("/simulator/api/workers").get_json() == {"roster": "empty", "workers": []}


def test_people_who_may_be_real_are_not_shown(client: FlaskClient, world: World, mark: Marks) -> None:
    siti = world.worker(world.facility())
    hidden = {"roster": "real", "workers": []}

    def shown(query: str) -> Any:
        return client.get("/simulator/api/workers", query_string={"q": query}).get_json()

    assert shown("") == hidden, "of a roster nobody knows where it comes from"
    mark("sample.load")
    assert shown("")["roster"] == "sample"
    mark("roster.import")
    assert [shown(query) for query in ("", "Siti", str(siti.phone), siti.nik)] == [hidden] * 4


def test_first_come_one_of_each_kind(client: FlaskClient, sample: World) -> None:
    found = workers(client)
    assert names(found) == ["Siti Wulandari", "Made Tanpa", "Ayu Lestari", "Budi Lestari", "Oma Tua"]
    assert [who["traits"] for who in found] == [[], ["no-phone"], ["shared-phone"], ["shared-phone"], ["outside-ages"]]


def test_all_that_playing_somebody_needs(client: FlaskClient, sample: World) -> None:
    siti = workers(client, "siti wul")[0]
    assert siti["nik"] == "3273015708850002"
    assert siti["birth_date"] == "1985-08-17"
    assert siti["age"] == 35
    assert siti["district"] == "Kota Bandung"
    assert siti["facility"] == "Puskesmas Melati"
    assert siti["state"] == "not_invited"


def test_ages_are_counted_to_the_day(client: FlaskClient, sample: World) -> None:
    place, today = sample.facility(), MORNING.date()
    sample.worker(place, name="Batas Tua", birth_date=date(1961, 1, 14))
    sample.worker(place, name="Batas Muda", birth_date=date(2003, 1, 13))
    sample.worker(place, name="Terlalu Muda", birth_date=date(2003, 1, 13) + timedelta(days=1))
    traits = {who["name"]: who["traits"] for who in workers(client, "a")}
    assert today == date(2021, 1, 13)
    assert traits["Batas Tua"] == traits["Batas Muda"] == []
    assert traits["Oma Tua"] == traits["Terlalu Muda"] == ["outside-ages"]


def test_looking_for_somebody(client: FlaskClient, sample: World) -> None:
    siti = workers(client)[0]
    digits = siti["phone"].removeprefix("+62")
    for query, expected in {
        "LESTARI": ["Ayu Lestari", "Budi Lestari"],
        " kota band ": ["Siti Wulandari", "Made Tanpa", "Ayu Lestari", "Budi Lestari", "Oma Tua"],
        f"0{digits[:3]}-{digits[3:7]}-{digits[7:]}": ["Siti Wulandari"],
        f"+62 {digits[:3]} {digits[3:]}": ["Siti Wulandari"],
        "%": [],
        "_": [],
        "\\": [],
        "' OR 1=1 --": [],
        "Oma\0 Tua": ["Oma Tua"],
        "nobody": [],
    }.items():
        assert names(workers(client, query)) == expected, query


def test_a_list_has_an_end(client: FlaskClient, sample: World) -> None:
    place = sample.facility()
    for number in range(MOST_PEOPLE + 5):
        sample.worker(place, name=f"Nakes {number}")
    assert len(workers(client)) == MOST_PEOPLE
    assert len(workers(client, "Nakes")) == MOST_PEOPLE


# --- any number --------------------------------------------------------------------------------------------------------


def test_a_number_in_any_spelling(client: FlaskClient) -> None:
    for spelling in ("0812 3456 7890", "+62 812-3456-7890", "6281234567890"):
        told = client.get("/simulator/api/phone", query_string={"number": spelling}).get_json()
        assert told == {"phone": "+6281234567890", "operator": "Telkomsel", "listed": False}


def test_a_number_of_the_roster_is_known_as_such(client: FlaskClient, sample: World) -> None:
    siti = workers(client)[0]
    assert client.get("/simulator/api/phone", query_string={"number": siti["phone"]}).get_json()["listed"] is True


def test_what_is_no_number_is_told_why_in_both_languages(client: FlaskClient) -> None:
    short = ("", "-", "12", "081", "+1", "+628", "112", "00 1 2", "0062812", "+65 1234")
    long = ("0812345678901234", "9" * 30, "9" * 70, "0811/0812345678", "0811 23456789, 0812 23456789")
    strange = ("abc", "0812*345", "'0812", "6,28123E+12", "0217654321", "+999123456789", "+628001234567", "0712345678")
    reasons = set()
    for spelling in (*short, *long, *strange):
        answer = client.get("/simulator/api/phone", query_string={"number": spelling})
        assert answer.status_code == 400, spelling
        assert answer.get_json()["error"] == "phone"
        reasons.add(answer.get_json()["reason"])
    assert {f"number.reason {reason}" for reason in reasons} <= set(words_of("id"))
    assert len(reasons) >= 12


def test_a_number_that_nobody_has(client: FlaskClient, sample: World) -> None:
    numbers = {client.get("/simulator/api/strange-phone").get_json()["phone"] for _ in range(5)}
    assert len(numbers) == 5
    for number in numbers:
        told = client.get("/simulator/api/phone", query_string={"number": number}).get_json()
        assert told == {"phone": number, "operator": None, "listed": False}


# --- the inbox ---------------------------------------------------------------------------------------------------------


def test_messages_arrive_in_the_inbox_of_their_phone(client: FlaskClient, services: Services) -> None:
    gateway = services.gateways["simulator"]
    gateway.send([Outgoing(1, "+6281234567890", "satu"), Outgoing(2, "+6289999999999", "orang lain")])
    first = _inbox(client, phone="+6281234567890").get_json()["messages"]
    assert [sms["text"] for sms in first] == ["satu"]
    gateway.send([Outgoing(3, "+6281234567890", "<b>dua</b>")])
    later = _inbox(client, phone="+6281234567890", after=first[0]["position"]).get_json()["messages"]
    assert [sms["text"] for sms in later] == ["<b>dua</b>"]
    assert later[0]["id"].startswith("sim-")


def test_an_inbox_asked_for_wrongly(client: FlaskClient) -> None:
    for query, error in (
        ({}, "phone"),
        ({"phone": "0812"}, "phone"),
        ({"phone": "+6281234567890\n"}, "phone"),
        ({"phone": "+6281234567890", "after": "-"}, "after"),
        ({"phone": "+6281234567890", "after": "0-0 + 5"}, "after"),
        ({"phone": "+6281234567890", "after": "٣-٣"}, "after"),
        ({"phone": "+6281234567890", "after": f"{'9' * 20}-0"}, "after"),
    ):
        answer = _inbox(client, **query)
        assert answer.status_code == 400, query
        assert answer.get_json()["error"] == error


def test_with_redis_away_the_inbox_says_so(environ: dict[str, str]) -> None:
    app = create_app({**environ, "QUEUE_REDIS_URL": environ["REDIS_URL"], "REDIS_URL": "redis://127.0.0.1:1/0"})
    answer = _inbox(app.test_client(), phone="+6281234567890")
    assert answer.status_code == 503
    assert answer.get_json()["error"] == "away"
    app.extensions["services"].close()


def test_with_postgresql_away_the_list_says_so(environ: dict[str, str]) -> None:
    app = create_app({**environ, "DATABASE_URL": "postgresql://127.0.0.1:1/nowhere?connect_timeout=1"})
    answer = app.test_client().get("/simulator/api/workers")
    assert answer.status_code == 503
    assert answer.get_json()["error"] == "away"
    app.extensions["services"].close()


def _inbox(client: FlaskClient, **query: str) -> Any:
    return client.get("/simulator/api/inbox", query_string=query)
