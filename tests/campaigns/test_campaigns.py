"""A campaign from draft to its end: who may do what with it, and when."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest

from bot.campaigns import campaigns, unknowns
from bot.campaigns.campaigns import CampaignError
from bot.campaigns.launching import launch, start_due
from bot.campaigns.unknowns import Decision
from bot.db.database import Database
from bot.officers.accounts import Role
from tests.campaigns.office import HELLO, MAKER, Office
from tests.world import MORNING


@pytest.fixture
def office(database_url: str) -> Iterator[Office]:
    database = Database(database_url, limit=None)
    yield Office(database)
    database.close()


def test_a_draft_is_what_was_asked_for(office: Office) -> None:
    made = office.create(
        texts={"id": " Halo {district} ", "en": "Hello"},
        audience='{"districts": ["3273"]}',
        rate=50.0,
        start_at=MORNING + timedelta(hours=1),
        most_cost=Decimal("12.50"),
        ignore_quiet_hours=True,
    )
    assert (made.state, made.kind, made.gateway, made.rate) == ("draft", "blast", "africastalking", 50.0)
    assert made.texts == {"id": "Halo {district}", "en": "Hello"}
    assert made.audience == {"districts": ["3273"]}
    assert (made.created_by, made.most_cost, made.ignore_quiet_hours) == (MAKER, Decimal("12.50"), True)
    assert (made.recipients, made.approved_by) == (None, None)
    assert office.audited() == ["campaign.create"]


@pytest.mark.parametrize(
    ("features", "told"),
    [
        ({"name": ""}, "1 to 60 printable"),
        ({"name": "x" * 61}, "1 to 60 printable"),
        ({"name": "a\nb"}, "1 to 60 printable"),
        ({"name": " a"}, "1 to 60 printable"),
        ({"name": "reminder tomorrow 2021-01-14"}, "belong to what the clock sends"),
        ({"texts": {"en": "Hello"}}, "a text in the language id"),
        ({"texts": {"id": "Halo {nik}"}}, r"Text in id: .*\{nik\}"),
        ({"texts": {"id": HELLO, "English": "Hello"}}, "no language's code"),
        ({"gateway": "pigeon"}, "one of africastalking, twilio, not 'pigeon'"),
        ({"gateway": "twilio"}, "twilio cannot send: TWILIO_ACCOUNT_SID"),
        ({"rate": 0.0}, "above 0"),
        ({"rate": float("nan")}, "above 0"),
        ({"rate": float("inf")}, "above 0"),
        ({"start_at": MORNING - timedelta(seconds=1)}, "start is over"),
        ({"deadline_at": MORNING}, "deadline must be after"),
        ({"most_cost": Decimal(0)}, "above 0"),
        ({"audience": "{"}, "^Audience: "),
        ({"audience": {"colour": ["red"]}}, "^Audience: "),
        ({"audience": {"districts": ["3273", "9999"]}}, "there is no district 9999"),
        ({"audience": {"provinces": ["99"]}}, "there is no province 99"),
        ({"audience": {"facilities": ["F9"]}}, "there is no facility F9"),
        ({"audience": {"campaign": {"name": "none", "outcome": ["delivered"]}}}, "there is no campaign none"),
    ],
)
def test_what_cannot_be_sent_is_refused(office: Office, features: dict[str, Any], told: str) -> None:
    with pytest.raises(CampaignError, match=told) as refused:
        office.create(**features)
    assert "\n" not in str(refused.value)
    assert campaigns.every(office.database) == []
    assert office.audited() == []


def test_a_name_is_used_once(office: Office) -> None:
    office.create()
    with pytest.raises(CampaignError, match="There is a campaign 'blast' already"):
        office.create(rate=1.0)
    assert campaigns.find(office.database, "blast").rate is None


class TestApproval:
    def test_a_national_admin_approves(self, office: Office) -> None:
        office.user("sri")
        office.workers(3)
        office.create()
        approved = office.approve()
        assert (approved.state, approved.approved_by, approved.approved_at) == ("approved", "sri", office.now)
        assert office.audited() == ["user.add", "campaign.create", "campaign.approve"]

    def test_others_do_not(self, office: Office) -> None:
        office.user("ani", Role.DISTRICT, "3273")
        office.user("tono")
        office.database.rows("UPDATE admin SET disabled_at = %s WHERE name = 'tono'", (office.now,))
        office.create()
        for name, told in (("ani", "only a national one"), ("tono", "is disabled"), ("sri", "There is no user 'sri'")):
            with pytest.raises(CampaignError, match=told):
                office.approve(as_user=name)
        assert office.state() == "draft"

    def test_a_small_one_is_approved_by_whoever_sends_it(self, office: Office) -> None:
        office.workers(3)
        office.create()
        assert office.approve_own().approved_by == MAKER

    def test_a_large_one_needs_somebody_else_than_its_maker(self, office: Office) -> None:
        office.approval_above = 2
        office.workers(3)
        office.create()
        office.user("Budi")  # who made it, by the name of the account
        office.user("sri")
        with pytest.raises(CampaignError, match=r"3 recipients; above 2 another admin approves it first"):
            office.approve_own()
        with pytest.raises(CampaignError, match=r"somebody else than cli:budi"):
            office.approve(as_user="Budi")
        office.approve(as_user="sri")
        assert office.start().recipients == 3

    def test_one_that_has_grown_since_needs_somebody_else_after_all(self, office: Office) -> None:
        office.approval_above = 2
        office.workers(2)
        office.create()
        office.approve_own()
        office.workers(1)
        with pytest.raises(CampaignError, match="3 recipients by now"):
            office.start()
        assert (office.state(), office.messages()) == ("approved", [])
        office.user("sri")
        office.approve(as_user="sri")
        assert office.start().recipients == 3


class TestStates:
    @pytest.fixture
    def steps(self, office: Office) -> dict[str, Callable[[], object]]:
        given: dict[str, Any] = {"now": office.now, "actor": MAKER}
        office.user("sri")
        return {
            "approve": office.approve,
            "pause": lambda: campaigns.pause(office.database, "blast", **given),
            "resume": lambda: campaigns.resume(office.database, "blast", **given),
            "cancel": lambda: campaigns.cancel(office.database, "blast", **given),
            "set-rate": lambda: campaigns.set_rate(office.database, "blast", 7.0, **given),
            "start": office.start,
        }

    @pytest.mark.parametrize(
        ("state", "allowed"),
        [
            ("draft", {"approve": "approved", "cancel": "cancelled", "set-rate": "draft"}),
            ("approved", {"approve": "approved", "cancel": "cancelled", "set-rate": "approved", "start": "running"}),
            ("running", {"pause": "paused", "cancel": "cancelled", "set-rate": "running"}),
            ("paused", {"resume": "running", "cancel": "cancelled", "set-rate": "paused"}),
            ("finished", {}),
            ("cancelled", {}),
        ],
    )
    def test_each_allows_what_it_allows(
        self, office: Office, steps: dict[str, Callable[[], object]], state: str, allowed: dict[str, str]
    ) -> None:
        office.workers(1)
        office.create()
        for step, act in steps.items():
            office.database.rows("DELETE FROM message")
            office.database.rows("DELETE FROM attempt")
            office.database.rows("UPDATE campaign SET state = %s", (state,))
            before = office.audited()
            if step in allowed:
                act()
                assert (step, office.state()) == (step, allowed[step])
                assert len(office.audited()) == len(before) + 1
            else:
                with pytest.raises(CampaignError, match=rf"is (a )?{state}"):
                    act()
                assert (office.state(), office.audited()) == (state, before)

    def test_of_one_that_is_not_there(self, steps: dict[str, Callable[[], object]]) -> None:
        for act in steps.values():
            with pytest.raises(CampaignError, match="There is no campaign 'blast'"):
                act()

    def test_what_paused_it_is_told_until_it_goes_on(self, office: Office) -> None:
        office.workers(1)
        office.running()
        campaigns.pause(office.database, "blast", now=office.now, actor="clock", because="it would cost more than 10")
        assert campaigns.find(office.database, "blast").paused_because == "it would cost more than 10"
        campaigns.resume(office.database, "blast", now=office.now, actor=MAKER)
        assert campaigns.find(office.database, "blast").paused_because is None


def test_cancelling_takes_back_what_has_not_left(office: Office) -> None:
    office.workers(5)
    office.running(batch_size=2)
    sent = office.attempt_goes("submitted")
    assert campaigns.cancel(office.database, "blast", now=office.now, actor=MAKER) == 3
    assert office.attempts() == [(2, "submitted"), (2, "cancelled"), (1, "cancelled")]
    rows = office.messages("attempt_id, state, reason")
    assert [row[1:] for row in rows if row[0] == sent] == [("queued", None)] * 2
    assert [row[1:] for row in rows if row[0] != sent] == [("suppressed", "cancelled")] * 3


def test_what_comes_back_after_the_cancelling_is_taken_back_too(office: Office) -> None:
    office.workers(2)
    office.running(batch_size=1)
    office.attempt_goes("claimed")
    assert campaigns.cancel(office.database, "blast", now=office.now, actor=MAKER) == 1
    office.attempt_goes("queued")  # its worker died, and the sweep gave it back
    assert campaigns.finish_done(office.database, office.now) == []
    assert office.messages() == [("suppressed", "cancelled")] * 2


def test_a_campaign_ends_when_nothing_is_left_to_send(office: Office) -> None:
    office.workers(2)
    office.running(batch_size=1)
    office.attempt_goes("settled", 0)
    for state in ("queued", "claimed", "submitted"):
        office.attempt_goes(state, 1)
        assert campaigns.finish_done(office.database, office.now) == []
    office.attempt_goes("unknown", 1)
    assert campaigns.finish_done(office.database, office.now) == ["blast"]
    assert campaigns.finish_done(office.database, office.now) == []
    assert campaigns.find(office.database, "blast").ended_at == office.now
    assert office.audited()[-1] == "campaign.finish"


class TestUnknowns:
    def ended_with_unknowns(self, office: Office) -> None:
        office.workers(5)
        office.running(batch_size=5)
        attempt = office.attempt_goes("settled")
        office.messages_go("accepted", attempt=attempt, most=2)
        office.messages_go("unknown", "no answer is on record", attempt=attempt)
        assert campaigns.finish_done(office.database, office.now) == ["blast"]

    def test_sent_again_as_attempts_of_their_own(self, office: Office) -> None:
        self.ended_with_unknowns(office)
        office.passes(days=3)
        assert unknowns.undecided(office.database, "blast") == 3
        count = campaigns.resolve(office.database, "blast", Decision.RESEND, now=office.now, actor=MAKER)
        assert (count, unknowns.undecided(office.database, "blast")) == (3, 0)
        [_, again] = office.attempts("id, size, state, number, language, time_zone, lane, gateway, due_at, deadline_at")
        deadline = office.now + timedelta(hours=48)
        assert again[1:] == (3, "queued", 2, "id", "Asia/Jakarta", "blast", "africastalking", office.now, deadline)
        moved = [row[1:] for row in office.messages("attempt_id, state, reason") if row[0] == again[0]]
        assert moved == [("queued", None)] * 3
        assert (office.state(), office.audited()[-1]) == ("running", "campaign.resend")
        assert campaigns.resolve(office.database, "blast", Decision.RESEND, now=office.now, actor=MAKER) == 0

    def test_left_as_they_are(self, office: Office) -> None:
        self.ended_with_unknowns(office)
        assert campaigns.resolve(office.database, "blast", Decision.LEAVE, now=office.now, actor=MAKER) == 3
        assert office.messages().count(("unknown", "left by an admin")) == 3
        assert unknowns.undecided(office.database, "blast") == 0
        assert campaigns.resolve(office.database, "blast", Decision.RESEND, now=office.now, actor=MAKER) == 0
        assert (office.state(), office.audited()[-1]) == ("finished", "campaign.leave")

    def test_nothing_of_a_cancelled_one_is_sent_again(self, office: Office) -> None:
        self.ended_with_unknowns(office)
        office.database.rows("UPDATE campaign SET state = 'cancelled'")
        with pytest.raises(CampaignError, match="is cancelled"):
            campaigns.resolve(office.database, "blast", Decision.RESEND, now=office.now, actor=MAKER)
        assert campaigns.resolve(office.database, "blast", Decision.LEAVE, now=office.now, actor=MAKER) == 3

    def test_replies_are_sent_again_one_by_one(self, office: Office) -> None:
        for number in (1, 2):
            office.database.rows(
                "WITH a AS (INSERT INTO attempt (lane, gateway, size, phone, state, created_at, due_at, has_unknown) "
                "VALUES ('reply', 'twilio', 1, %(phone)s, 'unknown', %(now)s, %(now)s, true) RETURNING id) "
                "INSERT INTO message (attempt_id, phone, state, created_at, lane, kind, gateway, language, natural_key, body) "
                "SELECT id, %(phone)s, 'unknown', %(now)s, 'reply', 'reply', 'twilio', 'id', %(phone)s, 'Halo' FROM a",
                {"phone": f"+628120000000{number}", "now": office.now},
            )
        assert campaigns.resolve_replies(office.database, Decision.RESEND, now=office.now, actor=MAKER) == 2
        assert office.attempts("phone, size, number, state")[2:] == [
            ("+6281200000001", 1, 2, "queued"),
            ("+6281200000002", 1, 2, "queued"),
        ]
        assert office.audited() == ["replies.resend"]


class TestLaunching:
    def launch(self, office: Office) -> str:
        launched = launch(
            office.database, "blast", office.gateways, now=office.now, approval_above=office.approval_above, actor=MAKER
        )
        return str(launched.state)

    def due(self, office: Office) -> list[str]:
        return start_due(office.database, office.gateways, office.now, approval_above=office.approval_above)

    def test_at_once(self, office: Office) -> None:
        office.workers(2)
        office.create()
        assert self.launch(office) == "running"
        with pytest.raises(CampaignError, match="is running; it has been started before"):
            self.launch(office)

    def test_later_by_the_clock_and_once(self, office: Office) -> None:
        office.workers(2)
        office.create(start_at=office.now + timedelta(hours=1))
        assert self.launch(office) == "approved"
        assert self.due(office) == []
        office.passes(hours=1)
        assert self.due(office) == ["blast"]
        assert self.due(office) == []
        assert (office.state(), len(office.messages())) == ("running", 2)

    def test_one_that_cannot_start_is_a_draft_again_with_the_reason(self, office: Office) -> None:
        office.workers(1)
        office.create(start_at=office.now + timedelta(hours=1))
        assert self.launch(office) == "approved"
        office.database.rows("UPDATE worker SET phone = NULL")
        office.passes(hours=1)
        assert self.due(office) == []
        again = campaigns.find(office.database, "blast")
        assert (again.state, again.approved_by) == ("draft", None)
        assert "Nobody is in the audience" in str(again.paused_because)
        assert office.audited()[-1] == "campaign.not-started"
