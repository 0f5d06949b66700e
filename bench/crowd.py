"""A country's worth of rows, made by SQL: workers, registrations, messages and receipts, as a campaign would leave them.

Times lie in the 18 hours before now. Every worker but one in fifty has a phone of their own; three blasts have gone out
(or as many as the wanted messages make), nine of ten messages arrived; those who registered hold places in sessions of
their own facility, which are made large enough.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import psycopg

from bench.blast_stage import fill
from bench.one_of_each import add_one_of_each

#: Messages of one attempt.
_BATCH = 1000
_GATEWAY = "africastalking"


@dataclass(frozen=True, slots=True)
class Crowd:
    """How many there are to be."""

    workers: int = 1_400_000
    registered: int = 500_000
    messages: int = 3_000_000


# The sample has 27 facilities for a thousand workers; each stands for as many as make 13,500 of them in all, in its district,
# with sessions of its own, and its workers are spread over them.
_FACILITIES = """
INSERT INTO facility (code, name, address, district_code)
SELECT f.code || '-' || lpad(n::text, 3, '0'), f.name || ' ' || n, f.address, f.district_code
FROM facility f, generate_series(1, %(copies)s) AS n
"""
_SESSIONS = """
INSERT INTO vaccination_session (facility_id, dose, local_date, start_time, end_time, starts_at, ends_at, capacity)
SELECT c.id, s.dose, s.local_date, s.start_time, s.end_time, s.starts_at, s.ends_at, s.capacity
FROM facility f JOIN vaccination_session s ON s.facility_id = f.id
JOIN facility c ON c.code LIKE f.code || '-%%'
WHERE f.code NOT LIKE '%%-%%'
"""
_SPREAD = """
WITH place AS (
    SELECT id, district_code, row_number() OVER (PARTITION BY district_code ORDER BY id) - 1 AS place,
           count(*) OVER (PARTITION BY district_code) AS many FROM facility
)
UPDATE worker w SET facility_id = p.id FROM place p
WHERE w.facility_id IS NOT NULL AND p.district_code = w.district_code AND p.place = mod(w.id, p.many)
"""
_FACILITIES_IN_ALL = 13_500

# Who registers is spread over all districts; the multiplier has no factor in common with what it is taken modulo of.
_REGISTRANTS = """
CREATE TEMPORARY TABLE registrant ON COMMIT DROP AS
SELECT id AS worker_id, phone, facility_id, row_number() OVER (ORDER BY mod(id * 7919, 1000003), id) AS place
FROM worker WHERE facility_id IS NOT NULL AND phone IS NOT NULL
ORDER BY mod(id * 7919, 1000003), id LIMIT %(registered)s
"""
_ROOM = """
UPDATE vaccination_session s SET capacity = capacity + 1 + wanted.many FROM (
    SELECT facility_id, count(*) AS many FROM registrant GROUP BY facility_id) AS wanted
WHERE s.facility_id = wanted.facility_id
"""
_BOOK = """
INSERT INTO booking (worker_id, session_id, state, ticket, phone, created_at, booked_at)
SELECT r.worker_id, s.id, 'booked', 'B' || lpad(to_hex(r.place), 7, '0'), r.phone, at, at
FROM (SELECT *, %(began)s + (%(now)s - %(began)s) * (sqrt(place::float8 / %(registered)s)) AS at FROM registrant) AS r
JOIN LATERAL (SELECT id FROM vaccination_session v WHERE v.facility_id = r.facility_id
              ORDER BY mod(r.worker_id * 31 + v.id, 97), v.id LIMIT 1) AS s ON true
"""
_TAKEN = """
UPDATE vaccination_session s SET taken = counted.many
FROM (SELECT session_id, count(*) AS many FROM booking GROUP BY session_id) AS counted WHERE counted.session_id = s.id
"""
_SCREENED = """
INSERT INTO screening (worker_id, outcome, screened_at) SELECT worker_id, 'fit', booked_at FROM booking
"""
_PROVEN = """
UPDATE worker w SET started_at = b.booked_at, verified_at = b.booked_at, confirmed_at = b.booked_at
FROM booking b WHERE b.worker_id = w.id
"""
_STARTED = """
UPDATE worker SET started_at = %(began)s + interval '5 hours', verified_at = CASE WHEN mod(id, 20) = 0 THEN %(began)s
    + interval '5 hours' END
WHERE mod(id, 10) = 0 AND started_at IS NULL
"""
_CAMPAIGN = """
INSERT INTO campaign (name, kind, state, audience, gateway, recipients, segments, created_by, created_at, approved_by,
                      approved_at, materialised_at, deadline_at, ended_at)
VALUES (%(name)s, 'blast', 'finished', '{}', %(gateway)s, %(many)s, %(many)s, 'bench', %(at)s, 'bench', %(at)s, %(at)s,
        %(at)s + interval '48 hours', %(at)s + interval '1 hour') RETURNING id
