"""A long list is read by two processes, and what comes of it is what one would have made of it."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Callable
from dataclasses import replace
from datetime import date
from random import Random

import psutil
import pytest

from bot.registration.importing import ImportFailed, Kind, Step, together
from bot.registration.importing.source import STRETCH, Turns
from tests.embedded.waiting import eventually
from tests.registration.importing.conftest import ROSTER_HEADER, Registry, counts, nik, reasons, roster_line, warnings

#: Five and a half stretches, with something odd in several.
ROWS = [roster_line(n) for n in range(5500)]
ROWS[10] = roster_line(10, birth_date="1970-05-05")
ROWS[1500] = roster_line(1500, birth_date="1970-05-05")
ROWS[1600] = roster_line(1600, district="9999")
ROWS[2600] = roster_line(2600, name="...")
ROWS[3100] = roster_line(3100, name='"Siti, S.Kep ""Ns"""')
ROWS[4100] = ROWS[1100]
ROWS[5100] = ROWS[2100]


def written(rows: list[str]) -> str:
    return "\n".join((ROSTER_HEADER, *rows)) + "\n"


def second_readers() -> list[psutil.Process]:
    children = psutil.Process().children()
    return [child for child in children if "bot.registration.importing.second_reader" in child.cmdline()]


def once(do: Callable[[], object]) -> Callable[[Step, float | None], None]:
    """A progress that does something at its first word."""
    done: list[object] = []

    def tell(_step: Step, _share: float | None) -> None:
        if not done:
            done.append(do())

    return tell


@pytest.fixture
def long_lists(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every list is long, and there are two processors."""
    monkeypatch.setattr(together, "LONG", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})


def test_two_readers_come_to_what_one_does(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    alone = registry.imports(Kind.ROSTER, written(ROWS), dry_run=True)
    monkeypatch.setattr(together, "LONG", 1)
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    seen: list[int] = []

    def the_other_goes_ahead() -> None:
        """We have taken the first stretch; wait until it has read all the others."""
        [other] = second_readers()
        eventually(lambda: other.status() == psutil.STATUS_ZOMBIE)
        seen.append(other.pid)

    done = registry.imports(Kind.ROSTER, written(ROWS), progress=once(the_other_goes_ahead))
    assert len(seen) == 1
    assert second_readers() == []
    assert replace(done, dry_run=True) == alone
    assert counts(done) == (5496, 0, 0, 4)
    assert reasons(done) == [
        (1602, "district_code", "is not the code of a known district"),
        (2602, "name", "has no letter in it"),
        (4102, "nik", "is the same NIK as on line 1102"),
        (5102, "nik", "is the same NIK as on line 2102"),
    ]
    assert warnings(done) == {"birth_date is not the one that the NIK states": (12, 1502)}
    names = registry.column("SELECT name FROM worker ORDER BY id")
    assert (names[0], names[1200], names[-1]) == ("Siti 0", "Siti 1200", "Siti 5499")
    assert 'Siti, S.Kep "Ns"' in names
    sealed = registry.column("SELECT nik_sealed FROM worker WHERE name = 'Siti 1200'")
    assert [registry.vault.open(one, "nik") for one in sealed] == [nik(1201, date(1970, 5, 4))]
    assert counts(registry.imports(Kind.ROSTER, written(ROWS))) == (0, 0, 5496, 4)


@pytest.mark.usefixtures("long_lists")
def test_a_short_first_stretch_is_read_by_one_and_nothing_by_the_other(registry: Registry) -> None:
    assert counts(registry.imports(Kind.ROSTER, written(ROWS[:3]))) == (3, 0, 0, 0)


@pytest.mark.usefixtures("long_lists")
def test_a_second_reader_that_is_killed_leaves_nothing_half_done(registry: Registry) -> None:
    with pytest.raises(ImportFailed, match="could not be read to its end"):
        registry.imports(Kind.ROSTER, written(ROWS), progress=once(lambda: second_readers()[0].kill()))
    assert registry.column("SELECT count(*) FROM worker") == [0]
    assert second_readers() == []


@pytest.mark.usefixtures("long_lists")
def test_a_list_that_changes_while_it_is_read_is_not_imported(registry: Registry) -> None:
    path = registry.file("roster.csv", written(ROWS))
    with pytest.raises(ImportFailed, match="has changed"):
        registry.imports(Kind.ROSTER, path, progress=once(lambda: os.utime(path, ns=(1, 1))))
    assert registry.column("SELECT count(*) FROM worker") == [0]


@pytest.mark.usefixtures("long_lists")
def test_a_broken_list_is_told_as_ever(registry: Registry) -> None:
    swallowed = ["x,x"] * 30
    with pytest.raises(ImportFailed, match="that is not closed"):
        registry.imports(Kind.ROSTER, written([*ROWS, f'{nik(3)},"Budi,1985-08-17,,,3171,,', *swallowed]))
    assert second_readers() == []
    assert registry.column("SELECT count(*) FROM worker") == [0]


def test_each_stretch_is_somebodys_and_nobody_has_one_twice() -> None:
    with tempfile.TemporaryFile() as counter:
        readers = [Turns(counter.fileno()) for _ in range(3)]
        random = Random(17)
        lines, taken = [0, 0, 0], []
        while waiting := [at for at in range(3) if lines[at] < 40 * STRETCH]:
            at = random.choice(waiting)
            if readers[at].has(lines[at]):
                taken.append(lines[at] // STRETCH)
            lines[at] = readers[at].until(lines[at])
        assert sorted(taken) == list(range(40))
