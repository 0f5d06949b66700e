"""Programs that use embedded servers, run as processes of their own so that they can be killed."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import redis

from bot.embedded.layout import Layout
from bot.embedded.servers import ServerUrls

PROJECT = Path(__file__).resolve().parents[2]

#: Keeps the servers itself, says so, and waits.
OWNER = """
import sys
from pathlib import Path
from bot.embedded.servers import EmbeddedServers
with EmbeddedServers(Path(sys.argv[1]), durable=False):
    print("ready", flush=True)
    sys.stdin.read()
"""

#: The same where the kernel sends no signal to the children of the dead.
OWNER_WITHOUT_PARTING = "import bot.embedded.child\nbot.embedded.child._prctl = None\n" + OWNER

#: A command that uses the servers until its input ends.
COMMAND = """
import sys
from pathlib import Path
from bot.embedded.servers import using_servers
with using_servers(Path(sys.argv[1])) as urls:
    print(urls.database_url, urls.redis_url, flush=True)
    sys.stdin.read()
"""


@contextlib.contextmanager
def running(program: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """``program`` at work on ``folder``, killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)],
        cwd=PROJECT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            process.kill()


def first_line(process: subprocess.Popen[str]) -> str:
    """The first line that it writes, which says that it is ready."""
    assert process.stdout is not None
    line = process.stdout.readline().strip()
    assert line, "it ended without a word"
    return line


def end(process: subprocess.Popen[str]) -> None:
    """Let it end by itself."""
    process.communicate(timeout=20)
    assert process.returncode == 0


def servers_on(folder: Path) -> list[int]:
    """The processes of servers that work on ``folder``, by whatever name."""
    layout = Layout(folder)
    places = {str(folder / name) for name in ("postgres", "postgres.new", "valkey")}
    if layout.postgres_location.exists():
        places.add(f"{layout.postgres_location.read_text().strip()}/postgres")
    found = []
    for process in psutil.process_iter(["name"]):
        if process.info["name"] in ("postgres", "initdb", "valkey-server"):
            with contextlib.suppress(psutil.NoSuchProcess):
                if process.status() != psutil.STATUS_ZOMBIE and process.cwd() in places:
                    found.append(process.pid)
    return found


def remember(urls: ServerUrls, what: str) -> None:
    """Write something to both servers."""
    with psycopg.connect(urls.database_url) as connection:
        connection.execute("CREATE TABLE IF NOT EXISTS kept (what text)")
        connection.execute("INSERT INTO kept VALUES (%s)", [what])
    with redis.Redis.from_url(urls.redis_url) as client:
        client.set("kept", what)


def remembered(urls: ServerUrls) -> tuple[str, str]:
    """What was written to PostgreSQL and to Valkey."""
    with psycopg.connect(urls.database_url) as connection:
        row = connection.execute("SELECT what FROM kept").fetchone()
    with redis.Redis.from_url(urls.redis_url, decode_responses=True) as client:
        return (row[0] if row else "", str(client.get("kept")))
