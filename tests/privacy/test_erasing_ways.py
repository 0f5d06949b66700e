"""Who is erased that is not on the list, and erasing and handing out by command."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import CliRunner

from bot.cli.main import cli
from bot.privacy import export, person
from bot.services import Services
from tests.phones import Phone
from tests.privacy.erased import erase
from tests.privacy.everything import TEXT_OF_THEIRS, Person
from tests.privacy.traces import OFFICER, WHY, broken, dump, everything
from tests.world import MORNING, World


class TestWhoOnlyAsked:
    def test_an_enquiry_is_handed_out_and_erased_by_its_nik_or_number(
        self, services: Services, world: World, phone_of: Callable[[str], Phone]
    ) -> None:
        nik, number = "3273015708850099", "+6281277776666"
        services.database.rows(
            "INSERT INTO enquiry (phone, nik_hash, nik_sealed, created_at) VALUES (%s, %s, %s, %s)",
            (number, services.vault.hash(nik), services.vault.seal(nik, "nik"), MORNING),
        )
        assert person.find(services.database, services.vault, nik) == person.find(
            services.database, services.vault, number
        )
        who = person.find(services.database, services.vault, number)
        found = export.export(services.database, services.vault, who, WHY, OFFICER, MORNING)
        assert found["data"]["enquiry"][0]["nik"] == nik
        assert not found["on_the_list"]
        erase(services, who)
        assert everything(services.database, "enquiry") == []
        with pytest.raises(person.Nobody):
            person.find(services.database, services.vault, number)

    def test_of_a_strange_number_alone_what_came_and_went_is_handed_out_and_erased(
        self, services: Services, phone_of: Callable[[str], Phone]
    ) -> None:
        number = "+6281277776666"
        phone_of(number).texts(TEXT_OF_THEIRS)
        who = person.find(services.database, services.vault, number)
        found = export.export(services.database, services.vault, who, WHY, OFFICER, MORNING)
        assert found["data"]["inbound"][0]["text"] == TEXT_OF_THEIRS
        erase(services, who)
        assert number not in json.dumps(dump(services.database))
        assert services.conversations.keys("conv:*") == []
        assert broken(services) == []
        with pytest.raises(person.Nobody):
            person.find(services.database, services.vault, number)


class TestByCommand:
    @pytest.fixture(autouse=True)
    def _environment(self, environ: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> None:
        for name, value in environ.items():
            monkeypatch.setenv(name, value)

    def test_export_and_erase(self, services: Services, kartika: Person) -> None:
        says = CliRunner()
        answer = says.invoke(cli, ["privacy", "export", kartika.worker.nik, "--reason", WHY])
        assert answer.exit_code == 0, answer.output
        assert json.loads(answer.stdout)["data"]["worker"][0]["nik"] == kartika.worker.nik
        answer = says.invoke(cli, ["privacy", "erase", str(kartika.worker.phone), "--reason", WHY], input="n\n")
        assert answer.exit_code == 1
        assert services.database.value("SELECT count(*) FROM worker WHERE erased_at IS NOT NULL") == 0
        answer = says.invoke(cli, ["privacy", "erase", str(kartika.worker.phone), "--reason", WHY, "--yes", "--json"])
        assert json.loads(answer.stdout) == {"cancelled": 1, "stopped": 1, "shared": False, "opted_out": True}
        answer = says.invoke(cli, ["privacy", "erase", str(kartika.worker.phone), "--reason", WHY, "--yes"])
        assert (answer.exit_code, answer.stderr) == (1, "Nothing is kept of anybody with this phone or NIK.\n")
