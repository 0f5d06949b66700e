"""What was spooled goes into PostgreSQL: in order, once, and nothing that is broken is in the way of the rest."""

from __future__ import annotations

import contextlib
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.crypto import Vault
from bot.db.database import Database
from bot.embedded.servers import EmbeddedServers
from bot.messaging import inbound, optouts
from bot.messaging.letters import Letter, Unreadable, thawed
from bot.messaging.replaying import Replayed, release, replay
from bot.messaging.spool import Entry, Spool
from gateway_adapters.base import InboundSms, OptOut, Receipt, ReceiptStatus
from tests.messaging.spooling import GATEWAY, OTHER, PHONE, later, sms, spool_in, texts
from tests.sources import ROOT
from tests.stopping import paused
from tests.world import DATA_KEY, MORNING

VAULT = Vault(DATA_KEY)


@pytest.fixture
def spool(tmp_path: Path) -> Spool:
    made = spool_in(tmp_path / "spool")
    made.make()
    return made


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=5)
    yield made
    made.close()


def stored(database: Database, phone: str = PHONE) -> list[str]:
    """The texts of a phone in PostgreSQL, in the order in which they are handled."""
    rows = database.rows("SELECT text_sealed FROM inbound WHERE phone = %s ORDER BY id", (phone,))
    return [inbound.open_text(VAULT, bytes(sealed)) for (sealed,) in rows]


def only(spool: Spool) -> Entry:
    [entry] = spool.entries()
    return entry


class TestReplay:
    def test_each_phones_texts_in_order_for_the_sweep_with_the_time_at_which_they_came(
        self, spool: Spool, database: Database
    ) -> None:
        for number in range(12):
            spool.put(sms(f"a{number}", f"a {number}", after=number))
            spool.put(sms(f"b{number}", f"b {number}", OTHER))
        assert replay(spool, database, VAULT) == (Replayed(taken=24, sms=24), True)
        assert stored(database) == [f"a {number}" for number in range(12)]
        assert stored(database, OTHER) == [f"b {number}" for number in range(12)]
        assert spool.count().waiting == 0
        rows = database.rows("SELECT DISTINCT state, claimed_until FROM inbound")
        assert rows == [("received", None)]
        assert database.value("SELECT max(received_at) FROM inbound") == later(11)

    def test_all_that_webhooks_spool(self, spool: Spool, database: Database) -> None:
        spool.put(Letter(GATEWAY, OptOut(PHONE), later(1)))
        spool.put(Letter(GATEWAY, OptOut(OTHER), later(1)))
        spool.put(Letter(GATEWAY, OptOut(OTHER, stopped=False), later(2)))
        spool.put(Letter(GATEWAY, Receipt("ATXid_1", ReceiptStatus.DELIVERED, PHONE), later(3)))
        assert replay(spool, database, VAULT) == (Replayed(taken=4), True)
        assert database.rows("SELECT phone, source, since FROM opt_out") == [(PHONE, GATEWAY, later(1))]
        assert database.rows("SELECT provider_id, status, received_at FROM receipt") == [
            ("ATXid_1", "delivered", later(3))
        ]

    def test_a_text_that_postgresql_had_taken_all_the_same_is_handled_once(
        self, spool: Spool, database: Database
    ) -> None:
        letter = sms("m1")
        assert isinstance(letter.event, InboundSms)
        inbound.keep(database, VAULT, GATEWAY, letter.event, MORNING)
        spool.put(letter)
        assert replay(spool, database, VAULT)[0].taken == 1
        assert stored(database) == ["halo"]

    def test_while_postgresql_is_away_all_stays(
        self, spool: Spool, database: Database, servers: EmbeddedServers
    ) -> None:
        for number in range(3):
            spool.put(sms(f"m{number}", f"text {number}"))
        database.value("SELECT 1")
        with paused(servers.postgres.pid):
            hasty = Database(database.url, size=1, limit=0.3)
            done, came_through = replay(spool, hasty, VAULT)
            assert (done.taken, came_through) == (0, False)
            hasty.close()
            assert spool.count().waiting == 3
        assert replay(spool, database, VAULT) == (Replayed(taken=3, sms=3), True)
        assert stored(database) == ["text 0", "text 1", "text 2"]

    def test_it_stops_when_asked_to(self, spool: Spool, database: Database) -> None:
        spool.put(sms("m1"))
        assert replay(spool, database, VAULT, lambda: False) == (Replayed(), False)
        assert spool.count().waiting == 1


