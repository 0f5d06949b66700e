"""PostgreSQL behind a wire that can be cut and mended."""

from __future__ import annotations

from types import TracebackType
from typing import Self
from urllib.parse import unquote, urlsplit

from faults.wires import RunningWires


class PostgresByWire:
    """``url``: the same database as ``database_url``, which is asked by socket, as the wire leads to it."""

    def __init__(self, database_url: str) -> None:
        address = urlsplit(database_url)
        folder = next(
            unquote(part.removeprefix("host=")) for part in address.query.split("&") if part.startswith("host=")
        )
        self._address = address
        self._wires = RunningWires({"postgres": f"{folder}/.s.PGSQL.5432"})

    def __enter__(self) -> Self:
        self._wires.__enter__()
        there = f"127.0.0.1:{self._wires.ports['postgres']}{self._address.path}?sslmode=disable&gssencmode=disable"
        self.url = f"postgresql://{self._address.username}@{there}"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._wires.__exit__(kind, error, trace)

    def cut(self) -> None:
        """Nobody is connected any more, or can connect."""
        self._wires.set("postgres", cut=True)

    def mend(self) -> None:
        """As before."""
        self._wires.set("postgres")
