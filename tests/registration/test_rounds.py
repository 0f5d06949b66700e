"""What is kept of every worker is put right for whom something happened to at once, and for everybody in turn."""

from __future__ import annotations

from datetime import timedelta

import pytest

from bot.registration import rounds
from bot.registration.rounds import Round
from bot.registration.touched import OPEN
from tests.registration.happenings import WAYS, message
from tests.registration.keeper import Keeper
from tests.world import MORNING


def _has_more_messages_than_a_look_takes_in(keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch) -> None:
    """Long after the roster was imported; of the others it goes through one at a look."""
    keeper.has_looked_for_an_hour()
    monkeypatch.setattr(rounds, "MOST", 3)
    monkeypatch.setattr(rounds, "IN_TURN", 1)
    for worker in people[:5]:
        WAYS["is sent a message"](keeper.database, worker, keeper.clock.moment)


def test_more_than_it_can_take_in_for_over_a_minute_is_no_reason_to_be_behind_any_longer(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    assert len(keeper.looks()) == 1
    keeper.clock.moment += timedelta(seconds=60)
    keeper.database.rows("UPDATE attempt SET settled_at = %s", (keeper.clock.moment,))
    assert sorted(keeper.looks()) == people


def test_on_a_clock_that_may_run_faster_the_minute_is_as_long_by_the_machine(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    keeper.pace, began = 100.0, keeper.clock.moment
    for later, looked_at in ((0, 1), (5_900, 1), (6_000, len(people))):
        keeper.clock.moment = began + timedelta(seconds=later)
        keeper.database.rows("UPDATE attempt SET settled_at = %s", (keeper.clock.moment,))
        assert len(keeper.looks()) == looked_at


def test_at_first_everybody_is_looked_at(keeper: Keeper, people: list[int]) -> None:
    assert keeper.looks() == people
    assert keeper.kept is not None
    assert (keeper.kept.behind, keeper.kept.right_at) == (False, MORNING)


def test_then_those_touched_and_some_others_in_turn(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper.has_looked_for_an_hour()
    monkeypatch.setattr(rounds, "IN_TURN", 4)
    assert keeper.looks() == people[:4]
    WAYS["books"](keeper.database, people[8], keeper.clock.moment)
    assert keeper.looks() == [*people[4:8], people[8]]
    assert keeper.kept is not None
    assert keeper.kept.right_at == keeper.clock.moment - timedelta(seconds=5)


def test_after_more_than_it_can_take_in_it_is_behind_until_all_were_looked_at(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    monkeypatch.setattr(rounds, "_FAST", 0.0)
    monkeypatch.setattr(rounds, "_AT_ONCE", 4)
    right_at = keeper.clock.moment - timedelta(seconds=5)
    WAYS["dials"](keeper.database, people[8], keeper.clock.moment)
    # Who did something comes first whatever the messages are; the others once no more happens than it can take in.
    assert keeper.looks() == [people[0], people[8]]
    assert keeper.kept is not None
    assert (keeper.kept.behind, keeper.kept.right_at) == (True, right_at)
    keeper.clock.moment += OPEN
    looked_at: set[int] = set()
    while keeper.kept.behind:
        looked_at |= set(keeper.looks())
    assert looked_at == set(people)
    assert keeper.kept.right_at == keeper.clock.moment - timedelta(seconds=5)


def _disturbed_at_the_fourth(keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch) -> Round:
    """A round that goes on by fours."""
    keeper.has_looked_for_an_hour()
    monkeypatch.setattr(rounds, "IN_TURN", 4)
    assert keeper.looks() == people[:4]
    monkeypatch.setattr(rounds, "_FAST", 0.0)
    monkeypatch.setattr(rounds, "_AT_ONCE", 4)
    monkeypatch.setattr(rounds, "MOST", 3)
    for worker in people[:5]:
        WAYS["is sent a message"](keeper.database, worker, keeper.clock.moment)
    assert keeper.looks() == people[4:8]
    keeper.database.rows("UPDATE attempt SET settled_at = settled_at - interval '1 hour'")
    assert keeper.kept is not None
    assert keeper.kept.behind
    return keeper.kept


def test_a_round_that_was_disturbed_goes_from_there_to_there(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _disturbed_at_the_fourth(keeper, people, monkeypatch)
    assert (keeper.looks(), keeper.looks()) == (people[8:], people[:4])
    assert keeper.kept is not None
    assert not keeper.kept.behind


@pytest.mark.parametrize("disturbed", [True, False])
def test_a_round_of_the_release_before_is_gone_on_with(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch, disturbed: bool
) -> None:
    kept = _disturbed_at_the_fourth(keeper, people, monkeypatch).as_json()
    assert kept["disturbed"]
    keeper.kept = Round.from_json(
        {name: kept[name] for name in kept if name not in {"began_after", "turned"}} | {"disturbed": disturbed}
    )
    looked_at: list[int] = []
    while keeper.kept.behind:
        looked_at += keeper.looks()
    assert looked_at == [*people[8:], *(people[:8] if disturbed else [])]


def test_while_a_blast_leaves_being_behind_is_put_up_with_for_a_minute(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    _has_more_messages_than_a_look_takes_in(keeper, people, monkeypatch)
    keeper.database.rows("UPDATE campaign SET state = 'running'")
    keeper.database.rows("UPDATE attempt SET state = 'queued', due_at = %s", (keeper.clock.moment,))
    assert len(keeper.looks()) == 1
    keeper.clock.moment += timedelta(seconds=60)
    assert len(keeper.looks()) > len(people) - 3


def test_the_first_round_too_gives_way_to_a_blast_for_a_minute(
    keeper: Keeper, people: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rounds, "IN_TURN", 1)
    monkeypatch.setattr(rounds, "_FAST", 0.0)
    monkeypatch.setattr(rounds, "_AT_ONCE", 4)
    assert keeper.looks() == people[:4]
    keeper.clock.moment += OPEN
    keeper.looks()
    keeper.clock.moment += OPEN
    message(keeper.database, people[8], keeper.clock.moment - timedelta(hours=1))
    keeper.database.rows("UPDATE campaign SET state = 'running'")
    keeper.database.rows("UPDATE attempt SET state = 'queued', due_at = %s", (keeper.clock.moment,))
    assert keeper.looks() == people[8:9]
    keeper.clock.moment += timedelta(seconds=60)
    assert keeper.kept is not None
    assert keeper.kept.right_at is None
    keeper.looks()
    assert keeper.kept.right_at is not None


def test_a_clock_that_was_set_back_begins_anew(keeper: Keeper, people: list[int]) -> None:
    keeper.looks()
    keeper.clock.moment -= timedelta(hours=3)
    assert keeper.looks() == people
