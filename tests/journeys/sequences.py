"""What any sequence of hops and SMS is held against: the model, the stored conversations, and the words of each answer."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hypothesis.stateful import RuleBasedStateMachine

from bot.conversation.conversation import Conversation, thaw
from bot.conversation.driver import RESUME_SMS, RESUME_USSD
from bot.conversation.readers import Date, read_date, read_keyword
from bot.conversation.store import Record, Store
from bot.redis_clients import connect
from bot.registration.acts import Access
from bot.services import Services
from bot.text import is_gsm7
from flows.memory import Memory
from tests.journeys.conftest import MovableClock
from tests.journeys.model import Answer, Booked, Model, Proof
from tests.journeys.words import FLOW, TICKET, Kind, kinds
from tests.phones import Phone, Post
from tests.world import MORNING, Worker, World

#: Every keyword by each of its words.
_KEYWORDS = {word.lower(): each.to for each in FLOW.keywords for word in each.words}


@dataclass
class Stage:
    """What a run plays on."""

    services: Services
    post: Post
    clock: MovableClock
    redis_url: str

    def is_cleared(self) -> None:
        """Nobody has ever called."""
        tables = self.services.database.value(
            "SELECT string_agg(quote_ident(tablename), ', ') FROM pg_tables WHERE schemaname = 'public' "
            "AND tablename <> 'alembic_version'"
        )
        self.services.database.rows(f"TRUNCATE {tables} RESTART IDENTITY CASCADE")
        connect(self.redis_url).flushdb()
        self.clock.set(MORNING)


@dataclass
class Line:
    """A handset, and what the service was last sent by it: (session, text) of USSD, None after an SMS."""

    phone: Phone
    last: tuple[str, str] | None = None
    sent: list[tuple[str, str]] = field(default_factory=list)
    texted: list[tuple[str, str]] = field(default_factory=list)


@dataclass(frozen=True)
class Standing:
    """Where a conversation stands, as it is kept."""

    record: Record | None
    conversation: Conversation[Memory] | None

    @property
    def state(self) -> str:
        return "" if self.conversation is None else self.conversation.state

    @property
    def memory(self) -> Memory:
        return Memory() if self.conversation is None else self.conversation.memory


class Judged(RuleBasedStateMachine):
    """Sends what people do, and judges each answer."""

    stage: Stage
    world: World
    people: list[Worker]
    model: Model
    store: Store
    lines: list[Line]
    last_message: int
    written: list[tuple[str, int | None, str, str]]

    def _standing(self, line: Line) -> Standing:
        """Raises if a conversation stands where the table of states knows nothing."""
        record, _ = self.store.load(line.phone.number)
        if record is None or record.conversation is None:
            return Standing(record, None)
        conversation = thaw(FLOW, record.conversation)
        assert (conversation.memory.nik, conversation.memory.birth_date) == ("", "")
        return Standing(record, conversation)

    def _types(self, line: Line, what: str) -> None:
        if not line.phone.goes_on:
            self._hop(line, lambda: line.phone.dials())
            if not line.phone.goes_on:
                return
        self._hop(line, lambda: line.phone.types(what))

    def _hop(self, line: Line, send: Callable[[], object], *, replayed: bool = False) -> None:
        before = self._standing(line)
        send()
        request = (line.phone.session, line.phone.text)
        heard = None if replayed else self._heard(before, line, request)
        is_stored = before.record is not None and line.last == request
        if not self._is_older(before, line, request):
            line.last = request
        if not replayed:
            line.sent.append(request)
        self._judge(line, before, heard, line.phone.screen, stored=is_stored)

    def _is_older(self, before: Standing, line: Line, request: tuple[str, str]) -> bool:
        """Whether a request comes late, from within the session: then what follows is what follows the longest one."""
        if before.conversation is None or before.record is None or line.last is None:
            return False
        if not before.record.session == line.last[0] == request[0]:
            return False
        is_dialled_anew = not request[1] and self.stage.clock.now.timestamp() - before.record.at > RESUME_USSD
        return len(request[1]) < len(line.last[1]) and not is_dialled_anew

    @staticmethod
    def _heard(before: Standing, line: Line, request: tuple[str, str]) -> str | None:
        """What the service hears: what follows the text before, in the session before."""
        if before.conversation is None or before.record is None or line.last is None or line.last[0] != request[0]:
            return None
        if before.record.session != request[0]:
            return None
        text = line.last[1]
        if not text:
            return request[1]
        return request[1][len(text) + 1 :] if request[1].startswith(f"{text}*") else None

    def _sms(self, line: Line, what: str) -> None:
        before = self._standing(line)
        now = self.stage.clock.now
        number = f"sms-{line.phone.number}-{len(line.texted)}"
        line.texted.append((number, what))
        assert line.phone.texts(what, message_id=number) == 200
        line.last = None
        replies = self._new_messages()
        mine = [
            (key, body) for key, _, phone, body in replies if phone == line.phone.number and key.startswith("reply:")
        ]
        keyword = read_keyword(what, _KEYWORDS)
        if keyword == "object":
            self.model.objects(line.phone.number)
        alive = before.conversation is not None and before.record is not None
        if alive and before.record is not None and now.timestamp() - before.record.at > RESUME_SMS:
            alive = False
        if not mine:
            state = self.stage.services.database.value("SELECT reason FROM inbound ORDER BY id DESC LIMIT 1")
            assert state == "courtesy"
            return
        [(_, body)] = mine
        heard: str | None = what
        if keyword is not None:
            heard = None
        elif not alive:
            before = self._greeted(line, before)
        self._judge(line, before, heard, body, keyword=keyword is not None)

    def _greeted(self, line: Line, before: Standing) -> Standing:
        """Where a conversation that begins now asks its first question."""
        now, phone = self.stage.clock.now, line.phone.number
        known = bool(self.model.owners(phone))
        if not known or self.model.is_locked(phone, now) or self.model.is_closed_for(phone, now):
            return Standing(before.record, None)
        return Standing(before.record, Conversation("birth_date", Memory(), now.timestamp()))

    def _judge(
        self, line: Line, before: Standing, heard: str | None, told: str, *, stored: bool = False, keyword: bool = False
    ) -> None:
        """Hold what was told, and what is kept, against the model."""
        phone = line.phone.number
        after = self._standing(line)
        seen = kinds(told)
        assert is_gsm7(told)
        assert Kind.BUSY not in seen, told
        if not stored:
            self._proof_is_right(line, before, heard, seen, after)
            if heard is not None or keyword:
                self._booking_is_right(line, before, heard, told, seen)
        for ticket in TICKET.findall(told):
            worker, _ = self._owner(ticket)
            assert self.model.may_be_shown(phone, worker, ticket), (phone, told)
            self.model.seen.add((phone, ticket))
        for worker in self.people:
            if worker.name in told:
                assert (phone, worker.id) in self.model.proven, (phone, told)

    def _proof_is_right(
        self, line: Line, before: Standing, heard: str | None, seen: set[Kind], after: Standing
    ) -> None:
        phone, now = line.phone.number, self.stage.clock.now
        answer = self._proof(phone, before, heard)
        if answer is None:
            assert not seen & {Kind.WRONG, Kind.WRONG_PAIR} or before.memory.left, seen
            if Kind.LOCKED in seen:
                assert self.model.is_locked(phone, now)
            changed = after.memory.worker_id not in (0, before.memory.worker_id)
            assert not changed, "proven by nothing"
            return
        match answer.proof:
            case Proof.PROVEN if answer.access is Access.NONE:
                assert seen == {Kind.BARRED}
            case Proof.PROVEN:
                assert not seen & {Kind.WRONG, Kind.WRONG_PAIR, Kind.LOCKED, Kind.BARRED}, seen
                if after.conversation is not None:
                    assert (after.memory.worker_id, after.memory.access) == (answer.worker, answer.access)
            case Proof.WRONG:
                assert seen & {Kind.WRONG, Kind.WRONG_PAIR}, seen
                assert after.memory.left == answer.left
            case Proof.LOCKED:
                assert seen == {Kind.LOCKED}
            case Proof.SEVERAL:
                assert after.state == "nik_of_family"
            case Proof.STRANGE:
                assert after.state == "nik"

    def _proof(self, phone: str, before: Standing, heard: str | None) -> Answer | None:
        """What the model says to an input; None if it proves nothing and is no wrong answer."""
        now = self.stage.clock.now
        if heard is None or before.state not in ("birth_date", "birth_date_after_nik"):
            return None
        if (before.state, heard.strip()) in (("birth_date", "9"),):
            return None
        today = now.astimezone(self.stage.services.settings.time_zone).date()
        typed = read_date(heard, today=today)
        if not isinstance(typed, Date):
            return None
        if before.state == "birth_date":
            return self.model.says_birth_date(phone, typed.value, now)
        nik = self.world.vault.open(bytes.fromhex(before.memory.sealed_nik), "conversation.nik")
        return self.model.says_nik_and_birth_date(phone, nik, typed.value, now)

    def _booking_is_right(self, line: Line, before: Standing, heard: str | None, told: str, seen: set[Kind]) -> None:
        phone, now = line.phone.number, self.stage.clock.now
        if Kind.TICKET in seen:
            found = TICKET.search(told)
            assert found is not None, told
            worker, _ = self._owner(found[1])
            known = self.model.registered.get(worker)
            if (
                heard is not None
                and before.state in ("offer", "next_offer")
                and (known is None or known.ticket != found[1])
            ):
                assert (phone, worker) in self.model.proven
                assert before.memory.worker_id == worker
                assert self.model.takes_bookings(now)
                if known is not None:
                    assert self.model.owns_booking(phone, worker)
                self.model.registered[worker] = Booked(found[1], phone)
                self.model.seen.add((phone, found[1]))
        if Kind.CANCELLED in seen and heard is not None and before.state == "cancel_sure":
            worker = before.memory.worker_id
            if worker in self.model.registered:
                assert self.model.owns_booking(phone, worker)
                del self.model.registered[worker]

    def _new_messages(self) -> list[tuple[str, int | None, str, str]]:
        """Written since the last look: (natural key, booking, phone, body)."""
        rows = self.stage.services.database.rows(
            "SELECT id, natural_key, booking_id, phone, body FROM message WHERE id > %s ORDER BY id",
            (self.last_message,),
        )
        if rows:
            self.last_message = rows[-1][0]
        written = [(key, booking, phone, body) for _, key, booking, phone, body in rows]
        self.written += written
        return written

    def _owner(self, ticket: str) -> tuple[int, int]:
        """Whose a ticket is, and of which booking: every ticket that anybody was ever shown exists."""
        row = self.stage.services.database.row("SELECT worker_id, id FROM booking WHERE ticket = %s", (ticket,))
        assert row is not None, ticket
        return row[0], row[1]

    def _ticket_of(self, key: str) -> str | None:
        """The ticket of the booking that a message's key names."""
        found: str | None = self.stage.services.database.value(
            "SELECT ticket FROM booking WHERE id = %s", (int(key.partition(":")[2]),)
        )
        return found
