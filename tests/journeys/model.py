"""A simple model of who may do what: who is registered, who is locked, who may see whose booking.

It knows no SQL and no flow: people, numbers, claims and guards in dictionaries, as DESIGN section 6 tells of them.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from bot.registration.acts import Access
from bot.registration.guards import FORGET, LOCKS, MOST_WRONG, REMEMBER
from tests.world import Worker

SILENCE = timedelta(hours=24)
GRACE = timedelta(minutes=5)


class Proof(enum.Enum):
    """What came of somebody's saying who they are."""

    PROVEN = "proven"
    WRONG = "wrong"
    LOCKED = "locked"
    SEVERAL = "several fit"
    STRANGE = "nobody has this number any more"


@dataclass(frozen=True)
class Answer:
    """``left``: tries left; ``worker`` and ``access``: of who is proven."""

    proof: Proof
    left: int = 0
    worker: int = 0
    access: Access = Access.NONE


@dataclass
class Claim:
    """A strange number's claim to be a worker's."""

    roster_phone: str | None
    state: str = "open"
    told_at: datetime | None = None


@dataclass
class Guard:
    """Wrong answers of one number, or about one NIK."""

    failures: int = 0
    last: datetime | None = None
    locks: int = 0
    locked_at: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True)
class Booked:
    """A ticket, and the number from which it was booked."""

    ticket: str
    phone: str | None


