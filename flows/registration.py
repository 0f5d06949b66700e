"""The registration flow: from "who are you" to a ticket, and what can be done with it afterwards."""

from __future__ import annotations

from pathlib import Path

from bot.conversation.catalog import Catalogs
from bot.conversation.driver import BUSY
from bot.conversation.flow import Flow
from bot.conversation.screens import BACK, CHOOSE, MORE
from flows.booked import BOOKED, KEYWORD_STATES, KEYWORDS
from flows.identity import IDENTITY, NOTICE_TO_ROSTER_NUMBER
from flows.memory import ELASTIC, Campaign, Memory, is_proven, showing, who
from flows.screening import SCREENING
from flows.slots import SLOTS, TICKET_SMS

NAME = "registration"

#: Thanks that want no answer (and no second conversation).
COURTESIES = frozenset(
    {"ok", "oke", "terima kasih", "terimakasih", "makasih", "trims", "tks", "thanks", "thank you", "siap", "baik"}
)


def registration(campaign: Campaign) -> Flow[Memory]:
    """The flow, with the campaign's codes and numbers in its words."""
    return Flow(
        name=NAME,
        version=1,
        start="greet",
        states=(*IDENTITY, *SCREENING, *SLOTS, *BOOKED, *KEYWORD_STATES),
        memory=Memory,
        show=showing(campaign),
        elastic=ELASTIC,
        passing=frozenset({"nik", "birth_date"}),
        keywords=KEYWORDS,
        courtesies=COURTESIES,
        who=who,
        is_proven=is_proven,
        texts=(TICKET_SMS, NOTICE_TO_ROSTER_NUMBER, BUSY, CHOOSE, MORE, BACK),
    )


def catalogs() -> Catalogs:
    """The flow's words in every language there is."""
    return Catalogs(Path(__file__).parent / "locales", "flows", default="id")
