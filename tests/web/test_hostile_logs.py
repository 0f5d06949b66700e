"""What strangers send never makes a line of the log, and no line holds what they sent."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote, urlencode

from tests.phones import WEBHOOK_SECRET
from tests.web.served import asks, served
from tests.world import World

_MARK = "INJECTED"
_NASTY = f'x\r\n{{"event": "{_MARK}", "level": "info"}}\r\n\x1b[31m{_MARK}\u2028{_MARK}\x85{_MARK}'


def test_the_log_is_json_lines_and_holds_nothing_of_what_was_sent(
    environ: dict[str, str], world: World, tmp_path: Path
) -> None:
    log = tmp_path / "web.log"
    hooks = f"/webhooks/africastalking/{WEBHOOK_SECRET}"
    with served({**environ, "LOG_LEVEL": "DEBUG"}, log) as port:
        sms = {"from": "+6285700000001", "to": _NASTY, "id": "in-1", "text": _NASTY, "date": _NASTY}
        dial = {"phoneNumber": "+6285700000001", "sessionId": "s1", "serviceCode": _NASTY, "text": _NASTY}
        receipt = {"id": "ATX-1", "status": _NASTY, "phoneNumber": "+6285700000001", "failureReason": _NASTY}
        assert asks(port, "POST", f"{hooks}/sms", urlencode(sms))[0] == 200
        assert asks(port, "POST", f"{hooks}/ussd", urlencode(dial))[0] == 200
        assert asks(port, "POST", f"{hooks}/receipts", urlencode(receipt))[0] == 200
        for broken in ({**sms, "id": _NASTY}, {**sms, "from": _NASTY}):
            assert asks(port, "POST", f"{hooks}/sms", urlencode(broken))[0] == 400
        assert asks(port, "POST", f"/webhooks/africastalking/{quote(_NASTY)}/sms", urlencode(sms))[0] == 403
        for path in (f"/{quote(_NASTY)}", f"/admin/{quote(_NASTY)}", f"/api/v1/{quote(_NASTY)}?{quote(_NASTY)}"):
            asks(port, "GET", path)
        plain = f"{_MARK} {_MARK}"
        for header in ("X-Request-Id", "User-Agent", "Referer", "X-Forwarded-For", "Authorization", "Cookie"):
            asks(port, "GET", "/admin/account", headers={header: plain})
        asks(port, "POST", "/admin/sign-in", urlencode({"name": _NASTY, "password": _NASTY}))
    lines = [line for line in log.read_bytes().split(b"\n") if line.strip()]
    assert len(lines) > 5
    ours = [json.loads(line) for line in lines if not line.startswith(b"[")]
    assert all({"event", "level", "timestamp"} <= set(line) for line in ours)
    assert _MARK.encode() not in log.read_bytes()
    assert WEBHOOK_SECRET.encode() not in log.read_bytes()
    assert b"\x1b" not in log.read_bytes()
    assert b"6285700000001" not in log.read_bytes()
