"""``user add`` and ``user list``, as an operator types them."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from argon2 import PasswordHasher
from click.testing import CliRunner, Result

from bot.cli.main import cli
from tests.cli.test_registry import Balas, balas, environment
from tests.embedded.waiting import eventually

__all__ = ["balas", "environment"]


@pytest.fixture
def typing(balas: Balas, environment: dict[str, str]) -> object:
    """Runs a command that reads ``typed`` on its standard input."""
    return lambda typed, *words: CliRunner().invoke(cli, words, env=environment, input=typed)


def kept(database_url: str) -> list[tuple[str, str, str]]:
    with psycopg.connect(database_url) as connection:
        return connection.execute("SELECT name, role, password_hash FROM admin ORDER BY name").fetchall()


def test_without_a_terminal_the_password_is_a_line_of_stdin(typing: object, database_url: str) -> None:
    done: Result = typing("correct horse battery\n", "user", "add", "sri", "--role", "national")  # type: ignore[operator]
    assert (done.exit_code, done.stdout, done.stderr) == (0, "Added sri: national.\n", "")
    [(name, role, hashed)] = kept(database_url)
    assert (name, role) == ("sri", "national")
    assert PasswordHasher().verify(hashed, "correct horse battery")


def test_what_is_wrong_is_told_in_a_line(typing: object, database_url: str) -> None:
    for typed, words, told in (
        ("short\n", ("sri", "--role", "national"), "A password has 10 to 200 characters.\n"),
        ("", ("sri", "--role", "national"), "A password has 10 to 200 characters.\n"),
        ("x" * 12, ("sri", "--role", "district"), "The role district needs the code of its district: --area CODE.\n"),
        ("x" * 12, ("sri", "--role", "district", "--area", "1"), "There is no district with the code 1.\n"),
    ):
        done: Result = typing(typed, "user", "add", *words)  # type: ignore[operator]
        assert (done.exit_code, done.stdout, done.stderr) == (1, "", told)
    assert kept(database_url) == []


def test_no_user_yet(balas: Balas) -> None:
    assert balas("user", "list").stdout == "There is no user yet: python -m bot user add NAME --role national\n"
    assert json.loads(balas("user", "list", "--json").stdout) == []


def test_users_are_listed_without_their_passwords(typing: object, balas: Balas) -> None:
    typing("correct horse battery\n", "user", "add", "sri", "--role", "national")  # type: ignore[operator]
    assert balas("user", "list").stdout == "sri                      national     everywhere\n"
    [shown] = json.loads(balas("user", "list", "--json").stdout)
    assert {name: shown[name] for name in ("name", "role", "area_code", "disabled_at")} == {
        "name": "sri",
        "role": "national",
        "area_code": None,
        "disabled_at": None,
    }
    assert "password_hash" not in shown


@pytest.mark.parametrize(("second", "code"), [("correct horse battery", 0), ("wrong horse battery", 1)])
def test_on_a_terminal_it_is_asked_for_twice_and_not_shown(
    environment: dict[str, str], database_url: str, tmp_path: Path, second: str, code: int
) -> None:
    ours, theirs = pty.openpty()
    os.set_blocking(ours, False)
    seen = bytearray()

    def shown(text: bytes) -> bool:
        try:
            seen.extend(os.read(ours, 65536))
        except OSError:  # nothing there yet
            return text in seen
        return text in seen

    command = subprocess.Popen(
        [sys.executable, "-m", "bot", "user", "add", "sri", "--role", "national"],
        cwd=tmp_path,
        env=environment | {"TERM": "xterm"},
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    try:
        assert eventually(lambda: shown(b"Password: "), within=30)
        os.write(ours, b"correct horse battery\n")
        assert eventually(lambda: shown(b"The same password again: "), within=30)
        os.write(ours, second.encode() + b"\n")
        assert command.wait(timeout=30) == code
        told = b"Added sri" if code == 0 else b"The two passwords differ; nobody was added."
        assert eventually(lambda: shown(told), within=5)
    finally:
        command.kill()
        os.close(theirs)
        os.close(ours)
    assert b"horse" not in seen
    assert len(kept(database_url)) == (code == 0)


def test_shut_out_let_in_and_helped(typing: object, balas: Balas, database_url: str) -> None:
    for name in ("sri", "budi"):
        typing("correct horse battery\n", "user", "add", name, "--role", "national")  # type: ignore[operator]
    assert balas("user", "disable", "budi").stdout == "budi cannot sign in any more.\n"
    assert "disabled" in balas("user", "list").stdout
    refused = balas("user", "disable", "sri")
    assert (refused.exit_code, refused.stderr) == (
        1,
        "The last national admin stays: somebody of the ministry must be able to sign in.\n",
    )
    assert balas("user", "enable", "BUDI").stdout == "budi may sign in again.\n"
    done = balas("user", "reset-password", "budi", "--remove-totp")
    assert (done.exit_code, done.stderr) == (0, "")
    [(_, _, hashed), _] = kept(database_url)
    assert PasswordHasher().verify(hashed, done.stdout.strip())
    unknown = balas("user", "enable", "nobody")
    assert (unknown.exit_code, unknown.stderr) == (1, "There is no user nobody.\n")


def test_another_role_or_area(typing: object, balas: Balas, database_url: str) -> None:
    with psycopg.connect(database_url) as connection:
        connection.execute(
            "INSERT INTO district (code, name, province_code, province, time_zone) "
            "VALUES ('3273', 'Kota Bandung', '32', 'Jawa Barat', 'Asia/Jakarta')"
        )
    for name in ("sri", "budi"):
        typing("correct horse battery\n", "user", "add", name, "--role", "national")  # type: ignore[operator]
    assert (
        balas("user", "change", "budi", "--role", "district", "--area", "3273").stdout
        == "budi is now: district 3273.\n"
    )
    for words, told in (
        (
            ("sri", "--role", "call-centre"),
            "The last national admin stays: somebody of the ministry must be able to sign in.\n",
        ),
        (("budi", "--role", "district", "--area", "1"), "There is no district with the code 1.\n"),
        (("nobody", "--role", "national"), "There is no user nobody.\n"),
    ):
        refused = balas("user", "change", *words)
        assert (refused.exit_code, refused.stderr) == (1, told)
    assert balas("user", "change", "budi", "--role", "national").stdout == "budi is now: national.\n"
