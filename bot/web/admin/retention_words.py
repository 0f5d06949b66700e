"""What is kept no longer, in the words of the system's page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from bot.privacy.rules import What
from bot.web.admin.words import mark

_ = mark

KEPT_WORDS: Final[Mapping[What, str]] = {
    What.MESSAGE_BODIES: _("Texts of replies and tickets"),
    What.RECEIPT_NUMBERS: _("Numbers on the gateways' receipts"),
    What.INBOUND_TEXTS: _("Texts that came in"),
    What.TRANSCRIPTS: _("Screens that people saw"),
    What.WRONG_ANSWERS: _("Counts of wrong answers"),
    What.NIKS: _("NIKs, from the end of registration"),
    What.SCREENING_ANSWERS: _("Answers to the screening, from the end of registration"),
    What.NOTES: _("Officers' notes, from the end of registration"),
    What.ENQUIRIES: _("Enquiries, once settled"),
    What.UPLOADS: _("Uploaded lists"),
    What.ANSWERS: _("Answers to programs"),
    What.SIGN_INS: _("Who signed in to these pages"),
}
