"""The keys of an installation that was given none."""

from __future__ import annotations

import base64
import json
import multiprocessing
from pathlib import Path

import pytest

from bot.embedded.errors import EmbeddedServerError
from bot.embedded.secrets import secrets_of


def test_keys_are_made_once_and_kept_for_their_owner_alone(tmp_path: Path) -> None:
    made = secrets_of(tmp_path, {})
    assert len(base64.urlsafe_b64decode(made["DATA_KEY"])) == 32
    assert len(made["SECRET_KEY"]) >= 48
    assert len(base64.urlsafe_b64decode(made["WEBHOOK_SECRET"])) == 24
    assert (tmp_path / "secrets.json").stat().st_mode & 0o777 == 0o600
    assert secrets_of(tmp_path, {}) == made


def test_the_environment_wins_and_is_not_written_down(tmp_path: Path) -> None:
    found = secrets_of(tmp_path, {"WEBHOOK_SECRET": "of-the-environment", "SECRET_KEY": " "})
    assert found["WEBHOOK_SECRET"] == "of-the-environment"
    assert found["SECRET_KEY"].strip()
    assert "of-the-environment" not in (tmp_path / "secrets.json").read_text()


def test_a_key_that_a_newer_release_adds_is_added_and_the_others_stay(tmp_path: Path) -> None:
    made = secrets_of(tmp_path, {})
    (tmp_path / "secrets.json").write_text(json.dumps({"DATA_KEY": made["DATA_KEY"]}))
    again = secrets_of(tmp_path, {})
    assert again["DATA_KEY"] == made["DATA_KEY"]
    assert again["SECRET_KEY"] != made["SECRET_KEY"]


@pytest.mark.parametrize("damage", ["", "{", "[]", '{"DATA_KEY": 1}'])
def test_a_damaged_file_is_never_replaced(tmp_path: Path, damage: str) -> None:
    (tmp_path / "secrets.json").write_text(damage)
    with pytest.raises(EmbeddedServerError, match="put it back"):
        secrets_of(tmp_path, {})
    assert (tmp_path / "secrets.json").read_text() == damage


def test_two_first_starts_at_once_agree(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(3) as pool:
        found = pool.starmap(secrets_of, [(tmp_path, {})] * 6)
    assert all(each == found[0] for each in found)
