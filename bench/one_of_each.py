"""One of each thing that has a page of its own and that a crowd does not bring: a draft, a stranger's enquiry, a list."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import psycopg

from bot.crypto import Vault
from bot.db.database import Database
from bot.registration import uploads
from bot.registration.importing import Kind

#: A list with one row that is right and one that is not.
_FACILITIES = b"code,name,address,district_code\nF-BENCH,Puskesmas Bench,,%(district)s\n,Nameless,,%(district)s\n"
_DRAFT = """
WITH draft AS (
    INSERT INTO campaign (name, kind, state, audience, gateway, created_by, created_at)
    VALUES ('draft', 'blast', 'draft', '{}', 'africastalking', 'bench', %(now)s) RETURNING id
)
INSERT INTO campaign_text (campaign_id, language, body) SELECT id, 'id', 'Daftar vaksinasi: {ussd_code}' FROM draft
"""
_ENQUIRY = """
INSERT INTO enquiry (phone, nik_hash, nik_sealed, district_code, created_at)
VALUES ('+6281000000001', %(hash)s, %(sealed)s, (SELECT min(code) FROM district), %(now)s)
"""


def add_one_of_each(environ: Mapping[str, str], now: datetime) -> None:
    """Add them to a database that has districts; the list is read once the service runs. Raises ``psycopg.Error``."""
    vault, nik = Vault(environ["DATA_KEY"]), "1101010101010001"
    with psycopg.connect(environ["DATABASE_URL"]) as connection:
        connection.execute(_DRAFT, {"now": now})
        connection.execute(_ENQUIRY, {"hash": vault.hash(nik), "sealed": vault.seal(nik, "nik"), "now": now})
        row = connection.execute("SELECT min(code) FROM district").fetchone()
    content = _FACILITIES % {b"district": str(row[0] if row else "").encode()}
    database = Database(environ["DATABASE_URL"], limit=None)
    uploads.receive(database, vault, Kind.FACILITIES, "facilities.csv", content, "bench", now)
    database.close()
