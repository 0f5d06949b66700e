"""The whole service from one command: embedded servers, keys, migrations, sample data, children."""

from __future__ import annotations

import contextlib
import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from bot import config, listeners
from bot.embedded.addresses import Kind
from bot.embedded.errors import EmbeddedServerError, FolderInUse
from bot.embedded.layout import Layout
from bot.embedded.lease import Lease
from bot.embedded.locks import FileLock
from bot.embedded.secrets import secrets_of
from bot.serve import plan
from bot.serve.address import bound, browsable, check_free, unready
from bot.serve.errors import CannotServe
from bot.serve.follow import FollowedLog
from bot.serve.interrupts import Interrupts, Stopped
from bot.serve.renewing import renew_all
from bot.serve.supervisor import Supervisor
from bot.serve.terminal import Terminal

#: The service ends within 15 s of being asked to: children 10 s, then the servers what is left of this.
_STOP_LIMIT = 14.0
_LEAST_FOR_SERVERS = 2.0
_PROBE_EVERY = 0.25
_COMPLAIN_AFTER = 60.0
_PROJECT = Path(__file__).resolve().parents[2]
#: Stand in for the addresses of embedded servers while the other settings are looked at.
_ANY_URLS = {"DATABASE_URL": "postgresql:///", "REDIS_URL": "redis://"}


def run_service(environ: Mapping[str, str], *, sample_workers: int | None, simulator: bool, demo: bool) -> int:
    """Run everything until a signal asks to stop; the exit code.

    ``environ`` wins over every default. ``sample_workers``: how many made-up workers an empty roster is filled with
    (None: none). ``simulator``: serve the phone simulator and send through it, unless ``environ`` says otherwise.
    ``demo``: make the missing keys even for a database of one's own. What keeps it from starting is told in one line on
    standard error, with exit code 1.
    """
    terminal = Terminal()
    try:
        with Interrupts() as interrupts:
            _Service(environ, terminal, interrupts, simulator=simulator, demo=demo).run(sample_workers)
    except Stopped:
        terminal.say("Stopped.")
    except (CannotServe, EmbeddedServerError, config.SettingError) as error:
        terminal.flush(1)
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        terminal.flush(1)
    return 0


