"""People whom a blast reached or did not reach, and what they did then: rows as the service writes them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from bot.evaluation import blast_report
from bot.evaluation.blast_report import BlastReport
from bot.officers.areas import Area
from tests.evaluation.town import Town

_MOMENTS = ("started_at", "verified_at", "confirmed_at")


@dataclass
class Blasted:
    """A town with blasts. Spans are counted from the blast's own messages, in hours."""

    town: Town

    def blast(
        self, name: str = "13 Jan", *, at: datetime | None = None, segments: int = 0, state: str = "finished"
    ) -> int:
        """A blast that was handed over at a moment; returns its id."""
        at = at or self.town.clock.moment
        campaign: int = self.town.database.value(
            "INSERT INTO campaign (name, kind, state, audience, gateway, segments, created_by, created_at, materialised_at) "
            "VALUES (%s, 'blast', %s, '{}', 'simulator', %s, 'tests', %s, %s) RETURNING id",
            (name, state, segments, at, at),
        )
        self.town.database.rows(
            "INSERT INTO attempt (lane, gateway, campaign_id, size, state, created_at, due_at, submitted_at, settled_at) "
            "VALUES ('blast', 'simulator', %s, 1, 'settled', %s, %s, %s, %s)",
            (campaign, at, at, at, at),
        )
        return campaign

    def sent_at(self, campaign: int) -> datetime:
        found: datetime = self.town.database.value(
            "SELECT submitted_at FROM attempt WHERE campaign_id = %s", (campaign,)
        )
        return found

    def gets(self, campaign: int, worker: int, state: str = "delivered", reason: str | None = None) -> int:
        """A worker's message of a blast, and what became of it."""
        self.town.database.rows(
            "INSERT INTO message (campaign_id, worker_id, attempt_id, phone, state, reason, provider_id, created_at, lane, "
            "kind, gateway, language) SELECT %(c)s, w.id, a.id, w.phone, %(state)s, %(reason)s, %(provider)s, a.created_at, "
            "'blast', 'blast', 'simulator', 'id' FROM worker w, attempt a WHERE w.id = %(w)s AND a.campaign_id = %(c)s",
            {
                "c": campaign,
                "w": worker,
                "state": state,
                "reason": reason,
                "provider": f"p{campaign}-{worker}" if state in {"accepted", "delivered"} else None,
            },
        )
        return worker

    def somebody(self, campaign: int, state: str = "delivered", reason: str | None = None, **features: Any) -> int:
        """Somebody of Bandung with a message of a blast."""
        [worker] = self.town.lives_here(1, **features)
        return self.gets(campaign, worker, state, reason)

    def gets_to(self, campaign: int, worker: int, step: str, *, hours: float = 0.2) -> int:
        """A worker comes as far as a step, some hours after the blast's message."""
        at = self.sent_at(campaign) + timedelta(hours=hours)
        far = ("started", "verified", "confirmed", "screened", "deferred", "held", "booked").index(step)
        for place, column in enumerate(_MOMENTS):
            if place <= far:
                self.town.database.rows(
                    f"UPDATE worker SET {column} = coalesce({column}, %s) WHERE id = %s", (at, worker)
                )
        if far >= 3:
            self.town.database.rows(
                "INSERT INTO screening (worker_id, outcome, screened_at) VALUES (%s, %s, %s)",
                (worker, "deferred" if step == "deferred" else "fit", at),
            )
        if step == "held":
            self.town.database.rows(
                "INSERT INTO booking (worker_id, session_id, state, created_at) VALUES (%s, %s, 'expired', %s)",
                (worker, self.town.session, at),
            )
        if step == "booked":
            self.town.books(worker, at=at)
        return worker

    def stands(self, worker: int, state: str, at: datetime) -> int:
        """A turn of a worker that was noted and copied, the last one so far."""
        values = (worker, at, state)
        self.town.database.rows(
            "INSERT INTO hop (worker_id, at, state, visit, channel, flow) VALUES (%s, %s, %s, 1, 'ussd', 'registration')",
            values,
        )
        self.town.database.rows(
            "INSERT INTO last_stop (worker_id, at, state, channel, flow) VALUES (%s, %s, %s, 'ussd', 'registration') "
            "ON CONFLICT (worker_id) DO UPDATE SET at = EXCLUDED.at, state = EXCLUDED.state",
            values,
        )
        return worker

    def opts_out(self, worker: int, at: datetime) -> None:
        self.town.database.rows(
            "INSERT INTO opt_out (phone, source, since) SELECT phone, 'sms', %s FROM worker WHERE id = %s", (at, worker)
        )

    def report(self, campaign: int, area: Area | None = None) -> BlastReport:
        """The report as a worker makes it and a page reads it."""
        blast_report.make(self.town.database, campaign, self.town.clock)
        found = blast_report.report(self.town.database, campaign, area or Area())
        assert found is not None
        return found