#: Is killed in the moment between the commit and the removal of the letter.
_DIES = """
import os, signal, sys
from pathlib import Path
from bot.crypto import Vault
from bot.db.database import Database
from bot.messaging.replaying import replay
from bot.messaging.spool import Entry, Spool
from tests.world import DATA_KEY

class Dying(Spool):
    def remove(self, entry: Entry) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

vault = Vault(DATA_KEY)
spool = Dying(Path(sys.argv[1]), vault, 6400)
with spool.replaying() as ours:
    assert ours
    replay(spool, Database(sys.argv[2], limit=5), vault)
"""


def test_whoever_is_killed_between_replay_and_removal_has_it_handled_once(spool: Spool, database: Database) -> None:
    spool.put(sms("m1", "one"))
    spool.put(sms("m2", "two"))
    spool.put(Letter(GATEWAY, OptOut(OTHER), MORNING))
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", _DIES, str(spool.folder), database.url], cwd=ROOT, check=False)
        assert done.returncode == -signal.SIGKILL
    assert spool.count().waiting == 3
    with spool.replaying() as ours:
        assert ours, "the dead hold no lock"
        assert replay(spool, database, VAULT)[0].taken == 3
    assert stored(database) == ["one", "two"]
    assert database.value("SELECT count(*) FROM opt_out") == 1


def test_a_text_that_comes_while_the_one_before_is_replayed_waits_behind_it(spool: Spool, database: Database) -> None:
    """The letter is removed after its commit: until then whoever looks sees that the phone has one here."""
    spool.put(sms("m1", "one"))
    seen = []

    class Looking(Spool):
        def remove(self, entry: Entry) -> None:
            seen.append((stored(database), spool.holds(PHONE)))
            super().remove(entry)

    replay(Looking(spool.folder, VAULT, 6400), database, VAULT)
    assert seen == [(["one"], True)]
    assert not spool.holds(PHONE)


#: Why a letter cannot be read: no word of what it says.
_REASONS = (
    "cut short",
    "sealed with a key that DATA_KEY does not hold",
    "changed, or sealed for another purpose",
)


def _read_or_why(spool: Spool, entry: Entry) -> Letter | str:
    try:
        return spool.read(entry)
    except Unreadable as error:
        return str(error)


