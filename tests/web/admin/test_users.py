"""Users, as the ministry's administrator looks after them."""

from __future__ import annotations

import re

import pyotp
import pytest
from flask import Flask
from werkzeug.test import TestResponse

from bot.officers import accounts, tokens
from bot.officers.accounts import Role
from bot.officers.permissions import May
from bot.services import Services
from tests.web.admin.conftest import PASSWORD, MovableClock, Officer, SignIn
from tests.world import World

_PASSWORD = re.compile(r"<code class=.once.>(([a-z2-9]{4}-){3}[a-z2-9]{4})</code>")


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
        ({"role": "district", "name": "ani", "area": "9999"}, "Choose an area from the list."),
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
    budi.sends(
        "/admin/account/totp", {"password": PASSWORD, "code": pyotp.TOTP(found[1]).at(int(clock.now.timestamp()))}
    )
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


def _token(services: Services, name: str) -> str:
    admin = accounts.find(services.database, name)
    assert admin is not None
    return tokens.issue(services.database, admin, "dashboard", [May.SEE_PROGRESS], None, now=services.clock.now())


def test_a_new_password_ends_the_tokens_of_a_users_programs(
    app: Flask, sign_in: SignIn, services: Services, clock: MovableClock
) -> None:
    sign_in(name="budi")
    bearer = {"Authorization": f"Bearer {_token(services, 'budi')}"}
    assert app.test_client().get("/api/v1/progress", headers=bearer).status_code == 200
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'budi')}"
    page = sri.reads(where)
    assert "1 in force" in page
    assert "all sessions and all tokens end at once" in page
    sri.sends(f"{where}/password")
    assert app.test_client().get("/api/v1/progress", headers=bearer).status_code == 401
    assert "1 in force" not in sri.reads(where)


def test_a_user_changes_from_a_district_to_a_facility(
    sign_in: SignIn, services: Services, world: World, clock: MovableClock
) -> None:
    world.facility(code="F-OWN")
    cici = sign_in(Role.DISTRICT, "3273", name="cici")
    assert cici.opens("/admin/follow-up/").status_code in {200, 302}
    clock.passes(seconds=5)
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'cici')}"
    assert f'href="{where}/role"' in sri.reads(where)
    first = sri.reads(f"{where}/role")
    assert "District, Kota Bandung (3273)" in first
    assert "District of the facility" in sri.reads(f"{where}/role", role="facility")
    last = sri.reads(f"{where}/role", role="facility", district="3273")
    assert "Puskesmas Melati (F-OWN)" in last
    assert 'data-confirm="Change role and area of this user?' in last
    assert sri.sends(f"{where}/role", {"role": "facility", "area": "F-OWN"}).location == where
    page = sri.reads(where)
    assert "cici has another role or area now" in page
    assert "Puskesmas Melati (F-OWN)" in page
    # what was open is over, and the new session has the new rights alone
    assert cici.opens("/admin/account").status_code == 302
    clock.passes(seconds=5)
    cici.signs_in("cici")
    assert cici.opens("/admin/follow-up/").status_code == 403
    assert cici.opens("/admin/desk/").status_code == 200
    line = services.database.row("SELECT actor, subject, detail FROM audit WHERE action = 'user.reassign'")
    assert line is not None
    assert line[:2] == ("sri", "user:cici")
    assert line[2] == {
        "role": "facility",
        "area": "F-OWN",
        "was_role": "district",
        "was_area": "3273",
        "tokens_ended": 0,
    }


def test_an_area_that_is_none_of_the_roles_is_not_given(sign_in: SignIn, services: Services, world: World) -> None:
    sign_in(Role.DISTRICT, "3273", name="cici")
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'cici')}/role"
    for form in ({"role": "province", "area": "3273"}, {"role": "facility"}, {"role": "national", "area": "3273"}):
        answer = sri.sends(where, dict(form))
        assert (answer.status_code, "Choose an area from the list." in answer.get_data(as_text=True)) == (400, True)
    assert sri.sends(where, {"role": "emperor"}).status_code == 400
    found = accounts.find(services.database, "cici")
    assert found is not None
    assert (found.role, found.area_code) == (Role.DISTRICT, "3273")


def test_nobody_changes_their_own_role(sign_in: SignIn, services: Services, world: World) -> None:
    sign_in(name="budi")
    sri = sign_in(name="sri")
    where = f"/admin/users/{_number(services, 'sri')}/role"
    answer = sri.sends(where, {"role": "call-centre"})
    assert (answer.status_code, "You cannot do this to yourself." in answer.get_data(as_text=True)) == (400, True)
    assert sri.opens("/admin/users/").status_code == 200


def test_only_the_ministry_changes_users(sign_in: SignIn, services: Services, world: World) -> None:
    sign_in(Role.DISTRICT, "3273", name="cici")
    province = sign_in(Role.PROVINCE, "32", name="dodi")
    where = f"/admin/users/{_number(services, 'cici')}/role"
    assert province.opens(where).status_code == 403
    assert province.sends(where, {"role": "province", "area": "32"}).status_code == 403
