"""The stage of the benches ``replies`` and ``receipts``: the whole service, the floor, and the stub as both gateways."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from bench.blast_stage import fill
from bench.counted import await_counted
from bench.cpu import FLOOR, POSTGRESQL, SENDERS, STUB, VALKEY, WEB, Meters
from bench.stage import HOST, Stage, await_serving, ended_by_sigterm, free_port, pids_of, running_children, settings_of
from bench.stub_gateway.running import RunningStub
from bench.texts import AFRICASTALKING, TWILIO
from bot.embedded.servers import EmbeddedServers
from bot.serve import plan
from bot.serve.supervisor import Child

_AUTH_TOKEN = "bench-auth-token"


@dataclass(frozen=True, slots=True)
class SmsStage:
    """What is running. ``environ``: the service's settings."""

    service: Stage
    stub: RunningStub
    environ: Mapping[str, str]

    @property
    def auth_token(self) -> str:
        """What Twilio signs with."""
        return self.environ["TWILIO_AUTH_TOKEN"]

    @property
    def public_url(self) -> str:
        """The service's address as gateways know it."""
        return f"http://{HOST}:{self.service.ports[WEB]}"

    def path(self, gateway: str, what: str) -> str:
        """Where a gateway posts ``sms`` or ``receipts``."""
        secret = "" if gateway == TWILIO else f"/{self.environ['WEBHOOK_SECRET']}"
        return f"/webhooks/{gateway}{secret}/{what}"


@contextlib.contextmanager
def staged_sms(folder: Path, *, roster: int, say: Callable[[str], None]) -> Iterator[SmsStage]:
    """Set everything up in ``folder`` for a ``roster`` of people with a phone each, and stop it at the end.

    Call from the main thread. Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(ended_by_sigterm())
        say("starting PostgreSQL, Valkey and the stub gateway")
        servers = stack.enter_context(EmbeddedServers(folder))
        stub = stack.enter_context(RunningStub(folder / "messages.log"))
        ports = {name: free_port() for name in (WEB, FLOOR)}
        environ = settings_of(folder, servers, ports[WEB]) | _gateways(stub.url)
        say(f"making up {roster:,} workers with a phone each")
        fill(environ, roster, 0)
        say("starting the service and the floor")
        floor = Child(FLOOR, (sys.executable, "-m", "bench.floor_server"), {**environ, "PORT": str(ports[FLOOR])})
        log_path = folder / "log" / "service.log"
        log = stack.enter_context(log_path.open("ab"))
        children = stack.enter_context(running_children([*plan.children(environ), floor], log))
        service = Stage(
            database_url=environ["DATABASE_URL"],
            redis_url=environ["REDIS_URL"],
            path="",
            ports=ports,
            children=children,
            meters=Meters(
                {
                    WEB: [children[WEB].pid],
                    FLOOR: [children[FLOOR].pid],
                    SENDERS: [process.pid for name, process in children.items() if name not in (WEB, FLOOR)],
                    POSTGRESQL: pids_of(servers.postgres.pid),
                    VALKEY: pids_of(servers.valkey.pid),
                    STUB: [stub.pid],
                }
            ),
        )
        await_serving(service, log_path)
        await_counted(service)
        yield SmsStage(service, stub, environ)


def _gateways(stub_url: str) -> dict[str, str]:
    return {
        "SMS_GATEWAY": AFRICASTALKING,
        "AT_USERNAME": "bench",
        "AT_API_KEY": "bench-key",
        "AT_SHORTCODE": "1199",
        "AT_API_URL": stub_url,
        "TWILIO_ACCOUNT_SID": "AC00000000000000000000000000000000",
        "TWILIO_AUTH_TOKEN": _AUTH_TOKEN,
        "TWILIO_FROM": "+15005550006",
        "TWILIO_API_URL": stub_url,
    }
