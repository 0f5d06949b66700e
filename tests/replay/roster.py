"""A small roster for tests of the replay."""

from __future__ import annotations

from datetime import date

from replay.people import Roster, Worker

DISTRICTS = ("3171", "3273", "9171")


def phone(number: int) -> str:
    return f"+62836{number:08}"


def roster(many: int = 900, *, seed: int = 1) -> Roster:
    """Workers with a phone each but the last two of a hundred: one has a wrong one, one has none; the first two share one."""
    workers = []
    for number in range(many):
        listed: str | None = phone(number) if number else phone(1)
        own, nik = phone(max(1, number)), ""
        if number % 100 >= 98:
            listed = f"+62837{number:08}" if number % 2 else None
            own, nik = phone(many + number), f"{3171000000000000 + number}"
        born = date(1980, 1 + number % 12, 1 + number % 28)
        workers.append(Worker(number, DISTRICTS[number % 3], "Asia/Jakarta", listed, own, born, nik))
    return Roster(workers, seed, {phone(1): [0, 1]})
