"""Every process anew without a pause: for another release, or other settings of the machine.

One after the other, and each new one works before the old one is asked to stop. Two web servers listen on the same sockets
then, two workers take from the same queue, and of two clocks one leads.
"""

from __future__ import annotations

from collections.abc import Callable, MutableMapping
from dataclasses import replace
from pathlib import Path

from bot import listeners
from bot.readiness import NAME
from bot.serve import plan
from bot.serve.supervisor import Child, Supervisor
from bot.serve.terminal import Terminal

#: Seconds that a new process has until it works.
_PATIENCE = 60.0


def renew_all(
    supervisor: Supervisor, terminal: Terminal, env: MutableMapping[str, str], web_processes: int, folder: Path
) -> None:
    """Bring the database to the schema of the code that is there now, then renew all children.

    What does not work stops it: the old processes go on, and the reason stands in the log. Raises ``Stopped``.
    """
    terminal.say("Renewing all processes")
    if supervisor.run(plan.migration(env)) != 0:
        terminal.say("Not renewed: the database could not be brought up to date; the reason stands above.")
        return
    for number, child in enumerate(plan.children(env)):
        file = folder / "run" / f"ready-{number}"
        wanted = web_processes if child.name == "web" else 1
        if not renew(supervisor, child, file, wanted, given_up=lambda: env.pop(listeners.NAME)):
            terminal.say(
                f"Not renewed: the new {child.name} does not work after {_PATIENCE:.0f} s; the old one goes on."
            )
            return
    terminal.say("All processes are renewed")


def renew(
    supervisor: Supervisor,
    child: Child,
    file: Path,
    wanted: int,
    given_up: Callable[[], object] = lambda: None,
) -> bool:
    """Renew ``child``, of which ``wanted`` processes tell in ``file`` that they work; whether they do.

    ``given_up`` is called when nobody listens on the sockets that it was given.
    """
    file.unlink(missing_ok=True)
    ready = replace(child, env={**child.env, NAME: str(file)})
    told_of = child.env.get(listeners.NAME, "")

    def works() -> bool:
        told = _text(file).split("\n")[:-1]  # whole lines
        if len(told) < wanted:
            return False
        if child.listeners and any(line.split()[1:] != [told_of] for line in told):
            # The release before, to which somebody goes back, has made sockets of its own: nobody shall come to these.
            # Nor to those of a later release: whoever listens on one that was silent may wait in vain.
            listeners.silence(child.listeners)
            given_up()
        return True

    try:
        return supervisor.renew(ready, works, _PATIENCE)
    finally:
        file.unlink(missing_ok=True)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="ascii")
    except FileNotFoundError:
        return ""
