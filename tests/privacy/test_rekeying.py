"""The key of personal data is replaced: the new one opens and finds everything, and nothing becomes unreadable."""

from __future__ import annotations

import json
import threading
from typing import Any

import pytest
from click.testing import CliRunner

from bot.cli.main import cli
from bot.crypto import Vault
from bot.db.database import Database
from bot.db.schema import metadata
from bot.officers.accounts import Role
from bot.privacy import rekeying
from bot.privacy.rekeying import SEALED
from bot.registration.records import find_workers
from bot.services import Services
from tests.privacy.everything import NOTE, TEXT_OF_THEIRS, Person, fill
from tests.privacy.keys import AFTER, INSTEAD, NEW, rotate
from tests.privacy.traces import broken
from tests.world import MORNING, World


def opened(database: Database, vault: Vault) -> set[str]:
    """What is sealed, in the clear; raises where a key is missing."""
    found = set()
    for each in SEALED:
        for column, purpose in each.columns.items():
            for (sealed,) in database.rows(f"SELECT {column} FROM {each.table} WHERE {column} <> ''"):
                found.add(vault.open(bytes(sealed), purpose))
    return found


class TestMakingAnew:
    def test_every_sealed_column_is_known(self) -> None:
        columns = {(t.name, c.name) for t in metadata.tables.values() for c in t.columns if c.name.endswith("_sealed")}
        assert columns == {(each.table, column) for each in SEALED for column in each.columns}
        hashed = {t.name for t in metadata.tables.values() for c in t.columns if c.name == "nik_hash"}
        assert hashed == {each.table for each in SEALED if each.hashed}

    @pytest.mark.parametrize("at_once", [1, 3, 500])
    def test_afterwards_the_new_key_alone_opens_and_finds_everything(
        self, services: Services, world: World, at_once: int
    ) -> None:
        people = [fill(services, world, name=f"Orang {n}", ticket=f"K7M2P{n}") for n in range(4)]
        services.database.rows(
            "INSERT INTO upload (kind, file_name, dry_run, state, uploaded_by, uploaded_at, content_sealed) "
            "VALUES ('roster', 'a.csv', true, 'waiting', 'siti', %s, %s)",
            (MORNING, services.vault.seal("nik,name", "upload.content")),
        )
        services.database.rows(
            "INSERT INTO admin (name, password_hash, role, created_at, totp_sealed) VALUES ('a', '', 'national', %s, %s)",
            (MORNING, services.vault.seal("JBSWY3DP", "totp")),
        )
        before = opened(services.database, services.vault)
        assert {TEXT_OF_THEIRS, NOTE, "nik,name", "JBSWY3DP", people[0].worker.nik} <= before
        changed = rotate(services, at_once=at_once)
        assert changed == {
            "worker": 4,
            "enquiry": 4,
            "inbound": 4,
            "screening": 4,
            "follow_up": 4,
            "admin": 1,
            "upload": 1,
        }
        after = Vault(AFTER)
        assert opened(services.database, after) == before
        for person in people:
            [found] = find_workers(services.database, after, person.worker.nik)
            assert found.name == person.worker.name
            lock = f"nik:{after.hash(person.worker.nik).hex()[:12]}"
            assert services.database.value("SELECT count(*) FROM audit WHERE subject = %s", (lock,)) == 1
            guard = after.hash(person.worker.nik).hex()
            assert services.database.value("SELECT count(*) FROM identity_guard WHERE subject = %s", (guard,)) == 1
            lists = "SELECT audience -> 'nik_hashes' ->> 0 FROM campaign WHERE id = %s"
            assert services.database.value(lists, (person.campaign,)) == guard
        assert rekeying.left(services.database, services.conversations, Vault(INSTEAD)).nothing
        assert rotate(services) == dict.fromkeys(changed, 0)
        assert broken(services) == []

    def test_one_that_was_sealed_anew_but_hashed_with_the_old_key_is_found_too(
        self, services: Services, world: World
    ) -> None:
        """As releases before this one did with two keys."""
        siti = world.worker(None)
        services.database.rows("UPDATE worker SET nik_sealed = %s", (Vault(NEW).seal(siti.nik, "nik"),))
        assert find_workers(services.database, Vault(INSTEAD), siti.nik)
        assert rotate(services)["worker"] == 1
        assert find_workers(services.database, Vault(AFTER), siti.nik)

    def test_niks_that_are_gone_stay_gone(self, services: Services, world: World) -> None:
        world.worker(None)
        services.database.rows("UPDATE worker SET nik_sealed = '', nik_hash = '\\x01'")
        assert rotate(services)["worker"] == 0
        assert services.database.rows("SELECT nik_hash, nik_sealed FROM worker") == [(b"\x01", b"")]

    def test_interrupted_it_goes_on_where_it_was(self, services: Services, world: World) -> None:
        for _ in range(10):
            world.worker(None)
        seen: list[int] = []

        def stop(_table: str, count: int, _changed: int) -> None:
            seen.append(count)
            if count == 6:
                raise KeyboardInterrupt

        with pytest.raises(KeyboardInterrupt):
            rekeying.rotate(services.database, Vault(INSTEAD), lambda: MORNING, "tests", stop, at_once=2)
        left = rekeying.left(services.database, services.conversations, Vault(INSTEAD))
        assert left.rows["worker"] == 4
        again: list[int] = []
        rekeying.rotate(
            *(services.database, Vault(INSTEAD), lambda: MORNING, "tests"),
            lambda *told: again.append(told[2]),
            at_once=2,
        )
        assert max(again) == 4
        assert rekeying.left(services.database, services.conversations, Vault(INSTEAD)).nothing

    def test_a_row_that_a_hop_holds_is_seen_to_when_it_lets_go(self, services: Services, world: World) -> None:
        held, free = world.worker(None), world.worker(None)
        others_done = threading.Event()

        def tell(table: str, seen: int, changed: int) -> None:
            if (table, seen, changed) == ("worker", 2, 1):
                others_done.set()

        def work() -> None:
            rekeying.rotate(services.database, Vault(INSTEAD), lambda: MORNING, "tests", tell)

        with services.database.transaction() as hop:
            hop.execute("SELECT 1 FROM worker WHERE id = %s FOR UPDATE", (held.id,))
            thread = threading.Thread(target=work)
            thread.start()
            assert others_done.wait(5)
            assert find_workers(services.database, Vault(AFTER), free.nik)
        thread.join(10)
        assert find_workers(services.database, Vault(AFTER), held.nik)


