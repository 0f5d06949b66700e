"""Users, as the ministry's administrator looks after them."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bot.officers import accounts
from bot.officers.accounts import Role
from bot.services import Services
from tests.web.admin.conftest import MovableClock, Officer, SignIn
from tests.world import World

_PASSWORD = re.compile(r"<code>(([a-z2-9]{4}-){3}[a-z2-9]{4})</code>")


def _number(services: Services, name: str) -> int:
    found = accounts.find(services.database, name)
    assert found is not None
    return found.id


def _shown_password(officer: Officer, answer: TestResponse) -> str:
    assert answer.location == "/admin/users/password"
    found = _PASSWORD.search(officer.reads("/admin/users/password"))
    assert found is not None
    # once: whoever opens the page again, or presses back, sees nothing
    assert officer.opens("/admin/users/password").location == "/admin/users/"
    return found[1]


def test_the_list_tells_who_where_and_how(sign_in: SignIn, world: World) -> None:
    sign_in(Role.DISTRICT, "3273", name="cici")
    page = sign_in(name="sri").reads("/admin/users/")
    for told in ("cici", "Kota Bandung", "District", "sri", "Ministry, the whole country", "may sign in"):
        assert told in page


def test_the_list_is_searched(sign_in: SignIn, world: World) -> None:
    sign_in(Role.DISTRICT, "3273", name="cici")
    sri = sign_in(name="sri")
    assert "/admin/users/" in sri.reads("/admin/users/", q="3273")
    assert ">sri</a></td>" not in sri.reads("/admin/users/", q="cic")
    assert "No user fits." in sri.reads("/admin/users/", q="nobody")


def test_a_user_of_a_district_is_added_and_signs_in(
    app: Flask, sign_in: SignIn, services: Services, world: World
) -> None:
    sri = sign_in(name="sri")
    assert "Kota Bandung (3273)" in sri.reads("/admin/users/add", role="district")
    answer = sri.sends("/admin/users/add", {"role": "district", "area": "3273", "name": "cici", "password": ""})
    password = _shown_password(sri, answer)
    assert Officer(app.test_client()).signs_in("cici", password).status_code == 302
    lines = services.database.rows(
        "SELECT actor, detail FROM audit WHERE action = 'user.add' AND subject = 'user:cici'"
    )
    assert lines == [("sri", {"role": "district", "area": "3273"})]


def test_a_facility_is_chosen_within_its_district(sign_in: SignIn, services: Services, world: World) -> None:
    world.facility(code="F-OWN")
    sri = sign_in(name="sri")
    assert "District of the facility" in sri.reads("/admin/users/add", role="facility")
    assert "Puskesmas Melati (F-OWN)" in sri.reads("/admin/users/add", role="facility", district="3273")
    form: dict[str, object] = {"role": "facility", "area": "F-OWN", "name": "dodi", "password": "typed by the ministry"}
    assert sri.sends("/admin/users/add", form).location == "/admin/users/"
    assert "dodi is added." in sri.reads("/admin/users/")


@pytest.mark.parametrize(
    ("form", "told"),
    [
        ({"role": "national", "name": "SRI"}, "There is a user of that name already."),
        ({"role": "national", "name": "a b"}, "A user&#39;s name has 1 to 40 letters"),
        ({"role": "national", "name": "ani", "password": "short"}, "A password has 10 to 200 characters."),
        ({"role": "district", "name": "ani", "area": "9999"}, "There is no district with the code 9999."),
    ],
)
def test_what_cannot_be_added_is_told(sign_in: SignIn, world: World, form: dict[str, object], told: str) -> None:
    sri = sign_in(name="sri")
    answer = sri.sends("/admin/users/add", form)
    assert answer.status_code == 400
    assert told in answer.get_data(as_text=True)


def test_a_new_password_replaces_the_old_one_and_ends_sessions(
    app: Flask, sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    budi = sign_in(name="budi")
    clock.passes(seconds=5)
    sri = sign_in(name="sri")
    password = _shown_password(sri, sri.sends(f"/admin/users/{_number(services, 'budi')}/password"))
    assert budi.opens("/admin/account").status_code == 302
    assert budi.signs_in("budi").status_code == 401
    assert Officer(app.test_client()).signs_in("budi", password).status_code == 302


def test_a_user_is_shut_out_and_let_in_again(sign_in: SignIn, services: Services, clock: MovableClock) -> None:
    budi = sign_in(name="budi")
    clock.passes(seconds=5)
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'budi')}"
    assert sri.sends(f"{where}/disable").location == where
    assert "cannot sign in any more" in sri.reads(where)
    assert budi.opens("/admin/account").status_code == 302
    assert budi.signs_in("budi").status_code == 401
    sri.sends(f"{where}/enable")
    assert budi.signs_in("budi").status_code == 302


def test_a_lost_code_is_removed(sign_in: SignIn, services: Services, clock: MovableClock) -> None:
    budi = sign_in(name="budi")
    found = re.search(r"<code>([A-Z2-7]{16,})</code>", budi.reads("/admin/account"))
    assert found is not None
    budi.sends("/admin/account/totp", {"code": pyotp.TOTP(found[1]).at(int(clock.now.timestamp()))})
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'budi')}"
    assert "Remove the lost code" in sri.reads(where)
    sri.sends(f"{where}/remove-totp")
    assert "Remove the lost code" not in sri.reads(where)
    assert budi.signs_in("budi").status_code == 302


def test_all_sessions_of_a_user_end(sign_in: SignIn, services: Services, clock: MovableClock) -> None:
    budi = sign_in(name="budi")
    clock.passes(seconds=5)
    sri = sign_in(name="sri")
    sri.sends(f"/admin/users/{_number(services, 'budi')}/end-sessions")
    assert budi.opens("/admin/account").status_code == 302
    assert sri.opens("/admin/account").status_code == 200


def test_oneself_is_not_shut_out(sign_in: SignIn, services: Services) -> None:
    sign_in(name="budi")
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'sri')}"
    assert "Disable" not in sri.reads(where)
    for what in ("disable", "remove-totp", "password"):
        sri.sends(f"{where}/{what}")
        assert "You cannot do this to yourself." in sri.reads(where)
    assert sri.opens("/admin/account").status_code == 200


def test_what_is_not_there_is_not_found(sign_in: SignIn, services: Services) -> None:
    sri = sign_in(name="sri")
    assert sri.opens("/admin/users/999999").status_code == 404
    assert sri.sends("/admin/users/999999/disable").status_code == 404
    assert sri.sends(f"/admin/users/{_number(services, 'sri')}/promote").status_code == 404
