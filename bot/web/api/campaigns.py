"""``/campaigns``: those that may be seen, one of them, and drafts."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Annotated, Any, Final, Literal

from pydantic import AwareDatetime, Field

from bot.campaigns import campaigns as acts
from bot.campaigns import kept, shelf
from bot.campaigns.drafts import is_starting
from bot.campaigns.plans import LONGEST_NAME, Plan
from bot.campaigns.record import Campaign, CampaignError, State
from bot.officers.permissions import May
from bot.web.api.problems import nothing_here, wrong
from bot.web.api.routes import Api, Call
from bot.web.api.values import Asked, Code, Id, Limit, LongText, Next, Text, Told

#: Lists of people, of which programs are told how long they are and no more.
_LISTS: Final = ("phones", "nik_hashes")
_MOST_PHONES: Final = 2_000


class Page(Asked):
    """Which page of the campaigns, the newest first."""

    kind: Literal["blast", "reminder"] = "blast"
    cursor: Id | None = None
    limit: Limit = 50


class CampaignTold(Told):
    """A campaign. `audience`: without its lists of people; `is_own`: this token's admin may change and send it."""

    id: int
    name: str
    kind: str
    state: str = Field(examples=["draft", "approved", "starting", "running", "paused", "finished", "cancelled"])
    audience: dict[str, Any]
    phones: int = Field(description="Numbers in the audience's list")
    texts: dict[str, str]
    gateway: str
    rate: float | None = Field(description="Messages a second; null for the gateway's own")
    ignore_quiet_hours: bool
    start_at: datetime | None
    deadline_at: datetime | None
    most_cost: Decimal | None
    recipients: int | None
    created_by: str
    created_at: datetime
    approved_by: str | None
    approved_at: datetime | None
    paused_because: str | None
    ended_at: datetime | None
    is_own: bool


class CampaignsTold(Told):
    """A page of campaigns."""

    campaigns: list[CampaignTold]
    next: Next


class Looked(Told):
    """What a draft would do, as a worker has reckoned."""

    as_of: datetime
    recipients: int


class OneCampaignTold(Told):
    """A campaign, and `seen`: what approving and sending must name, so that nobody approves what has changed meanwhile.

    `counts`: messages by state, once there are recipients; `preview`: what a draft would do. Both are null while a worker
    counts: ask again.
    """

    campaign: CampaignTold
    seen: str
    counts: dict[str, int] | None
    counted_at: datetime | None
    preview: Looked | None


class EarlierAsked(Asked):
    """Whom an earlier campaign reached, or did not."""

    name: Annotated[Text, Field(min_length=1)]
    outcome: Annotated[list[Literal["delivered", "not_delivered", "unknown"]], Field(min_length=1, max_length=3)]


class AudienceAsked(Asked):
    """Whom it is for: everything that is given must hold, within the admin's area."""

    provinces: Annotated[list[Code], Field(min_length=1, max_length=100)] | None = None
    districts: Annotated[list[Code], Field(min_length=1, max_length=600)] | None = None
    facilities: Annotated[list[Code], Field(min_length=1, max_length=1000)] | None = None
    professions: Annotated[list[Code], Field(min_length=1, max_length=50)] | None = None
    states: Annotated[list[Code], Field(min_length=1, max_length=10)] | None = None
    stopped_at: Annotated[list[Code], Field(min_length=1, max_length=10)] | None = None
    languages: Annotated[list[Code], Field(min_length=1, max_length=10)] | None = None
    silent_for_hours: Annotated[float, Field(gt=0, le=10_000)] | None = None
    campaign: EarlierAsked | None = None
    phones: Annotated[list[Code], Field(min_length=1, max_length=_MOST_PHONES)] | None = None


class DraftAsked(Asked):
    """A draft. `texts`: by language, "id" at least. `gateway`: the service's own where none is given."""

    name: Annotated[Text, Field(min_length=1, max_length=LONGEST_NAME)]
    texts: Annotated[dict[Literal["id", "en"], LongText], Field(min_length=1)]
    audience: AudienceAsked = AudienceAsked()
    gateway: Code | None = None
    rate: Annotated[float, Field(gt=0, le=1_000_000)] | None = None
    ignore_quiet_hours: bool = False
    start_at: AwareDatetime | None = None
    deadline_at: AwareDatetime | None = None
    most_cost: Annotated[Decimal, Field(gt=0, lt=10**15)] | None = None


