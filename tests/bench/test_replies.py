"""The bench ``replies`` from end to end, on real servers, small; its texters and its judge."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs

import psycopg
import pytest
from click.testing import CliRunner
from twilio.request_validator import RequestValidator

from bench.__main__ import bench
from bench.replies_judge import judge, read_twiml
from bench.stub_gateway.message_log import MessageLog, Taken
from bench.texter import signature
from bench.texters import Conversations
from bench.texts import AFRICASTALKING, TEXTS, TWILIO, TextAccount, TextScript

ARGUMENTS = (
    *("replies", "--lines", "2", "--registrations", "6", "--rounds", "1"),
    *("--calm", "2", "--workers", "60", "--json"),
)


def test_a_small_run(new_folder: Callable[[], Path], monkeypatch: pytest.MonkeyPatch) -> None:
    folder = new_folder()
    monkeypatch.setenv("VAR", str(folder))
    done = CliRunner().invoke(bench, ARGUMENTS)
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    assert found["wrong"] == []
    assert [one["name"] for one in found["gateways"]] == [AFRICASTALKING, TWILIO]
    for gateway in found["gateways"]:
        [floor], [texted], calm = gateway["floors"], gateway["rounds"], gateway["calm"]
        assert (floor["replies"], texted["replies"], calm["replies"]) == (24, 24, 8)
        p50, p95, p99, longest = texted["reply_ms"]
        assert 0 < p50 <= p95 <= p99 <= longest
    # Where the answer leaves by the API the floor sends as many texts beside taking in SMS.
    assert [one["floors"][0]["loop_ms"] > 0 for one in found["gateways"]] == [True, False]
    works = {work["name"]: work for work in found["common"]["work"]}
    assert works[AFRICASTALKING]["cpu_us"]["web"] > 0
    assert works[TWILIO]["units"] == 24
    assert json.loads((folder / "bench" / "replies.json").read_text()) == found


@contextmanager
def _answering(answer: Callable[[dict[str, str]], tuple[int, str]]) -> Iterator[int]:
    """A server that answers to forms; its port."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            told = parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode(), keep_blank_values=True)
            status, body = answer({name: values[0] for name, values in told.items()})
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body.encode())

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_address[1]
    server.shutdown()
    server.server_close()
    thread.join()


def _script(port: int, gateway: str, workers: int, log: Path | None = None) -> TextScript:
    numbers = tuple((f"+628120000{number:04d}", "17081985") for number in range(workers))
    return TextScript("127.0.0.1", port, gateway, "/sms", 2, numbers, "m", log=str(log or ""), patience=5.0)


def test_each_text_waits_for_the_gateway_to_have_the_answer_before_it(tmp_path: Path) -> None:
    log = MessageLog(tmp_path / "log")
    said: dict[str, list[str]] = {}

    def answer(form: dict[str, str]) -> tuple[int, str]:
        said.setdefault(form["from"], []).append(form["text"])
        log.write(Taken(AFRICASTALKING, "Balas 1", (form["from"],), (f"AT{form['id']}",)))
        return 200, ""

    with _answering(answer) as port:
        account = Conversations(_script(port, AFRICASTALKING, 3, tmp_path / "log")).run()
    assert set(map(tuple, said.values())) == {("17081985", "1", "1", "1")}
    assert (account.walks, account.replies, account.errors) == (3, 3 * TEXTS, {})
    assert len(dict(account.sent)) == 3 * TEXTS


def test_what_is_turned_away_is_delivered_again_under_its_id() -> None:
    seen: list[str] = []

    def answer(form: dict[str, str]) -> tuple[int, str]:
        seen.append(form["MessageSid"])
        if seen.count(form["MessageSid"]) == 1 and form["Body"] == "17081985":
            return 503, "Busy. Please try again.\n"
        return 200, "<Response><Message>Balas 1</Message></Response>"

    with _answering(answer) as port:
        account = Conversations(_script(port, TWILIO, 2)).run()
    assert (account.walks, account.again, account.errors) == (2, 2, {})
    assert (len(account.sent), len(seen)) == (2 * TEXTS, 2 * TEXTS + 2)
    # What they have waited meanwhile is their wait.
    assert min(account.reply_us[0]) > 400_000


