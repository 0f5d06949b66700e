"""What officers and workers do about a campaign, for tests of its pages."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from rq import Queue

from bot.campaigns import kept, launching
from bot.campaigns.preview import Price
from bot.campaigns.record import Campaign, by_id
from bot.services import Services
from tests.web.admin.conftest import Officer


@dataclass
class Workers:
    """What the workers do: they look at campaigns, and start those that are due."""

    services: Services

    def look(self, number: int) -> None:
        price = Price(self.services.settings.sms_price, "IDR")
        kept.look(
            *(self.services.database, number, self.services.composer, self.services.clock.now()),
            window=self.services.settings.sending_window,
            price=price,
        )

    def start(self) -> list[str]:
        return launching.start_due(
            *(self.services.database, self.services.gateways, self.services.clock.now()),
            approval_above=self.services.settings.campaign_approval_above,
        )

    def waiting(self) -> list[str]:
        """The jobs that wait for who sweeps."""
        return [str(job.func_name) for job in Queue("sweep", connection=self.services.queue).jobs]

    def messages_go(self, state: str, reason: str | None = None, most: int = 1000) -> None:
        self.services.database.rows("UPDATE attempt SET state = 'settled', submitted_at = now(), settled_at = now()")
        self.services.database.rows(
            "UPDATE message SET state = %s, reason = %s WHERE id IN "
            "(SELECT id FROM message WHERE state = 'queued' ORDER BY id LIMIT %s)",
            (state, reason, most),
        )


@pytest.fixture
def workers(services: Services) -> Workers:
    return Workers(services)


def state(services: Services, campaign: Campaign) -> str:
    found = by_id(services.database, campaign.id)
    return "deleted" if found is None else found.state.value


def presses(officer: Officer, campaign: Campaign, button: str, **fields: object) -> str:
    """Press a button of the campaign's page as it is shown, and read what is said."""
    page = officer.reads(f"/admin/campaigns/{campaign.id}/")
    action = re.search(rf'<form method="post" action="/admin/campaigns/{campaign.id}/{button}".*?</form>', page, re.S)
    assert action is not None, f"there is no button {button}"
    hidden = dict(re.findall(r'type="hidden" name="(\w+)" value="([^"]*)"', action[0]))
    hidden.pop("csrf_token")
    answer = officer.sends(f"/admin/campaigns/{campaign.id}/{button}", {**hidden, **fields})
    assert answer.status_code == 302
    return officer.reads(answer.location)


def audited(services: Services) -> list[tuple[str, str]]:
    return services.database.rows("SELECT actor, action FROM audit WHERE action LIKE 'campaign.%' ORDER BY id")
