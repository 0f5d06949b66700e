"""A person of whom every table has something, as the service itself would have written it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta

from psycopg.types.json import Jsonb

from bot.messaging.inbound import _PURPOSE
from bot.services import Services
from tests.world import Worker, World

STRANGER = "+6281999888777"
TEXT_OF_THEIRS = "nomor saya rahasia sekali"
NOTE = "tinggal di rumah mertua"
TICKET = "K7M2PX"


@dataclass(frozen=True)
class Person:
    """The worker, and what else belongs to them."""

    worker: Worker
    session: int
    booking: int
    campaign: int


def fill(services: Services, world: World, *, name: str = "Kartika Anggraini", ticket: str = TICKET) -> Person:
    """Write a row about a new person into each table that has any."""
    database, vault, now = services.database, services.vault, services.clock.now()
    facility = world.facility()
    session = world.session(facility)
    worker = world.worker(facility, name=name)
    phone = worker.phone
    sql = database.value
    database.rows(
        "UPDATE worker SET profession = 'Bidan', domicile_code = district_code, started_at = %(now)s, verified_at = %(now)s, "
        "confirmed_at = %(now)s WHERE id = %(id)s",
        {"now": now, "id": worker.id},
    )
    database.rows(
        "INSERT INTO screening (worker_id, outcome, answer_sealed, screened_at) VALUES (%s, 'deferred', %s, %s)",
        (worker.id, vault.seal("pregnant", "screening"), now),
    )
    booking = sql(
        "INSERT INTO booking (worker_id, session_id, state, ticket, phone, created_at, booked_at) "
        "VALUES (%s, %s, 'booked', %s, %s, %s, %s) RETURNING id",
        (worker.id, session, ticket, phone, now, now),
    )
    database.rows("UPDATE vaccination_session SET taken = taken + 1 WHERE id = %s", (session,))
    for kind, subject in (("phone", phone), ("nik", vault.hash(worker.nik).hex())):
        database.rows(
            "INSERT INTO identity_guard (kind, subject, failures, last_failure_at) VALUES (%s, %s, 2, %s)",
            (kind, subject, now),
        )
    database.rows(
        "INSERT INTO phone_claim (worker_id, phone, state, roster_phone, opened_at) VALUES (%s, %s, 'open', %s, %s)",
        (worker.id, STRANGER, phone, now),
    )
    database.rows(
        "INSERT INTO not_me_report (worker_id, phone, reported_at) VALUES (%s, %s, %s)", (worker.id, phone, now)
    )
    database.rows(
        "INSERT INTO enquiry (phone, nik_hash, nik_sealed, birth_date_sealed, district_code, created_at, outcome, settled_at) "
        "VALUES (%s, %s, %s, %s, '3273', %s, 'approved', %s)",
        (phone, vault.hash(worker.nik), vault.seal(worker.nik, "nik"), vault.seal("1985-08-17", "nik"), now, now),
    )
    database.rows(
        "INSERT INTO opt_out (phone, source, since) VALUES (%s, 'sms', %s)", (phone, now + timedelta(days=999))
    )
    database.rows(
        "INSERT INTO wrong_number (phone, gateway, reason, since) VALUES (%s, 'africastalking', 'gone', %s)",
        (phone, now),
    )
    inbound = sql(
        "INSERT INTO inbound (gateway, gateway_message_id, phone, link_id, text_sealed, state, received_at, settled_at) "
        "VALUES ('africastalking', %s, %s, 'link-1', %s, 'handled', %s, %s) RETURNING id",
        (f"in:{worker.id}", phone, vault.seal(TEXT_OF_THEIRS, _PURPOSE), now, now),
    )
    campaign = sql(
        "INSERT INTO campaign (name, kind, state, audience, gateway, recipients, created_by, created_at) "
        "VALUES (%s, 'blast', 'finished', %s, 'africastalking', 1, 'tests', %s) RETURNING id",
        (f"blast {worker.id}", Jsonb({"phones": [phone], "nik_hashes": [vault.hash(worker.nik).hex()]}), now),
    )
    for state, of_campaign, body, key, kind in (
        ("delivered", campaign, None, None, "blast"),
        ("delivered", None, f"Terdaftar. Tiket {ticket}.", f"ticket:{booking}", "ticket"),
        ("accepted", None, f"Halo {name}", f"reply:{inbound}", "reply"),
        ("queued", None, f"Sekali lagi, {name}", f"again:{booking}", "notice"),
    ):
        attempt = sql(
            "INSERT INTO attempt (lane, gateway, campaign_id, size, phone, state, created_at, due_at, settled_at) "
            "VALUES (%s, 'africastalking', %s, 1, %s, %s, %s, %s, %s) RETURNING id",
            (
                "blast" if of_campaign else "reply",
                of_campaign,
                None if of_campaign else phone,
                "queued" if state == "queued" else "settled",
                *(now, now, None if state == "queued" else now),
            ),
        )
        sql(
            "INSERT INTO message (campaign_id, worker_id, booking_id, inbound_id, attempt_id, phone, state, provider_id, "
            "created_at, lane, kind, gateway, language, natural_key, body, link_id) "
            "VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 'africastalking', 'id', %s, %s, 'link-1') RETURNING id",
            (
                *(of_campaign, None if kind == "reply" else worker.id, booking if kind == "ticket" else None),
                *(inbound if kind == "reply" else None, attempt, phone, state, f"AT-{kind}-{worker.id}", now),
                *("blast" if of_campaign else "reply", kind, key, body),
            ),
        )
    # The ticket's was kept before receipts named their messages (0010); the blast's, which was sent twice, name theirs.
    for provider, matched in ((f"AT-ticket-{worker.id}", True), (f"AT-nobody-{worker.id}", False)):
        database.rows(
            "INSERT INTO receipt (gateway, provider_id, phone, status, reason, matched, received_at) "
            "VALUES ('africastalking', %s, %s, 'delivered', '', %s, %s)",
            (provider, phone, matched, now),
        )
    database.rows(
        "INSERT INTO receipt (gateway, provider_id, phone, status, reason, message_id, matched, received_at) "
        "SELECT gateway, provider_id || again, phone, 'delivered', '', id, true, %s FROM message, "
        "unnest(ARRAY['', '-2']) again WHERE campaign_id = %s",
        (now, campaign),
    )
    database.rows(
        "INSERT INTO further_acceptance (gateway, provider_id, message_id, at) "
        "SELECT gateway, provider_id || '-2', id, %s FROM message WHERE campaign_id = %s",
        (now, campaign),
    )
    database.rows(
        "INSERT INTO audit (at, actor, action, subject, detail) VALUES "
        "(%(now)s, 'tests', 'campaign.resend', %(campaign)s, '{}'), "
        "(%(now)s, 'tests', 'nik.reveal', %(worker)s, %(reason)s), "
        "(%(now)s, 'system', 'identity.lock', %(nik)s, '{}')",
        {
            "now": now,
            "campaign": f"campaign:{campaign}",
            "worker": f"worker:{worker.id}",
            "reason": Jsonb({"reason": f"{name} menelepon"}),
            "nik": f"nik:{vault.hash(worker.nik).hex()[:12]}",
        },
    )
    database.rows(
        "INSERT INTO hop (at, worker_id, visit, channel, flow, state) VALUES (%s, %s, 7, 'ussd', 'registration', 'offer')",
        (now, worker.id),
    )
    database.rows(
        "INSERT INTO last_stop (worker_id, at, channel, flow, state) VALUES (%s, %s, 'ussd', 'registration', 'offer')",
        (worker.id, now),
    )
    database.rows(
        "INSERT INTO follow_up (worker_id, taken_by, taken_at, outcome, note_sealed, noted_by, noted_at) "
        "VALUES (%s, 'tests', %s, 'reached', %s, 'tests', %s)",
        (worker.id, now, vault.seal(NOTE, "follow-up.note"), now),
    )
    database.rows(
        "INSERT INTO follow_up_case (worker_id, district_code, facility_id, name, profession, reason, since) "
        "VALUES (%s, '3273', %s, %s, 'Bidan', 'deferred', %s)",
        (worker.id, facility, name.lower(), now),
    )
    database.rows(
        "INSERT INTO worker_standing (worker_id, home, facility_id, steps) VALUES (%s, '3273', %s, 0)",
        (worker.id, facility),
    )
    return Person(worker, session, int(booking), int(campaign))
