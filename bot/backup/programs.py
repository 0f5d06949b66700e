"""PostgreSQL's own ``pg_dump`` and ``pg_restore``: found, and run with their progress told."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable, Mapping
from pathlib import Path

from psycopg.conninfo import conninfo_to_dict, make_conninfo

from bot.backup.failure import BackupFailed
from bot.embedded.binaries import postgres_programs
from bot.embedded.errors import EmbeddedServerError

#: Told which step it is, and how much of it is done, from 0 to 1.
Tell = Callable[[str, float | None], None]

_VERSION = re.compile(r"\(PostgreSQL\) (\d+)")
_TABLE = re.compile(r'(?:dumping contents of|processing data for) table "(?:[^".]+\.)?"?([^".]+)"?"$')
#: Of what a program says of itself, what may be shown: a COPY's complaint goes on to quote the row.
_COMPLAINT = re.compile(r'^pg_\w+: error: (.*?table "[^"]+"|[^"]*)')
_LONGEST = 200


def program(name: str, least: int) -> Path:
    """The path of ``name`` of PostgreSQL ``least`` or newer: the embedded one, else the one in PATH.

    Raises ``BackupFailed``.
    """
    seen = []
    for path in _candidates(name):
        try:
            told = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=10, check=True).stdout
        except (OSError, subprocess.SubprocessError):
            continue
        version = _VERSION.search(told)
        if version is not None and int(version[1]) >= least:
            return path
        seen.append(f"{path} is of PostgreSQL {version[1] if version else '?'}")
    raise BackupFailed(
        f"{name} of PostgreSQL {least} or newer is missing ({'; '.join(seen) or 'there is none'}): install the client "
        f"programs of PostgreSQL {least} (Debian: postgresql-client-{least}), and have {name} in PATH."
    )


def _candidates(name: str) -> list[Path]:
    found = []
    try:
        embedded = postgres_programs().folder / name
        found += [embedded] if embedded.is_file() else []
    except EmbeddedServerError:
        pass
    in_path = shutil.which(name)
    return [*found, *([Path(in_path)] if in_path else [])]


def run(argv: list[str], url: str, rows: Mapping[str, int], step: str, tell: Tell) -> None:
    """Run a program on the database at ``url``, telling how far it is by the rows of each table.

    The password travels in the environment, where other accounts cannot read it. Raises ``BackupFailed``.
    """
    about = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None}
    password = about.pop("password", None)
    environment = {**os.environ, "LC_ALL": "C", **({} if password is None else {"PGPASSWORD": password})}
    all_rows, done = max(1, sum(rows.values())), 0
    complaint = ""
    child = subprocess.Popen(
        [*argv, "--verbose", f"--dbname={make_conninfo(**about)}"],
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        errors="replace",
        umask=0o077,
    )
    try:
        current = 0
        for line in child.stderr or ():
            if (named := _TABLE.search(line.rstrip())) is not None:
                done, current = done + current, rows.get(named[1], 0)
                tell(step, min(1.0, done / all_rows))
            elif not complaint and (said := _COMPLAINT.match(line)) is not None:
                complaint = said[1].strip()[:_LONGEST]
        code = child.wait()
    except BaseException:
        child.kill()
        child.wait()
        raise
    if code != 0:
        raise BackupFailed(f"{Path(argv[0]).name} ended with code {code}: {complaint or 'it did not say why'}")