class TestByCommand:
    def test_status_and_rotate(
        self, environ: dict[str, str], services: Services, world: World, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        kartika: Person = fill(services, world)
        services.database.rows("UPDATE admin SET role = %s", (Role.NATIONAL.value,))
        for name, value in {**environ, "DATA_KEY": INSTEAD}.items():
            monkeypatch.setenv(name, value)
        sealed = services.vault.seal(kartika.worker.nik, "conversation.nik").hex()
        services.conversations.set("conv:{+62811}", '1:a:{"c":{"m":{"sealed_nik":"' + sealed + '"}}}')

        def says(*arguments: str) -> Any:
            answer = CliRunner().invoke(cli, ["keys", *arguments, "--json"])
            assert answer.exit_code == 0, answer.output
            return json.loads(answer.stdout)

        said = says("status")
        assert said["with_an_older_key"]["rows"]["worker"] == 1
        assert said["with_an_older_key"]["conversations"] == 1
        said = says("rotate")
        assert said["made_anew"]["worker"] == 1
        assert not any(said["with_an_older_key"]["rows"].values())
        assert said["older_keys_may_go"] is False
        services.conversations.delete("conv:{+62811}")
        assert says("status")["older_keys_may_go"] is True
        rows = services.database.rows("SELECT detail FROM audit WHERE action = 'keys.rotate'")
        assert [set(detail) for (detail,) in rows] == [{"worker", "enquiry", "inbound", "screening", "follow_up"}]