def test_an_answer_without_a_reply_is_an_error() -> None:
    with _answering(lambda _form: (200, "<Response/>")) as port:
        account = Conversations(_script(port, TWILIO, 2)).run()
    assert (account.walks, account.errors) == (0, {"SMS 1 has no answer": 2})


def test_signatures_are_those_of_the_sdk() -> None:
    form = {"To": "+15005550006", "From": "+62812", "Body": "1 & 2", "MessageSid": "SM1"}
    url = "http://127.0.0.1:8000/webhooks/twilio/sms"
    assert signature(url, form, "secret") == RequestValidator("secret").compute_signature(url, form)


def test_twiml_is_read() -> None:
    answer = '<Response><Message action="/x?a=1&amp;b" statusCallback="/x?a=1&amp;b">1 &lt; 2</Message></Response>'
    assert read_twiml(answer) == ("1 < 2", "/x?a=1&b")
    with pytest.raises(ValueError, match="without one message"):
        read_twiml("<Response/>")


PHONE = "+628120000001"
_INBOUND = """
INSERT INTO inbound (gateway, gateway_message_id, phone, text_sealed, state, received_at)
VALUES ('africastalking', %s, %s, '', 'handled', now()) RETURNING id
"""
_REPLY = """
INSERT INTO message (natural_key, kind, lane, gateway, phone, language, body, inbound_id, attempt_id, state, provider_id,
                     created_at)
VALUES ('reply:' || %(sms)s, 'reply', 'reply', 'africastalking', %(phone)s, 'id', %(body)s, %(sms)s, 1, 'accepted', %(at)s,
        now())
"""


def test_the_judge_sees_what_is_missing_doubled_or_somebody_elses(database_url: str, tmp_path: Path) -> None:
    path = tmp_path / "log"
    log = MessageLog(path)
    account = TextAccount(sent=[(f"m{number}", PHONE) for number in range(TEXTS)])
    with psycopg.connect(database_url, autocommit=True) as connection:
        for number in range(TEXTS):
            row = connection.execute(_INBOUND, (f"m{number}", PHONE)).fetchone()
            assert row is not None
            body = f"Balas {number}"
            connection.execute(_REPLY, {"sms": row[0], "phone": PHONE, "body": body, "at": f"AT{number}"})
            log.write(Taken(AFRICASTALKING, body, (PHONE,), (f"AT{number}",)))

        def judged() -> set[str]:
            return set(judge(database_url, path, AFRICASTALKING, [account]))

        # Nobody has registered here: that alone is wrong so far.
        no_ticket = "1 registrations did not end with a ticket of their own"
        assert judged() == {no_ticket}
        log.write(Taken(AFRICASTALKING, "Balas 0", (PHONE,), ("AT0",)))
        log.write(Taken(AFRICASTALKING, "Balas 0", (PHONE,), ("AT77",)))
        assert judged() == {
            no_ticket,
            "1 replies were handed over twice",
            "1 people got the same text twice",
            "1 messages at the gateway are nobody's",
        }
        connection.execute("UPDATE message SET state = 'queued', provider_id = NULL WHERE provider_id = 'AT1'")
        connection.execute("UPDATE message SET body = 'Lain' WHERE provider_id = 'AT2'")
        connection.execute("UPDATE message SET phone = '+62899' WHERE provider_id = 'AT3'")
        assert judged() >= {
            "1 replies were not accepted",
            "1 replies are not in the gateway's log",
            "2 messages at the gateway have another number or text than ours",
            "1 replies go to somebody else",
        }
        connection.execute("DELETE FROM message WHERE phone = '+62899'")
        account.sent.append(("m9", PHONE))
        assert judged() >= {
            "1 SMS have no reply",
            "1 SMS are not in the database",
            f"1 registrations took not {TEXTS} SMS",
        }