class _Service:
    def __init__(
        self, environ: Mapping[str, str], terminal: Terminal, interrupts: Interrupts, *, simulator: bool, demo: bool
    ) -> None:
        self._environ = {name: value for name, value in environ.items() if value.strip() or name not in _ANY_URLS}
        self._terminal = terminal
        self._interrupts = interrupts
        self._simulator = simulator
        self._demo = demo
        self._layout = Layout(Path(environ.get("VAR", "").strip() or "var").absolute())
        self._lease: Lease | None = None
        self._servers_log: FollowedLog | None = None
        self._listeners: tuple[int, ...] = ()

    def run(self, sample_workers: int | None) -> None:
        with self._only_one():
            env = self._settings()
            settings = config.load({**_ANY_URLS, **env})
            check_free(settings.host, settings.port)
            self._listeners = bound(settings.host, settings.port, settings.web_processes)
            env.setdefault("PUBLIC_URL", browsable(settings.host, settings.port))
            supervisor = Supervisor(self._terminal, self._interrupts, cwd=_PROJECT, each_turn=self._each_turn)
            try:
                env |= self._servers()
                self._prepare_database(supervisor, env, sample_workers)
                env |= plan.metrics_folder(env)
                env |= listeners.told(self._listeners)
                supervisor.start(plan.children(env))
                self._announce_when_ready(supervisor, settings.host, settings.port, settings.simulator)
                while True:
                    self._interrupts.check()
                    supervisor.turn()
                    if self._interrupts.take_renewal():
                        renew_all(supervisor, self._terminal, env, settings.web_processes, self._layout.folder)
            finally:
                self._stop(supervisor)

    @contextlib.contextmanager
    def _only_one(self) -> Iterator[None]:
        self._layout.make()
        lock = FileLock(self._layout.service_lock)
        try:
            taken = lock.take()
        except OSError as error:
            raise EmbeddedServerError(
                f"{lock.path} cannot be used ({error.strerror}); set VAR to another folder."
            ) from error
        if not taken:
            raise FolderInUse(
                f"A service is already running on {self._layout.folder}; stop it, or set VAR to another folder "
                "(and PORT to another port)."
            )
        try:
            yield
        finally:
            lock.release()

    def _settings(self) -> dict[str, str]:
        env = dict(self._environ)
        env["VAR"] = str(self._layout.folder)
        if self._demo or "DATABASE_URL" not in env:
            env |= secrets_of(self._layout.folder, env)
        if self._simulator:
            for name, value in (("SMS_GATEWAY", "simulator"), ("SIMULATOR", "1")):
                env[name] = env.get(name, "").strip() or value
        return env

    def _servers(self) -> dict[str, str]:
        """Start the servers whose URLs are not set; their URLs."""
        missing = {
            kind: variable
            for kind, variable in ((Kind.POSTGRES, "DATABASE_URL"), (Kind.VALKEY, "REDIS_URL"))
            if variable not in self._environ
        }
        if not missing:
            return {}
        names = " and ".join({Kind.POSTGRES: "PostgreSQL", Kind.VALKEY: "Valkey"}[kind] for kind in missing)
        self._terminal.say(f"Starting {names}, with their data in {self._layout.folder}")
        lease = Lease(self._layout.folder, frozenset(missing), say=self._terminal.say, check=self._interrupts.check)
        self._lease = lease.__enter__()  # released by _stop, which knows how much time is left
        self._servers_log = FollowedLog(self._layout.servers_log)
        found = {"DATABASE_URL": lease.urls.database_url, "REDIS_URL": lease.urls.redis_url}
        return {variable: found[variable] for variable in missing.values()}

    def _prepare_database(self, supervisor: Supervisor, env: Mapping[str, str], sample_workers: int | None) -> None:
        self._terminal.say("Bringing the database up to date")
        if supervisor.run(plan.migration(env)) != 0:
            raise CannotServe("The database could not be brought up to date; the reason stands above.")
        if sample_workers is not None:
            self._terminal.say("Looking for sample data, and making them if there are none")
            if supervisor.run(plan.sample(env, sample_workers)) != 0:
                raise CannotServe("The sample data could not be made; the reason stands above.")
        if self._demo and supervisor.run(plan.first_admin(env, self._layout.demo_admin)) != 0:
            raise CannotServe("The first admin could not be made; the reason stands above.")

    def _announce_when_ready(self, supervisor: Supervisor, host: str, port: int, simulator: bool) -> None:
        began = last = time.monotonic()
        complained = False
        while (reason := unready(host, port)) is not None:
            if not complained and last - began > _COMPLAIN_AFTER:
                self._terminal.say(f"Not ready yet: {reason}")
                complained = True
            while time.monotonic() < last + _PROBE_EVERY:
                self._interrupts.check()
                supervisor.turn()
            last = time.monotonic()
        url = browsable(host, port)
        self._terminal.say("")
        self._terminal.say(f"Balas is ready at {url}")
        if simulator:
            self._terminal.say(f"  phone simulator  {url}/simulator/")
        self._terminal.say(f"  command room     {url}/admin/{self._sign_in()}")
        self._terminal.say("  Ctrl-C stops all of it; what was done is kept. The logs follow.")
        self._terminal.say("")

    def _sign_in(self) -> str:
        """How to sign in to the demo; nothing where somebody has made their own admin."""
        if not self._demo:
            return ""
        try:
            kept = json.loads(self._layout.demo_admin.read_text(encoding="utf-8"))
            return f"  name {kept['name']}  password {kept['password']}"
        except (OSError, ValueError, LookupError, TypeError):
            return ""

    def _each_turn(self) -> None:
        if self._lease is not None:
            self._lease.tend()
        if self._servers_log is not None:
            for line in self._servers_log.new_lines():
                self._terminal.pass_on("servers", line)

    def _stop(self, supervisor: Supervisor) -> None:
        until = time.monotonic() + _STOP_LIMIT
        if self._interrupts.asked:
            self._terminal.say("Stopping (a second Ctrl-C does it at once)")
        supervisor.stop()
        # Not sooner: a web process whose socket is silenced under it does not end by itself.
        listeners.silence(self._listeners)
        if self._lease is not None:
            patience = max(_LEAST_FOR_SERVERS, until - time.monotonic())
            if not self._lease.release(patience=patience, impatient=lambda: self._interrupts.at_once):
                self._terminal.say("PostgreSQL and Valkey run on: another command still uses them.")
