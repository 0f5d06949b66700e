"""Letters on disk: there once we have said so, in order, once, sealed, and never more than may be."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from bot.crypto import Vault
from bot.messaging.letters import Letter
from bot.messaging.spool import Spool, SpoolAway
from gateway_adapters.base import InboundSms, OptOut, Receipt, ReceiptStatus
from tests.messaging.spooling import GATEWAY, OTHER, PHONE, later, sms, spool_in, texts
from tests.sources import ROOT
from tests.world import DATA_KEY, MORNING


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    return spool_in(tmp_path / "deep" / "spool")


def files(folder: Path) -> list[Path]:
    return [path for path in sorted(folder.rglob("*")) if path.is_file()]


class TestKept:
    @pytest.mark.parametrize(
        "event",
        [
            InboundSms(PHONE, "m1", "NIK 3273014408850001 \x00 \ud83d😀", "1199", "link"),
            InboundSms("", "", ""),
            OptOut(PHONE),
            OptOut(PHONE, stopped=False),
            Receipt("ATXid_1", ReceiptStatus.FAILED, PHONE, "UserInBlackList", 7, True),
            Receipt("SM1", ReceiptStatus.SENT),
        ],
    )
    def test_what_was_put_in_is_read_by_another_process(
        self, spool: Spool, event: InboundSms | OptOut | Receipt
    ) -> None:
        letter = Letter(GATEWAY, event, later(0.25))
        assert spool.put(letter)
        [entry] = spool_in(spool.folder).entries()
        assert spool_in(spool.folder).read(entry) == letter
        assert entry.at == letter.at

    def test_nothing_of_it_can_be_read_without_the_key(self, spool: Spool) -> None:
        spool.put(sms("message-1", "NIK 3273014408850001"))
        [kept] = files(spool.folder)
        everything = kept.read_bytes() + str(kept).encode()
        for part in (PHONE, PHONE[1:], "3273014408850001", "message-1", GATEWAY):
            assert part.encode() not in everything
        assert kept.stat().st_mode & 0o077 == 0
        assert spool.folder.stat().st_mode & 0o077 == 0

    def test_an_empty_spool_that_nobody_has_made_holds_nothing(self, spool: Spool) -> None:
        assert not spool.holds(PHONE)
        assert list(spool.entries()) == []
        assert spool.count().waiting == 0
        assert not spool.folder.exists()

    def test_a_folder_that_somebody_removed_is_made_again(self, spool: Spool) -> None:
        spool.make()
        for folder in sorted(spool.folder.iterdir()):
            folder.rmdir()
        assert spool.put(sms("m1"))

    def test_a_number_is_held_as_long_as_something_of_it_waits(self, spool: Spool) -> None:
        spool.put(sms("m1"))
        assert (spool.holds(PHONE), spool.holds(OTHER)) == (True, False)
        [entry] = spool.entries()
        spool.remove(entry)
        assert not spool.holds(PHONE)

    def test_a_receipt_holds_nobody_up(self, spool: Spool) -> None:
        spool.put(Letter(GATEWAY, Receipt("ATXid_1", ReceiptStatus.DELIVERED, PHONE), MORNING))
        assert not spool.holds(PHONE)


class TestOrder:
    def test_each_phones_letters_come_in_the_order_in_which_they_were_put_in(self, spool: Spool) -> None:
        wanted = [f"text {number}" for number in range(40)]
        for number, text in enumerate(wanted):
            # The clock may go backwards meanwhile.
            spool_in(spool.folder).put(sms(f"m{number}", text, after=-number))
            spool.put(sms(f"o{number}", text, OTHER))
        assert texts(spool) == wanted
        assert texts(spool, OTHER) == wanted

    def test_also_when_older_ones_leave_between(self, spool: Spool) -> None:
        for number in range(3):
            spool.put(sms(f"m{number}", f"text {number}"))
        spool.remove(next(iter(spool.entries())))
        spool.put(sms("m3", "text 3"))
        assert texts(spool) == ["text 1", "text 2", "text 3"]

    def test_processes_that_write_at_once_lose_none_and_number_each_once(self, spool: Spool) -> None:
        def put(number: int) -> bool:
            return spool_in(spool.folder).put(sms(f"m{number}", f"text {number}"))

        with ThreadPoolExecutor(8) as pool:
            assert all(pool.map(put, range(60)))
        entries = list(spool.entries())
        assert len({entry.number for entry in entries}) == len(entries) == 60


class TestOnce:
    def test_the_same_message_again_is_one_letter(self, spool: Spool) -> None:
        assert spool.put(sms("m1"))
        assert not spool.put(sms("m1", after=5))
        assert spool.put(Letter("twilio", InboundSms(PHONE, "m1", "halo"), MORNING))
        assert spool.count().waiting == 2

    def test_the_same_message_from_many_at_once_is_one_letter(self, spool: Spool) -> None:
        with ThreadPoolExecutor(8) as pool:
            found = list(pool.map(lambda _: spool_in(spool.folder).put(sms("m1")), range(16)))
        assert found.count(True) == 1
        assert spool.count().waiting == 1

    def test_stop_start_and_stop_again_are_three(self, spool: Spool) -> None:
        for stopped in (True, False, True):
            spool.put(Letter(GATEWAY, OptOut(PHONE, stopped=stopped), MORNING))
        events = [spool.read(entry).event for entry in spool.entries()]
        assert [event.stopped for event in events if isinstance(event, OptOut)] == [True, False, True]


@contextmanager
def files_may_hold(size: int) -> Iterator[None]:
    """The kernel cuts off what this process writes, as on a disk that is full."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class TestRefused:
    @pytest.mark.parametrize("size", [0, 1, 100])
    def test_a_full_disk_is_told_and_leaves_nothing_half_written(self, spool: Spool, size: int) -> None:
        spool.put(sms("m0"))
        with files_may_hold(size), pytest.raises(SpoolAway):
            spool.put(sms("m1", "x" * 1000))
        assert texts(spool) == ["halo"]
        assert len(files(spool.folder)) == 1
        assert spool.put(sms("m1"))

    def test_the_limit_is_each_folders_so_that_one_phone_cannot_use_up_all(self, tmp_path: Path) -> None:
        spool = spool_in(tmp_path, most=128)
        assert spool.put(sms("m1"))
        assert spool.put(sms("m2"))
        with pytest.raises(SpoolAway, match="full"):
            spool.put(sms("m3"))
        assert not spool.put(sms("m2")), "what is there already was acknowledged, and is again"
        assert spool.put(sms("m1", phone=OTHER))

    def test_a_folder_that_cannot_be_used_is_told(self, tmp_path: Path) -> None:
        (tmp_path / "file").write_text("")
        spool = spool_in(tmp_path / "file" / "spool")
        for act in (spool.make, lambda: spool.put(sms("m1"))):
            with pytest.raises(SpoolAway):
                act()
        assert not spool.holds(PHONE)

    def test_somebody_who_is_stuck_in_a_folder_holds_up_no_webhook_for_long(self, spool: Spool) -> None:
        spool.put(sms("m1"))
        [entry] = spool.entries()
        program = (
            "import fcntl, os, sys; fcntl.flock(os.open(sys.argv[1], os.O_RDONLY), fcntl.LOCK_EX); "
            "print('locked', flush=True); sys.stdin.read()"
        )
        argv = [sys.executable, "-c", program, str(entry.path.parent)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"locked\n"
            with pytest.raises(SpoolAway, match="busy"):
                spool.put(sms("m2"))
            other.kill()
        assert spool.put(sms("m2"))


#: Puts letters in, telling of each once it is there, until it is killed.
_WRITER = """
import itertools, sys
from pathlib import Path
from tests.messaging.spooling import sms, spool_in
spool = spool_in(Path(sys.argv[1]))
for number in itertools.count():
    spool.put(sms(f"m{number}", f"text {number}"))
    print(number, flush=True)
"""


class TestKilled:
    def test_whoever_is_killed_while_writing_loses_nothing_that_was_acknowledged(self, spool: Spool) -> None:
        for after in (1, 2, 5, 9, 14):
            with subprocess.Popen(
                [sys.executable, "-c", _WRITER, str(spool.folder)], stdout=subprocess.PIPE, cwd=ROOT
            ) as writer:
                assert writer.stdout is not None
                told = -1
                while told < after:
                    told = int(writer.stdout.readline())
                os.kill(writer.pid, signal.SIGKILL)
                told = int((writer.stdout.read().split() or [told])[-1])
            found = texts(spool)
            assert found[: told + 1] == [f"text {number}" for number in range(told + 1)]
            assert len(found) <= told + 2, "at most the one whose acknowledgement was on its way"
            for entry in list(spool.entries()):
                spool.remove(entry)

    def test_what_the_dead_were_writing_is_removed_and_what_the_living_are_writing_is_not(self, spool: Spool) -> None:
        spool.make()
        making = spool.folder / "making"
        (making / "left").write_bytes(b"half a let")
        stop, errors = threading.Event(), list[Exception]()

        def write() -> None:
            number = 0
            while not stop.is_set():
                try:
                    spool.put(sms(f"m{number}"))
                except SpoolAway as error:
                    errors.append(error)
                number += 1

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(300):
                spool.tidy()
        finally:
            stop.set()
            writer.join()
        assert not (making / "left").exists()
        assert errors == []

    def test_one_replays_at_a_time_and_the_dead_hold_nobody_up(self, spool: Spool) -> None:
        spool.make()
        program = (
            "import sys; from pathlib import Path; from tests.messaging.spooling import spool_in\n"
            "with spool_in(Path(sys.argv[1])).replaying() as ours: print(ours, flush=True); sys.stdin.read()"
        )
        argv = [sys.executable, "-c", program, str(spool.folder)]
        with subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=ROOT) as other:
            assert other.stdout is not None
            assert other.stdout.readline() == b"True\n"
            with spool.replaying() as ours:
                assert not ours
            other.kill()
        with spool.replaying() as ours:
            assert ours


_NEW_KEY = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="


def test_while_a_key_is_replaced_all_about_a_phone_stays_together_in_order_and_once(spool: Spool) -> None:
    replaced = Spool(spool.folder, Vault(f"{_NEW_KEY},{DATA_KEY}"), 6400)
    spool.put(sms("m1", "one"))
    assert replaced.holds(PHONE)
    assert not replaced.put(sms("m1", "one"))
    assert replaced.put(sms("m2", "two"))
    assert texts(replaced) == ["one", "two"]
    for entry in list(replaced.entries()):
        replaced.remove(entry)
    replaced.put(sms("m3", "three"))
    learnt = Spool(spool.folder, Vault(f"{DATA_KEY},{_NEW_KEY}"), 6400)
    assert learnt.holds(PHONE)
    learnt.put(sms("m4", "four"))
    assert not learnt.put(sms("m3", "three"))
    assert texts(Spool(spool.folder, Vault(f"{_NEW_KEY},{DATA_KEY}"), 6400)) == ["three", "four"]
