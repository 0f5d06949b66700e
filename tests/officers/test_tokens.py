"""Tokens of programs: what may be issued, how many, who ends them, and what is left of a right that there is no more."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

import pytest

from bot.db.database import Database
from bot.officers import accounts, managing, tokens
from bot.officers.accounts import Admin, Role
from bot.officers.permissions import May
from bot.officers.tokens import TokenError
from tests.world import MORNING


@pytest.fixture
def database(database_url: str) -> Iterator[Database]:
    made = Database(database_url, limit=10)
    yield made
    made.close()


def _admin(database: Database, name: str = "sari", role: Role = Role.NATIONAL) -> Admin:
    return accounts.add(database, name, role, None, "correct horse battery", now=MORNING, actor="tests")


def _issue(database: Database, admin: Admin, name: str = "dashboard", days: int | None = 30) -> str:
    until = None if days is None else MORNING + timedelta(days=days)
    return tokens.issue(database, admin, name, [May.SEE_PROGRESS], until, now=MORNING)


def test_whoever_shows_it_is_its_admin_with_its_rights(database: Database) -> None:
    admin = _admin(database)
    found = tokens.bearer(database, _issue(database, admin), MORNING)
    assert found is not None
    assert (found.admin.name, found.actor, found.scopes) == ("sari", "api:sari", frozenset({May.SEE_PROGRESS}))
    assert found.may(May.SEE_PROGRESS)
    assert not found.may(May.SEE_AUDIT)


@pytest.mark.parametrize("shown", ["", "balas_", "balas_" + "x" * 43, "x" * 5000, "balas_\x00", "balas_é"])
def test_what_is_no_token_is_nobody(database: Database, shown: str) -> None:
    _issue(database, _admin(database))
    assert tokens.bearer(database, shown, MORNING) is None


def test_only_its_hash_is_kept(database: Database) -> None:
    token = _issue(database, _admin(database))
    assert token.encode() not in database.value("SELECT token_hash FROM api_token")
    assert token not in str(database.rows("SELECT t::text, a::text FROM api_token t, audit a"))


def test_twenty_are_enough_and_those_that_are_over_do_not_count(database: Database) -> None:
    admin = _admin(database)
    for number in range(tokens.MOST):
        _issue(database, admin, f"program {number}")
    with pytest.raises(TokenError, match="20 tokens"):
        _issue(database, admin)
    assert tokens.revoke(database, admin, tokens.listed(database, admin)[0].id, now=MORNING)
    _issue(database, admin)
    _issue(database, _admin(database, "budi"))


@pytest.mark.parametrize("right", [May.MANAGE_USERS, May.ISSUE_TOKENS, May.REVEAL_NIK])
def test_rights_that_no_program_needs_are_not_given(database: Database, right: May) -> None:
    with pytest.raises(TokenError):
        tokens.issue(database, _admin(database), "program", [right], None, now=MORNING)


def test_nobody_gives_what_they_have_not(database: Database) -> None:
    caller = _admin(database, role=Role.CALL_CENTRE)
    with pytest.raises(TokenError):
        tokens.issue(database, caller, "program", [May.SEE_PEOPLE, May.SEE_PROGRESS], None, now=MORNING)


def test_one_ends_ones_own_once(database: Database) -> None:
    admin, other = _admin(database), _admin(database, "budi")
    token = _issue(database, admin)
    number = tokens.listed(database, admin)[0].id
    assert not tokens.revoke(database, other, number, now=MORNING)
    assert tokens.bearer(database, token, MORNING) is not None
    assert tokens.revoke(database, admin, number, now=MORNING)
    assert not tokens.revoke(database, admin, number, now=MORNING)
    assert tokens.bearer(database, token, MORNING) is None


def test_a_right_that_there_is_no_more_gives_nothing(database: Database) -> None:
    token = _issue(database, _admin(database))
    database.rows("UPDATE api_token SET scopes = ARRAY['SEE_PROGRESS', 'RULE_THE_WORLD']")
    found = tokens.bearer(database, token, MORNING)
    assert found is not None
    assert found.scopes == {May.SEE_PROGRESS}


def test_a_new_password_and_shutting_out_end_all_of_ones_tokens_for_good(database: Database) -> None:
    admin, other = _admin(database), _admin(database, "budi")
    first, theirs = _issue(database, admin), _issue(database, other)
    assert tokens.in_force(database, admin.id, MORNING) == 1
    managing.reset_password(database, admin.id, now=MORNING, actor="budi")
    assert tokens.bearer(database, first, MORNING) is None
    second = _issue(database, admin)
    managing.disable(database, admin.id, now=MORNING, actor="budi")
    managing.enable(database, admin.id, now=MORNING, actor="budi")
    assert tokens.bearer(database, second, MORNING) is None
    assert tokens.in_force(database, admin.id, MORNING) == 0
    assert tokens.bearer(database, theirs, MORNING) is not None
    rows = database.rows("SELECT action, detail FROM audit WHERE detail ? 'tokens_ended' ORDER BY id")
    assert rows == [("user.reset-password", {"tokens_ended": 1}), ("user.disable", {"tokens_ended": 1})]
