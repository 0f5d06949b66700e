"""All that is kept of one person is handed out: every column of it, and nothing about others."""

from __future__ import annotations

import json

import pytest
from psycopg.types.json import Jsonb

from bot.privacy import export
from bot.privacy.columns import ABOUT
from bot.registration.officer import Officer, OutOfReach, Reach
from bot.services import Services
from tests.privacy.everything import TEXT_OF_THEIRS, TICKET, Person
from tests.privacy.traces import OFFICER, WHY
from tests.world import MORNING


class TestHandingOut:
    def test_every_column_about_them_is_in_it(self, services: Services, kartika: Person) -> None:
        token = services.database.value(
            "INSERT INTO admin (name, password_hash, role, created_at) VALUES ('a', '', 'national', now()) RETURNING id"
        )
        token = services.database.value(
            "INSERT INTO api_token (admin_id, name, token_hash, scopes, created_at) "
            "VALUES (%s, 't', '\\x01', '{}', now()) RETURNING id",
            (token,),
        )
        services.database.rows(
            "INSERT INTO idempotent_request (token_id, key, request_hash, status, body, at) VALUES (%s, 'k', '', 200, %s, %s)",
            (token, Jsonb({"ticket": TICKET}), MORNING),
        )
        found = export.export(services.database, services.vault, kartika.worker.id, WHY, OFFICER, MORNING)
        for table, about in ABOUT.items():
            rows = found["data"][table]
            assert rows, f"nothing of {table}: the person of this test must have a row in every table"
            wanted = {each.removesuffix("_sealed") for each in about.handed_out if not each.endswith("_hash")}
            assert all(set(row) == wanted for row in rows), table
            for sealed in about.sealed:
                assert all(row[sealed.removesuffix("_sealed")] for row in rows), (table, sealed)
        text = json.dumps(found, ensure_ascii=False)
        for telling in (
            kartika.worker.nik,
            kartika.worker.name,
            kartika.worker.phone,
            "1985-08-17",
            TICKET,
            TEXT_OF_THEIRS,
        ):
            assert str(telling) in text
        assert found["places"][0]["facility"] == "Puskesmas Melati"

    def test_nothing_about_others_is_in_it(self, services: Services, kartika: Person, other: Person) -> None:
        found = export.export(services.database, services.vault, kartika.worker.id, WHY, OFFICER, MORNING)
        text = json.dumps(found, ensure_ascii=False)
        for telling in (other.worker.nik, other.worker.name, other.worker.phone, "R4T5XZ"):
            assert str(telling) not in text

    def test_it_is_in_the_log_without_what_was_handed_out(self, services: Services, kartika: Person) -> None:
        export.export(services.database, services.vault, kartika.worker.id, WHY, OFFICER, MORNING)
        rows = services.database.rows("SELECT actor, subject, detail FROM audit WHERE action = 'privacy.export'")
        assert rows == [("siti", f"worker:{kartika.worker.id}", {"reason": WHY})]

    def test_who_is_out_of_reach_is_nobody(self, services: Services, kartika: Person) -> None:
        elsewhere = Officer("budi", Reach(workers="w.district_code = '9999'"))
        with pytest.raises(OutOfReach):
            export.export(services.database, services.vault, kartika.worker.id, WHY, elsewhere, MORNING)
