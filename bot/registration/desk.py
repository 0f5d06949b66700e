"""Where acts are carried out: each is one transaction, or none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from psycopg.errors import DeadlockDetected

from bot.conversation.driver import Caller
from bot.crypto import Vault
from bot.db.database import Database, DatabaseAway
from bot.messaging import optouts
from bot.registration import acts, bookings, choices, claims, holding, identity, slots
from bot.registration.people import MAY_ACT
from bot.registration.terms import Terms

#: How often an act is carried out anew that was ended for another's sake: each is safe to repeat.
_MOST_DEADLOCKS: Final = 2


class Desk:
    """Carries out what conversations ask for. ``wake``: called when a message was queued."""

    def __init__(self, database: Database, vault: Vault, terms: Terms, wake: Callable[[], None]) -> None:
        self._database = database
        self._vault = vault
        self._terms = terms
        self._wake = wake

    def perform(self, act: object, caller: Caller) -> object:
        """Carry out an act; raises ``bot.away.Away`` when PostgreSQL is."""
        for _try in range(_MOST_DEADLOCKS):
            try:
                return self._carry_out(act, caller)
            except DatabaseAway as error:
                # PostgreSQL has ended one of two who wait for each other: the other goes on, and so can this one then.
                if not isinstance(error.__cause__, DeadlockDetected):
                    raise
        return self._carry_out(act, caller)

    def _carry_out(self, act: object, caller: Caller) -> object:
        database, vault, terms = self._database, self._vault, self._terms
        match act:
            case acts.GreetCaller():
                return identity.greet(database, vault, terms, caller)
            case acts.ProveByPhone():
                return identity.prove_by_phone(database, vault, terms, act, caller)
            case acts.SealNik():
                return claims.seal_nik(vault, act)
            case acts.ProveByNik():
                return self._waking(claims.prove_by_nik(database, vault, terms, act, caller))
            case acts.LeaveEnquiry():
                return claims.leave_enquiry(database, vault, act, caller)
            case acts.ObjectToClaim():
                return claims.object_to_claims(database, act, caller)
            case acts.ReportNotMe():
                return choices.report_not_me(database, act, caller)
            case acts.SetDomicile():
                return choices.set_domicile(database, act, caller)
            case acts.Defer():
                return choices.defer(database, vault, act, caller)
            case acts.OfferSlot():
                return slots.offer_slot(database, terms, act, caller)
            case acts.HoldSlot():
                return holding.hold_slot(database, terms, act, caller)
            case acts.TakeSlot():
                return self._waking(bookings.take_slot(database, terms, act, caller))
            case acts.CancelBooking():
                return bookings.cancel_booking(database, terms, act, caller)
            case acts.SendTicket():
                return self._waking(bookings.send_ticket(database, terms, act, caller))
            case acts.ListDistricts():
                return choices.list_districts(database, act)
            case acts.ListFacilities():
                return choices.list_facilities(database, terms, act, caller)
            case acts.ListTimes():
                return choices.list_times(database, terms, act, caller)
            case acts.SetLanguage():
                return self._set_language(act, caller)
            case acts.OptOut():
                optouts.opt_out(database, caller.phone, "keyword", caller.now)
                return acts.Done()
            case acts.OptIn():
                optouts.opt_in(database, caller.phone)
                return acts.Done()
            case _:
                raise TypeError(f"nobody carries out {type(act).__name__}")

    def _waking(self, outcome: object) -> object:
        self._wake()
        return outcome

    def _set_language(self, act: acts.SetLanguage, caller: Caller) -> acts.LanguageSet:
        self._database.rows(
            "UPDATE worker w SET language = %(language)s WHERE w.language <> %(language)s "
            f"AND ((w.id = %(worker)s AND {MAY_ACT}) OR (%(worker)s = 0 AND w.phone = %(phone)s))",
            {"language": act.language, "worker": act.worker_id, "phone": caller.phone},
        )
        return acts.LanguageSet(act.language)
