"""The floor of an import, as a process of its own: a plain COPY of the file's bytes, and the encryption of its values.

The file goes as it stands into a plain table of text columns without an index, in one transaction that is durable at its
end. Then each NIK is hashed and sealed by the service's ``Vault``, and nothing is done with it. Nothing is looked at,
compared or reported. It is a fixed yardstick and is not tuned along with the import.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import psycopg

from bench.importing_files import COLUMNS
from bot.crypto import Vault

_TABLE = "floor_of_an_import"
_BLOCK = 1 << 16


@dataclass(frozen=True, slots=True)
class Parts:
    """Seconds that the floor took to copy the bytes and to encrypt the values; ``rows`` of both."""

    copy_s: float
    encrypt_s: float
    rows: int


def copy_bytes(database_url: str, path: Path) -> float:
    """Copy the file into a new table that is then removed; the seconds of the copying transaction."""
    with psycopg.connect(database_url, autocommit=True) as connection:
        columns = ", ".join(f"{name} text" for name in COLUMNS)
        connection.execute(f"DROP TABLE IF EXISTS {_TABLE}; CREATE TABLE {_TABLE} ({columns})".encode())
        began = time.monotonic()
        statement = f"COPY {_TABLE} FROM STDIN (FORMAT csv, HEADER)".encode()
        with path.open("rb") as file, connection.cursor().copy(statement) as copy:
            while block := file.read(_BLOCK):
                copy.write(block)
        seconds = time.monotonic() - began
        connection.execute(f"DROP TABLE {_TABLE}".encode())
    return seconds


def encrypt(vault: Vault, values: Sequence[str]) -> float:
    """Hash and seal every value; the seconds of that."""
    began = time.monotonic()
    for value in values:
        vault.hash(value)
        vault.seal(value, "nik")
    return time.monotonic() - began


def main() -> None:
    """Write what the floor of the file named on the command line took on stdout, as JSON."""
    path = Path(sys.argv[1])
    with path.open(encoding="utf-8", newline="") as file:
        values = [row[0] for row in csv.reader(file)][1:]
    parts = Parts(
        copy_s=copy_bytes(os.environ["DATABASE_URL"], path),
        encrypt_s=encrypt(Vault(os.environ["DATA_KEY"]), values),
        rows=len(values),
    )
    sys.stdout.write(json.dumps(asdict(parts)))


if __name__ == "__main__":
    main()
