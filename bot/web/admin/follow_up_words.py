"""What reasons and outcomes of a follow-up are called."""

from __future__ import annotations

from typing import Final

from bot.followup.enquiry_texts import Decline
from bot.followup.reasons import Reason
from bot.followup.taking import Outcome
from bot.web.admin.words import mark

_ = mark

REASONS: Final = {
    Reason.NO_PHONE: _("No phone number"),
    Reason.WRONG_NUMBER: _("Wrong number"),
    Reason.OPTED_OUT: _("Wants no messages"),
    Reason.DEFERRED: _("Deferred by screening"),
    Reason.NO_SHOW: _("Did not come"),
    Reason.CANCELLED: _("Cancelled"),
    Reason.STOPPED_OFFER: _("Stopped at the offered place"),
    Reason.STOPPED_SCREENING: _("Stopped at screening"),
    Reason.STOPPED_CONFIRM: _("Stopped at confirming name and district"),
    Reason.LOCKED: _("Locked after wrong answers"),
    Reason.STOPPED_IDENTIFY: _("Stopped at birth date"),
    Reason.SILENT: _("Delivered, no answer"),
    Reason.NOT_DELIVERED: _("Not delivered"),
    Reason.NEVER_INVITED: _("Never invited"),
}
OUTCOMES: Final = {
    Outcome.REACHED: _("Reached"),
    Outcome.REFUSES: _("Refuses"),
    Outcome.MOVED: _("Moved away"),
    Outcome.ILL: _("Ill"),
    Outcome.REGISTERED: _("Registered on their behalf"),
}
TAKEN: Final = {"": _("Everybody"), "nobody": _("Taken by nobody"), "me": _("Taken by me")}
DECLINES: Final = {
    Decline.LISTED: _("Is on the list already"),
    Decline.NOT_ENTITLED: _("Does not belong to this stage"),
    Decline.WRONG_DATA: _("The data could not be confirmed"),
}