def register(api: Api) -> None:
    """The routes."""

    @api.get("/campaigns", needs=May.SEE_CAMPAIGNS, tells=CampaignsTold, query=Page)
    def list_campaigns(call: Call, query: Page) -> CampaignsTold:
        """The campaigns that this token's admin may see: of their area, and the ministry's."""
        found = shelf.listed(
            call.services.database, call.area, kind=query.kind, before=query.cursor, most=query.limit + 1
        )
        page = found[: query.limit]
        last = str(page[-1].id) if len(found) > query.limit else None
        return CampaignsTold(campaigns=[told(call, each) for each in page], next=last)

    @api.get("/campaigns/<int:number>", needs=May.SEE_CAMPAIGNS, tells=OneCampaignTold)
    def one_campaign(call: Call, number: int) -> OneCampaignTold:
        """A campaign with how far it has come, or what it would do."""
        return whole(call, seen_or_nothing(call, number))

    @api.post("/campaigns", needs=May.COMPOSE, tells=OneCampaignTold, body=DraftAsked)
    def make_draft(call: Call, body: DraftAsked) -> OneCampaignTold:
        """Make a draft, for the admin's own area. Nothing is sent before it is approved."""
        services = call.services
        try:
            made = acts.create(services.database, _plan(call, body), services.gateways, now=call.now, actor=call.actor)
        except CampaignError as error:
            raise wrong("body", str(error)) from None
        return whole(call, made)


def seen_or_nothing(call: Call, number: int) -> Campaign:
    """The campaign of that id, if it may be seen."""
    found = shelf.seen(call.services.database, number, call.area)
    if found is None:
        raise nothing_here()
    return found


def told(call: Call, campaign: Campaign) -> CampaignTold:
    """A campaign as programs see it."""
    starting = is_starting(campaign, call.now)
    shown = {name: getattr(campaign, name) for name in CampaignTold.model_fields if hasattr(campaign, name)}
    return CampaignTold.model_validate(
        shown
        | {
            "state": "starting" if starting else campaign.state.value,
            "audience": {name: each for name, each in campaign.audience.items() if name not in _LISTS},
            "phones": len(campaign.audience.get("phones", ())),
            "is_own": shelf.is_own(call.services.database, campaign, call.area),
        }
    )


def whole(call: Call, campaign: Campaign) -> OneCampaignTold:
    """A campaign with its figures; what is missing or old is asked for."""
    database = call.services.database
    shown, counts, counted_at, preview = told(call, campaign), None, None, None
    if campaign.recipients is not None:
        found, wanted = kept.counted(database, campaign, call.now)
        if wanted:
            call.ask_for("count_campaign", campaign.id)
        if found is not None:
            counts, counted_at = _whole_numbers(found.body), found.as_of
    elif shown.is_own and campaign.state in (State.DRAFT, State.APPROVED):
        looked = kept.looked_at(database, campaign)
        if looked is None:
            call.ask_for("look_at_campaign", campaign.id)
        else:
            preview = Looked(as_of=looked.as_of, recipients=looked.body["recipients"])
    return OneCampaignTold(
        campaign=shown, seen=kept.fingerprint(campaign), counts=counts, counted_at=counted_at, preview=preview
    )


def _whole_numbers(body: Mapping[str, Any]) -> dict[str, int]:
    return {name: each for name, each in body.items() if isinstance(each, int) and not isinstance(each, bool)}


def _plan(call: Call, body: DraftAsked) -> Plan:
    services = call.services
    if body.audience.campaign is not None and not shelf.is_seen(
        services.database, body.audience.campaign.name, call.area
    ):
        raise wrong("body.audience.campaign", "There is no campaign of that name.")
    if body.most_cost is not None and services.settings.sms_price is None:
        raise wrong("body.most_cost", "Nobody has set what an SMS costs (SMS_PRICE), so there can be no cap on it.")
    audience = body.audience.model_dump(mode="json", exclude_none=True)
    return Plan(
        name=body.name,
        texts={str(language): text for language, text in body.texts.items()},
        audience=shelf.limited(audience, shelf.limit_of(call.area)),
        gateway=body.gateway or services.settings.sms_gateway,
        rate=body.rate,
        start_at=_utc(body.start_at),
        deadline_at=_utc(body.deadline_at),
        most_cost=body.most_cost,
        ignore_quiet_hours=body.ignore_quiet_hours,
    )


def _utc(moment: datetime | None) -> datetime | None:
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:
        raise wrong("body", "There is no such moment.") from None
