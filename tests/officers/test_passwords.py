"""What is kept of a password, at which cost, and what becomes of it when the cost goes up."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from argon2 import PasswordHasher, extract_parameters
from argon2.low_level import Type

from bot.crypto import Vault
from bot.db.database import Database
from bot.officers import accounts, passwords, signing_in
from bot.officers.accounts import Role
from tests.world import DATA_KEY, MORNING

PASSWORD = "correct horse battery"


def test_in_production_a_password_costs_what_it_should() -> None:
    """In a process of its own: tests hash at a lower cost."""
    hashes = "from bot.officers.passwords import hashed, is_right; kept = hashed('x'); assert is_right(kept, 'x'); print(kept)"
    done = subprocess.run(
        [sys.executable, "-c", hashes], cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("$argon2id$v=19$m=65536,t=3,p=4$")


def test_it_is_argon2id_with_a_salt_of_its_own() -> None:
    one, other = passwords.hashed(PASSWORD), passwords.hashed(PASSWORD)
    assert one != other
    for kept in (one, other):
        found = extract_parameters(kept)
        assert (found.type, found.salt_len, found.hash_len) == (Type.ID, 16, 32)
        assert passwords.is_right(kept, PASSWORD)
        assert not passwords.is_right(kept, PASSWORD.upper())


@pytest.mark.parametrize("kept", [None, "", "no hash", "$argon2id$v=19$m=8,t=1,p=1$x$y"])
def test_nobodys_password_is_never_right(kept: str | None) -> None:
    for password in ("", PASSWORD, "nobody has this password"):
        assert not passwords.is_right(kept, password)


def test_who_signs_in_after_the_cost_went_up_is_kept_at_the_new_one(
    database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(database_url, limit=10)
    accounts.add(database, "sri", Role.NATIONAL, None, PASSWORD, now=MORNING, actor="tests")

    def signs_in() -> str:
        came = signing_in.sign_in(database, Vault(DATA_KEY), "sri", PASSWORD, "", now=MORNING)
        assert isinstance(came, signing_in.SignedIn)
        kept: str = database.value("SELECT password_hash FROM admin")
        return kept

    cheap = signs_in()
    assert signs_in() == cheap
    monkeypatch.setattr(passwords, "hasher", PasswordHasher(time_cost=2, memory_cost=16, parallelism=1))
    assert extract_parameters(signs_in()).time_cost == 2
    database.close()