class TestBroken:
    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
    @given(damage=st.data())
    def test_whatever_is_cut_off_or_flipped_is_read_right_or_known_for_broken(
        self, spool: Spool, damage: st.DataObject
    ) -> None:
        letter = sms("m1", "NIK 3273014408850001")
        spool.put(letter)
        entry = only(spool)
        content = bytearray(entry.path.read_bytes())
        match damage.draw(st.sampled_from(["cut", "flip", "more", "other"])):
            case "cut":
                content = content[: damage.draw(st.integers(0, len(content)))]
            case "flip":
                content[damage.draw(st.integers(0, len(content) - 1))] ^= damage.draw(st.integers(0, 255))
            case "more":
                content += damage.draw(st.binary(max_size=40))
            case _:
                content = bytearray(damage.draw(st.binary(max_size=200)))
        entry.path.write_bytes(content)
        assert _read_or_why(spool, entry) in (letter, *_REASONS)
        spool.remove(entry)

    @settings(max_examples=150, deadline=None)
    @given(
        st.one_of(
            st.text(),
            st.recursive(
                st.none() | st.booleans() | st.integers() | st.text(),
                lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
            ).map(lambda value: json.dumps([1, "sms", "x", value, value])),
        )
    )
    def test_whatever_somebody_sealed_is_a_letter_or_known_for_none(self, text: str) -> None:
        with contextlib.suppress(Unreadable):
            assert isinstance(thawed(text), Letter)

    def test_it_is_put_aside_and_kept_and_in_nobodys_way(self, spool: Spool, database: Database) -> None:
        for number in range(3):
            spool.put(sms(f"m{number}", f"text {number}"))
        broken = list(spool.entries())[1]
        content = broken.path.read_bytes()
        broken.path.write_bytes(content[:-1])
        assert replay(spool, database, VAULT) == (Replayed(taken=2, sms=2, quarantined=1), True)
        assert stored(database) == ["text 0", "text 2"]
        [aside] = spool.quarantined()
        assert aside.path.read_bytes() == content[:-1]
        assert spool.count().quarantined == 1

    def test_a_letter_of_a_key_that_is_not_there_waits_in_quarantine_for_it(
        self, spool: Spool, database: Database
    ) -> None:
        spool.put(sms("m1"))
        other = Vault("MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI=")
        assert replay(Spool(spool.folder, other, 6400), database, other)[0].quarantined == 1
        assert release(spool, database, "cli:test", MORNING) == 1
        assert spool.quarantined() == []
        assert replay(spool, database, VAULT)[0].taken == 1
        assert stored(database) == ["halo"]
        assert database.rows("SELECT action, actor, detail FROM audit") == [
            ("spool.release", "cli:test", {"letters": 1})
        ]

    def test_what_is_released_waits_behind_what_has_come_since_and_never_twice(
        self, spool: Spool, database: Database
    ) -> None:
        spool.put(sms("m1", "one"))
        spool.quarantine(only(spool))
        spool.put(sms("m1", "one"))
        spool.put(sms("m2", "two"))
        spool.put(sms("m3", "three"))
        spool.quarantine(list(spool.entries())[1])
        assert release(spool, database, "cli:test", MORNING) == 2
        assert texts(spool) == ["one", "three", "two"]

    @pytest.mark.parametrize("text", ["\x00", "\ud800"])
    def test_what_postgresql_refuses_for_what_it_says_is_put_aside(
        self, spool: Spool, database: Database, text: str
    ) -> None:
        spool.put(Letter(GATEWAY, InboundSms(PHONE, "m0", text, recipient=text), MORNING))
        spool.put(sms("m1"))
        assert replay(spool, database, VAULT) == (Replayed(taken=1, sms=1, quarantined=1), True)
        assert stored(database) == ["halo"]

    def test_a_folder_where_a_letter_should_be_is_put_aside(self, spool: Spool, database: Database) -> None:
        spool.put(sms("m1"))
        entry = only(spool)
        content = entry.path.read_bytes()
        entry.path.unlink()
        entry.path.mkdir()
        (entry.path / "within").write_bytes(content)
        spool.put(sms("m2", "two"))
        assert replay(spool, database, VAULT) == (Replayed(taken=1, sms=1, quarantined=1), True)

    def test_strangers_files_are_left_alone(self, spool: Spool, database: Database) -> None:
        strange = spool.folder / "07" / "lost+found"
        strange.write_text("?")
        assert replay(spool, database, VAULT) == (Replayed(), True)
        assert strange.exists()

    def test_what_goes_wrong_otherwise_holds_up_that_phone_alone_and_is_tried_again(
        self, spool: Spool, database: Database
    ) -> None:
        database.rows("ALTER TABLE opt_out RENAME TO elsewhere")
        spool.put(Letter(GATEWAY, OptOut(PHONE), MORNING))
        spool.put(sms("m1", "behind it"))
        spool.put(sms("m2", "of another", OTHER))
        assert replay(spool, database, VAULT) == (Replayed(taken=1, sms=1, stuck=2), True)
        assert (stored(database), stored(database, OTHER)) == ([], ["of another"])
        database.rows("ALTER TABLE elsewhere RENAME TO opt_out")
        assert replay(spool, database, VAULT) == (Replayed(taken=2, sms=1), True)
        assert stored(database) == ["behind it"]


def test_a_locked_row_holds_up_one_phone(spool: Spool, database: Database) -> None:
    hasty = Database(database.url, size=1, limit=0.3)
    spool.put(Letter(GATEWAY, OptOut(PHONE), MORNING))
    spool.put(sms("m1", "behind it"))
    for number in range(3):
        spool.put(sms(f"o{number}", f"text {number}", OTHER))
    with database.transaction() as connection:
        connection.execute(optouts.REGISTER, (PHONE, GATEWAY, MORNING))
        done, _ = replay(spool, hasty, VAULT)
        assert (done.taken, done.stuck) == (3, 2)
    assert stored(database, OTHER) == ["text 0", "text 1", "text 2"]
    assert replay(spool, hasty, VAULT) == (Replayed(taken=2, sms=1), True)
    hasty.close()


def test_it_may_begin_with_any_folder(spool: Spool) -> None:
    for number in range(20):
        spool.put(sms("m1", phone=f"+62812000000{number:02d}"))
    everything = {entry.path for entry in spool.entries()}
    for first in (1, 17, 63, 64, 1000):
        found = [entry.path for entry in spool.entries(first)]
        assert set(found) == everything
        assert len(found) == 20


def test_an_opt_out_is_not_replayed_over_what_came_later(spool: Spool, database: Database) -> None:
    spool.put(Letter(GATEWAY, OptOut(PHONE), MORNING))
    assert spool.holds(PHONE), "so that an opt-in that comes now waits behind it"
    replay(spool, database, VAULT)
    optouts.opt_in(database, PHONE)
    assert replay(spool, database, VAULT)[0].taken == 0
    assert database.value("SELECT count(*) FROM opt_out") == 0
    assert list((spool.folder / "making").iterdir()) == []