"""
_ATTEMPTS = """
INSERT INTO attempt (lane, gateway, campaign_id, language, time_zone, part, size, state, created_at, due_at, deadline_at,
                     claimed_at, submitted_at, settled_at)
SELECT 'blast', %(gateway)s, %(campaign)s, 'id', 'Asia/Jakarta', part, %(batch)s, 'settled', %(at)s, %(at)s,
       %(at)s + interval '48 hours', %(at)s, %(at)s, %(at)s
FROM generate_series(0, (%(many)s - 1) / %(batch)s) AS part
"""
_MESSAGES = """
INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, reason, provider_id, settled_at, created_at, lane,
                     kind, gateway, language)
SELECT %(campaign)s, w.id, a.id, w.phone,
       CASE mod(w.id * 7 + %(campaign)s, 20) WHEN 0 THEN 'rejected' WHEN 1 THEN 'accepted' ELSE 'delivered' END,
       CASE mod(w.id * 7 + %(campaign)s, 20) WHEN 0 THEN 'the message could not be delivered' END,
       'ATXid_' || md5(w.id || ':' || %(campaign)s), %(at)s + interval '1 minute', %(at)s, 'blast', 'blast', %(gateway)s, 'id'
FROM (SELECT id, phone, row_number() OVER (ORDER BY coalesce(domicile_code, district_code), id) - 1 AS place
      FROM worker WHERE phone IS NOT NULL ORDER BY coalesce(domicile_code, district_code), id LIMIT %(many)s) AS w
JOIN attempt a ON a.campaign_id = %(campaign)s AND a.part = w.place / %(batch)s
"""
_RECEIPTS = """
INSERT INTO receipt (gateway, provider_id, phone, status, reason, matched, received_at)
SELECT gateway, provider_id, phone, CASE state WHEN 'rejected' THEN 'failed' ELSE 'delivered' END, coalesce(reason, ''), true,
       settled_at
FROM message WHERE campaign_id = %(campaign)s AND state IN ('rejected', 'delivered')
"""
_ROSTER_TABLES = "worker, vaccination_session, facility, district"
_TABLES = "worker, booking, vaccination_session, screening, message, attempt, receipt, campaign, facility, district"


def gather_roster(environ: Mapping[str, str], workers: int) -> None:
    """Fill an empty database with workers, facilities and sessions alone, as many of each as there are in a country of that
    size; raises ``psycopg.Error``."""
    fill(environ, workers, 0)
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET work_mem = '256MB'")
        row = connection.execute("SELECT count(*) FROM facility").fetchone()
        copies = max(0, _FACILITIES_IN_ALL * workers // (1_400_000 * int(row[0])) - 1) if row else 0
        with connection.transaction():
            for statement in (_FACILITIES, _SESSIONS, _SPREAD):
                connection.execute(statement.encode(), {"copies": copies})
        connection.execute(f"VACUUM (ANALYZE) {_ROSTER_TABLES}".encode())
        connection.execute("CHECKPOINT")


def gather(environ: Mapping[str, str], crowd: Crowd, say: Callable[[str], None]) -> None:
    """Fill an empty database; raises ``psycopg.Error``."""
    say(f"making up {crowd.workers:,} workers, their facilities and sessions")
    gather_roster(environ, crowd.workers)
    now = datetime.now(UTC)
    began = now - timedelta(hours=18)
    with psycopg.connect(environ["DATABASE_URL"], autocommit=True) as connection:
        connection.execute("SET work_mem = '256MB'")
        say(f"{crowd.registered:,} registrations")
        times: dict[str, object] = {"now": now, "began": began, "registered": crowd.registered}
        with connection.transaction():
            for statement in (_REGISTRANTS, _ROOM, _BOOK, _TAKEN, _SCREENED, _PROVEN, _STARTED):
                connection.execute(statement.encode(), times)
        left, number = crowd.messages, 0
        while left > 0:
            number += 1
            many = min(left, crowd.workers - crowd.workers // 50)
            say(f"blast {number}: {many:,} messages with their receipts")
            at = began + timedelta(hours=4 * (number - 1))
            with connection.transaction():
                values: dict[str, object] = {"name": f"blast {number}", "gateway": _GATEWAY, "many": many, "at": at}
                row = connection.execute(_CAMPAIGN, values).fetchone()
                assert row is not None
                values |= {"campaign": row[0], "batch": _BATCH}
                connection.execute(
                    "INSERT INTO campaign_text (campaign_id, language, body) VALUES (%s, 'id', 'Daftar vaksinasi')",
                    (row[0],),
                )
                for statement in (_ATTEMPTS, _MESSAGES, _RECEIPTS):
                    connection.execute(statement.encode(), values)
            left -= many
        add_one_of_each(environ, now)
        say("statistics")
        connection.execute(f"VACUUM (ANALYZE) {_TABLES}".encode())
        connection.execute("CHECKPOINT")
