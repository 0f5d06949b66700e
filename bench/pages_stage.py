"""The stage of the bench ``pages``: a country's worth of rows, callers and the command room with web processes of their own,
and the floor's server."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from bench.cpu import FLOOR, POSTGRESQL, SENDERS, VALKEY, WEB, Meters
from bench.crowd import Crowd, gather
from bench.stage import (
    Stage,
    await_serving,
    ended_by_sigterm,
    floor_of,
    free_port,
    pids_of,
    running_children,
    settings_of,
)
from bot.clock import RealClock
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.officers import accounts
from bot.officers.accounts import Role
from bot.serve import plan
from bot.serve.supervisor import Child

#: The web process of the command room, beside that of the callers.
ROOM = "room"
#: Who may sign in there.
NAME, PASSWORD = "penonton", "kata-sandi-untuk-bench"


@contextlib.contextmanager
def staged_pages(folder: Path, crowd: Crowd, say: Callable[[str], None]) -> Iterator[tuple[Stage, Mapping[str, str]]]:
    """Set everything up in ``folder``, and stop it at the end: what runs, and what a command of the service needs to join in.

    Call from the main thread. Raises ``BenchFailed``, ``bot.embedded.errors.EmbeddedServerError`` or ``OSError``.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(ended_by_sigterm())
        servers = stack.enter_context(EmbeddedServers(folder))
        port = free_port()
        environ = settings_of(folder, servers, port)
        gather(environ, crowd, say)
        database = Database(environ["DATABASE_URL"], limit=None)
        accounts.add(database, NAME, Role.NATIONAL, None, PASSWORD, now=RealClock().now(), actor="bench")
        database.close()
        say("starting the service")
        log_path = folder / "log" / "service.log"
        log = stack.enter_context(log_path.open("ab"))
        room = {**environ, "PORT": str(free_port()), "WEB_SERVES": "office", "WEB_PROCESSES": "1"}
        floor_port = free_port()
        commands = [
            *plan.children({**environ, "WEB_SERVES": "gateways"}),
            Child(ROOM, (sys.executable, "-m", "bot", "web"), room),
            floor_of(room, floor_port),
        ]
        children = stack.enter_context(running_children(commands, log))
        stage = Stage(
            database_url=environ["DATABASE_URL"],
            redis_url=environ["REDIS_URL"],
            path=f"/webhooks/africastalking/{environ['WEBHOOK_SECRET']}/ussd",
            ports={WEB: port, ROOM: int(room["PORT"]), FLOOR: floor_port},
            children=children,
            meters=Meters(
                {
                    WEB: [children[WEB].pid, children[ROOM].pid],
                    FLOOR: [children[FLOOR].pid],
                    POSTGRESQL: pids_of(servers.postgres.pid),
                    VALKEY: pids_of(servers.valkey.pid),
                    SENDERS: [each.pid for name, each in children.items() if name not in (WEB, ROOM, FLOOR)],
                }
            ),
        )
        await_serving(stage, log_path)
        yield stage, environ
