"""People with phones: they dial, type, text, and see what comes back."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from itertools import count

from bot.text import septets

#: Posts a form to a path of the service: (status, body).
Post = Callable[[str, Mapping[str, str], Mapping[str, str]], tuple[int, str]]

WEBHOOK_SECRET = "webhook-secret-of-tests"
_sessions = count(1)
_messages = count(1)


@dataclass
class Phone:
    """A handset at Africa's Talking: USSD and SMS, with nothing but the documented fields."""

    number: str
    post: Post
    screen: str = ""
    goes_on: bool = False
    session: str = ""
    text: str = ""
    screens: list[str] = field(default_factory=list)
    service_code: str = "*384*119#"

    def dials(self) -> Phone:
        self.session, self.text = f"ATUid_{next(_sessions):08d}", ""
        return self._hop()

    def types(self, what: str) -> Phone:
        assert self.goes_on, f"the session is over: {self.screen}"
        self.text = f"{self.text}*{what}" if self.text else what
        return self._hop()

    def repeats(self) -> Phone:
        """The same request once more, as some operators send it."""
        return self._hop()

    def sends_text(self, text: str) -> Phone:
        """The session goes on with this ``text``, whatever was sent before."""
        self.text = text
        return self._hop()

    def sees(self, *expected: str) -> Phone:
        for part in expected:
            assert part in self.screen, f"{part!r} is not on the screen: {self.screen!r}"
        return self

    def does_not_see(self, *unexpected: str) -> Phone:
        for part in unexpected:
            assert part not in self.screen, f"{part!r} is on the screen: {self.screen!r}"
        return self

    def is_asked(self) -> Phone:
        assert self.goes_on, f"the session has ended: {self.screen!r}"
        return self

    def is_hung_up_on(self) -> Phone:
        assert not self.goes_on, f"the session goes on: {self.screen!r}"
        return self

    def registers(self, birth_date: str) -> Phone:
        """The shortest road."""
        return self.dials().types(birth_date).types("1").types("1").types("1")

    def _hop(self) -> Phone:
        form = {
            "sessionId": self.session,
            "phoneNumber": self.number,
            "networkCode": "51010",
            "serviceCode": self.service_code,
            "text": self.text,
        }
        status, body = self.post(f"/webhooks/africastalking/{WEBHOOK_SECRET}/ussd", form, {})
        assert status == 200, f"{status}: {body}"
        kind, _, self.screen = body.partition(" ")
        assert kind in {"CON", "END"}, body
        assert septets(self.screen) <= 160, self.screen
        self.goes_on = kind == "CON"
        self.screens.append(self.screen)
        return self

    def texts(self, what: str, *, message_id: str | None = None, link_id: str = "") -> int:
        """Send an SMS to the short code; the status of our answer."""
        form = {
            "date": "2021-01-13 09:00:00",
            "from": self.number,
            "id": message_id or f"in-{next(_messages):08d}",
            "linkId": link_id,
            "text": what,
            "to": "1199",
            "networkCode": "51010",
            "cost": "0",
        }
        status, body = self.post(f"/webhooks/africastalking/{WEBHOOK_SECRET}/sms", form, {})
        assert body == "" or status != 200
        return status
