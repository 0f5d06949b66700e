"""Drives conversations: load, step, carry out, save. Two round trips to Redis a hop, and the effect's one transaction.

Nothing here holds a lock. Two requests of one phone at the same moment both step; the save decides which one counted,
and the other starts over from what was saved: there it is a replay and gets the stored answer. That is why every effect
must be safe to carry out twice.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic
from zoneinfo import ZoneInfo

import msgspec

from bot.away import Away
from bot.clock import Clock
from bot.conversation.catalog import mark
from bot.conversation.conversation import Conversation, NotOurs, blank, freeze, thaw
from bot.conversation.engine import Engine, Turn
from bot.conversation.flow import Effect, M, Outcome, Reading
from bot.conversation.hops import Note, unnoted
from bot.conversation.often import SMS_COST, UNLIMITED, USSD_COST, Often
from bot.conversation.screens import Screen
from bot.conversation.store import Record, Store, StoreAway
from bot.metrics import AWAY, TOO_OFTEN
from gateway_adapters.base import Channel

_ = mark

BUSY = _("Sorry, the system is busy. Please try again in a few minutes. Nothing you entered is lost.")

#: How long after the last contact a conversation may be resumed, in seconds.
RESUME_USSD = 15 * 60
RESUME_SMS = 48 * 3600

#: More effects than this in one turn are a circle in the flow.
_MOST_EFFECTS = 8
#: Lost races in a row before the caller is told that we are busy.
_MOST_RACES = 5


@dataclass(frozen=True, slots=True)
class Caller:
    """Who is talking, for whoever carries out an effect. ``hop`` is one per input: the same for a repeated request.

    ``started_at``: when the conversation began, for what may still be finished after an end.
    """

    phone: str
    channel: Channel
    now: datetime
    hop: str
    started_at: datetime


@dataclass(frozen=True, slots=True)
class Heard:
    """What an inbound SMS came to: a reply in a language, or none and the reason why."""

    reply: str | None
    language: str
    ignored: str | None = None


Perform = Callable[[Effect, Caller], Outcome]


class Driver(Generic[M]):
    """Holds conversations of one flow with everybody."""

    def __init__(
        self,
        engine: Engine[M],
        store: Store,
        perform: Perform,
        clock: Clock,
        *,
        digest_keys: Sequence[bytes],
        time_zone: ZoneInfo,
        note: Note = unnoted,
        often: Often = UNLIMITED,
    ) -> None:
        self._engine = engine
        self._flow = engine.flow
        self._store = store
        self._perform = perform
        self._clock = clock
        # Processes may keep these in another order while one replaces another.
        self._digest_key, *self._other_digest_keys = (key[:32] for key in digest_keys)
        self._time_zone = time_zone
        self._note = note
        self._often = often

    def ussd(self, phone: str, session: str, text: str) -> Screen:
        """Answer a USSD request. Never raises ``Away``: what is away is told in the caller's language."""
        language = self._engine.catalogs.default
        try:
            for _attempt in range(_MOST_RACES):
                record, version = self._store.load(phone)
                now = self._clock.now()
                moment = now.timestamp()
                reading = self._reading(now)
                if record is not None and self._is_dialled_anew(record, text, moment):
                    record = msgspec.structs.replace(record, session="")
                conversation = self._alive(record, moment, RESUME_USSD, session)
                if conversation is not None:
                    language = conversation.memory.language
                going_on = record is not None and record.session == session
                digest = self._digest(text)
                if (
                    record is not None
                    and going_on
                    and (
                        record.conversation is None
                        or record.heard == digest
                        or self._by_another_key(record.heard, text)
                    )
                ):
                    return Screen(record.answer, record.goes_on)
                if self._often.is_too_often(record, moment):
                    TOO_OFTEN.labels(Channel.USSD).inc()
                    break
                if record is None or conversation is None:
                    turn = self._engine.begin(blank(self._flow.memory), moment, reading)
                elif not going_on:
                    turn = self._engine.resume(conversation)
                elif (rest := self._rest(record, text)) is None:
                    turn = self._engine.again(conversation)
                else:
                    turn = self._engine.hear(conversation, rest, reading)
                hop = f"{session}:{len(text)}:{digest}"
                turn, screen = self._carry_out(turn, phone, Channel.USSD, now, hop, reading)
                paid = self._often.paid(record, moment, USSD_COST)
                heard, length = digest, len(text)
                if record is not None and conversation is not None and going_on and length < record.heard_length:
                    # An older request, delivered late: what follows from it was heard already, and is not heard again.
                    heard, length = record.heard, record.heard_length
                kept = self._record(turn, screen, moment, session, heard, length, paid)
                try:
                    if not self._store.save(phone, version, kept):
                        continue
                except StoreAway:
                    # What was done is done; a last screen (a ticket) needs nothing of us any more.
                    if screen.goes_on:
                        raise
                self._tell(turn, Channel.USSD, kept)
                return screen
        except Away:
            AWAY.labels(Channel.USSD).inc()
        return self.busy(language)

    def sms(self, phone: str, text: str, message: str) -> Heard:
        """Take an inbound SMS, known as ``message``: the same one again gets the same reply. Raises ``Away``."""
        session = f"sms:{message}"
        for _attempt in range(_MOST_RACES):
            record, version = self._store.load(phone)
            now = self._clock.now()
            reading = self._reading(now)
            conversation = self._alive(record, now.timestamp(), RESUME_SMS, session)
            language = self._engine.catalogs.default if conversation is None else conversation.memory.language
            if record is not None and record.session == session:
                return Heard(record.answer or None, language)
            if self._often.is_too_often(record, now.timestamp()):
                TOO_OFTEN.labels(Channel.SMS).inc()
                return Heard(None, language, "too often")
            turn = self._engine.keyword(conversation, blank(self._flow.memory), text, now.timestamp())
            if turn is None and conversation is not None:
                turn = self._engine.hear(conversation, text, reading)
            if turn is None:
                over = record is not None and record.conversation is None
                if over and text.strip().strip(".!,").lower() in self._flow.courtesies:
                    return Heard(None, language, "courtesy")
                turn = self._engine.begin(blank(self._flow.memory), now.timestamp(), reading, unheard=text)
            turn, screen = self._carry_out(turn, phone, Channel.SMS, now, session, reading)
            paid = self._often.paid(record, now.timestamp(), SMS_COST)
            kept = self._record(turn, screen, now.timestamp(), session, self._digest(text), len(text), paid)
            if self._store.save(phone, version, kept):
                self._tell(turn, Channel.SMS, kept)
                spoken = language if turn.conversation is None else turn.conversation.memory.language
                return Heard(screen.text, spoken)
        raise StoreAway("lost too many races")

    def busy(self, language: str | None = None) -> Screen:
        """What is said when something is away."""
        catalogs = self._engine.catalogs
        return Screen(catalogs.translate(BUSY, language or catalogs.default), goes_on=False, busy=True)

    # --- within ----------------------------------------------------------------------------------------------------

    def _carry_out(
        self, turn: Turn[M], phone: str, channel: Channel, now: datetime, hop: str, reading: Reading
    ) -> tuple[Turn[M], Screen]:
        for _effect in range(_MOST_EFFECTS):
            if turn.screen is not None:
                return turn, turn.screen
            conversation = turn.conversation
            if conversation is None:
                break
            started = datetime.fromtimestamp(conversation.started_at, now.tzinfo)
            outcome = self._perform(turn.effect, Caller(phone, channel, now, hop, started))
            turn = self._engine.resolve(conversation, outcome, reading)
        raise RecursionError(f"{self._flow.name}: a turn without a screen")

    def _alive(self, record: Record | None, now: float, limit: float, session: str) -> Conversation[M] | None:
        if record is None or record.conversation is None:
            return None
        if now - record.at > limit and record.session != session:
            return None
        try:
            return thaw(self._flow, record.conversation)
        except NotOurs:
            return None

    def _is_dialled_anew(self, record: Record, text: str, now: float) -> bool:
        """Whether somebody dials long after all that was said: then the session is a new one, whatever the gateway calls it.

        Some gateways name sessions by number and phone, or count from one again: their callers would hear the end of their
        last call for days, and another holder of the phone would go on where it was left.
        """
        return not text and now - record.at > RESUME_USSD

    def _record(
        self,
        turn: Turn[M],
        screen: Screen,
        at: float,
        session: str,
        heard: str,
        heard_length: int,
        paid_until: int,
    ) -> Record:
        conversation: dict[str, Any] | None = None
        if turn.conversation is not None:
            conversation = freeze(self._flow, turn.conversation)
        return Record(
            at=at,
            conversation=conversation,
            session=session,
            heard=heard,
            heard_length=heard_length,
            answer=screen.text,
            goes_on=screen.goes_on,
            paid_until=paid_until,
        )

    def _tell(self, turn: Turn[M], channel: Channel, kept: Record) -> None:
        """Note a turn that counts. A visit is a USSD session, or all SMS of one conversation."""
        stands = turn.conversation or turn.ended
        if stands is not None:
            by_sms = channel is Channel.SMS
            visit = int(stands.started_at) if by_sms else zlib.crc32(kept.session.encode()) >> 1
            who, is_proven = self._flow.who(stands.memory), self._flow.is_proven(stands.memory)
            self._note(kept.at, channel, self._flow.name, stands.state, who, visit, is_proven)

    def _digest(self, text: str) -> str:
        # Keyed, since a birth date's plain hash is soon guessed.
        return _digest(text, self._digest_key)

    def _by_another_key(self, heard: str, text: str) -> bool:
        """Whether ``heard`` is the digest of ``text`` with a key that is being replaced or comes."""
        return bool(self._other_digest_keys) and any(heard == _digest(text, key) for key in self._other_digest_keys)

    def _rest(self, record: Record, text: str) -> str | None:
        """The new input: what follows the text heard before. None if ``text`` does not follow from it."""
        length = record.heard_length
        known = text[:length]
        if len(text) < length or (
            record.heard != self._digest(known) and not self._by_another_key(record.heard, known)
        ):
            return None
        if length == 0:
            return text
        return text[length + 1 :] if text[length : length + 1] == "*" else None

    def _reading(self, now: datetime) -> Reading:
        return Reading(now.astimezone(self._time_zone).date())


def _digest(text: str, key: bytes) -> str:
    return hashlib.blake2s(text.encode(), key=key, digest_size=12).hexdigest()