@dataclass
class Model:
    """``phones``: whose number is whose by the roster now. ``proven``: who has shown us which number is whose."""

    people: dict[int, Worker]
    phones: dict[int, str | None] = field(default_factory=dict)
    registered: dict[int, Booked] = field(default_factory=dict)
    claims: dict[tuple[int, str], Claim] = field(default_factory=dict)
    guards: dict[tuple[str, str], Guard] = field(default_factory=dict)
    proven: set[tuple[str, int]] = field(default_factory=set)
    seen: set[tuple[str, str]] = field(default_factory=set)
    closes_at: datetime | None = None

    def __post_init__(self) -> None:
        self.phones = {worker.id: worker.phone for worker in self.people.values()}

    # --- who is locked -----------------------------------------------------------------------------------------------

    def is_locked(self, phone: str, now: datetime) -> bool:
        return self._locked([("phone", phone)], now)

    def locked_phones(self, now: datetime) -> set[str]:
        return {subject for (kind, subject) in self.guards if kind == "phone" and self.is_locked(subject, now)}

    def _locked(self, keys: list[tuple[str, str]], now: datetime) -> bool:
        untils = [self.guards[key].until for key in keys if key in self.guards]
        return any(until is not None and until > now for until in untils)

    def _wrong(self, keys: list[tuple[str, str]], now: datetime) -> Answer:
        if self._locked(keys, now):
            return Answer(Proof.LOCKED)
        worst = 0
        for key in keys:
            guard = self.guards.setdefault(key, Guard())
            over = guard.until is not None
            stale = guard.last is not None and now - guard.last > FORGET
            guard.failures = 1 if over or stale else guard.failures + 1
            guard.last, guard.until = now, None
            worst = max(worst, guard.failures)
            if guard.failures >= MOST_WRONG:
                again = guard.locked_at is not None and now - guard.locked_at < REMEMBER
                guard.locks = guard.locks + 1 if again else 1
                guard.locked_at = now
                guard.until = now + LOCKS[min(guard.locks, len(LOCKS)) - 1]
        return Answer(Proof.LOCKED) if self._locked(keys, now) else Answer(Proof.WRONG, left=MOST_WRONG - worst)

    # --- who is who --------------------------------------------------------------------------------------------------

    def owners(self, phone: str) -> list[int]:
        return [worker for worker, number in self.phones.items() if number == phone]

    def says_birth_date(self, phone: str, typed: object, now: datetime) -> Answer:
        """Somebody types a birth date on a number of the roster."""
        owners = self.owners(phone)
        fits = [worker for worker in owners if self.people[worker].birth_date == typed]
        if not self.is_locked(phone, now):
            if len(fits) > 1:
                return Answer(Proof.SEVERAL)
            if fits:
                if len(owners) == 1:
                    self.guards.pop(("phone", phone), None)
                return self._proves(phone, fits[0], Access.FULL)
        if not owners:
            return Answer(Proof.STRANGE)
        return self._wrong([("phone", phone)], now)

    def says_nik_and_birth_date(self, phone: str, nik: str, typed: object, now: datetime) -> Answer:
        """Somebody types a NIK and then a birth date, on whatever number."""
        found = [worker for worker in self.people.values() if worker.nik == nik and worker.birth_date == typed]
        own = bool(found) and self.phones[found[0].id] == phone
        keys = [("phone", phone)] if own else [("phone", phone), ("nik", nik)]
        if self._locked(keys, now):
            return Answer(Proof.LOCKED)
        if not found:
            return self._wrong(keys, now)
        worker = found[0].id
        return self._proves(phone, worker, Access.FULL if own else self._access_of_stranger(phone, worker, now))

    def _proves(self, phone: str, worker: int, access: Access) -> Answer:
        if access is not Access.NONE:
            self.proven.add((phone, worker))
        return Answer(Proof.PROVEN, worker=worker, access=access)

    def _access_of_stranger(self, phone: str, worker: int, now: datetime) -> Access:
        booked = self.registered.get(worker)
        claim = self.claims.get((worker, phone))
        if claim is None:
            claim = self.claims[worker, phone] = Claim(self.phones[worker])
            if claim.roster_phone is None and booked is None:
                self._accept(claim, phone, worker)
                return Access.FULL
        elif claim.state == "rejected":
            return Access.NONE
        elif claim.state == "open" and self.phones[worker] not in (None, claim.roster_phone):
            claim.roster_phone, claim.told_at = self.phones[worker], None
        elif claim.state == "accepted" or (claim.told_at is not None and now - claim.told_at >= SILENCE):
            self._accept(claim, phone, worker)
            return Access.FULL
        return Access.BOOK if booked is None or booked.phone == phone else Access.NONE

    def _accept(self, claim: Claim, phone: str, worker: int) -> None:
        if claim.state == "open":
            claim.state = "accepted"
            self.phones[worker] = phone

    def notices_are_taken(self, now: datetime) -> None:
        """The gateway takes every notice to a number of the roster that waits."""
        for claim in self.claims.values():
            if claim.roster_phone is not None and claim.told_at is None:
                claim.told_at = now

    def objects(self, phone: str) -> None:
        """TOLAK."""
        for (worker, stranger), claim in self.claims.items():
            if claim.roster_phone == phone and claim.state == "open":
                claim.state = "rejected"
                booked = self.registered.get(worker)
                if booked is not None and booked.phone == stranger:
                    self.registered[worker] = Booked(booked.ticket, self.phones[worker])

    # --- whose booking is whose --------------------------------------------------------------------------------------

    def owns_booking(self, phone: str, worker: int) -> bool:
        """Whether a number may see, change and cancel what the worker has booked."""
        claim = self.claims.get((worker, phone))
        booked = self.registered.get(worker)
        return (
            self.phones[worker] == phone
            or (booked is not None and booked.phone == phone)
            or (claim is not None and claim.state == "accepted")
        )

    def may_be_shown(self, phone: str, worker: int, ticket: str) -> bool:
        """Whether a ticket may stand on this number's screen: theirs, or one that they have had before."""
        if (phone, ticket) in self.seen:
            return True
        return (phone, worker) in self.proven and self.owns_booking(phone, worker)

    def is_closed_for(self, phone: str, now: datetime) -> bool:
        """Whether a caller is sent away at once, since registration has ended and there is nothing to look after."""
        if self.closes_at is None or now < self.closes_at:
            return False
        owners = self.owners(phone)
        if any(worker in self.registered for worker in owners):
            return False
        return bool(owners) or not any(number == phone for _, number in self.claims)

    def takes_bookings(self, now: datetime) -> bool:
        """Whether anybody at all may still book."""
        return self.closes_at is None or now < self.closes_at + GRACE
