"""People's days: as many register as are wanted, the same ones for the same seed, when the curve says."""

from __future__ import annotations

from collections import Counter
from random import Random

import pytest

from replay import plans
from replay.curve import CLOSES, FIRST, LAST, PRESS, arrival, at, weight
from replay.plans import Goal, Plan, plans_for
from tests.replay.roster import roster

WANTED = 300


@pytest.fixture(scope="module")
def day() -> list[Plan]:
    return plans_for(roster(), WANTED, PRESS)


class TestCurve:
    def test_its_peaks_are_after_the_blast_at_lunch_in_the_evening_and_at_the_end(self) -> None:
        assert weight(FIRST) > weight(at(2)) > weight(at(3, 30))
        assert weight(at(12, 15)) > max(weight(at(10)), weight(at(15)))
        assert weight(at(19, 30)) > max(weight(at(17)), weight(at(22)))
        assert weight(LAST) == max(weight(minute * 60.0) for minute in range(24 * 60))

    def test_nobody_comes_before_the_blast_or_after_the_end(self) -> None:
        assert weight(FIRST - 1) == weight(LAST + 1) == 0.0

    def test_arrivals_are_drawn_as_it_says(self) -> None:
        chance = Random(1)
        drawn = Counter(int(arrival(chance) // 3600) for _ in range(50_000))
        whole = sum(weight(minute * 60.0) for minute in range(24 * 60))
        for hour in range(1, 23):
            expected = 50_000 * sum(weight(at(hour, minute)) for minute in range(60)) / whole
            assert drawn[hour] == pytest.approx(expected, rel=0.15, abs=40)
        assert drawn[23] == max(drawn.values())


class TestPlans:
    def test_as_many_hold_a_ticket_at_the_hour_of_the_press_as_are_wanted(self, day: list[Plan]) -> None:
        held = [
            plan
            for plan in day
            if plan.registers_at is not None
            and plan.registers_at <= PRESS
            and (plan.cancels_at is None or plan.cancels_at > PRESS)
        ]
        assert len(held) == WANTED

    def test_the_same_seed_gives_the_same_day_and_another_one_another(self, day: list[Plan]) -> None:
        assert plans_for(roster(), WANTED, PRESS) == day
        assert plans_for(roster(seed=2), WANTED, PRESS) != day

    def test_too_small_a_roster_is_told(self) -> None:
        with pytest.raises(ValueError, match="of 60 workers"):
            plans_for(roster(60), WANTED, PRESS)

    def test_nobody_is_on_two_calls_at_once(self, day: list[Plan]) -> None:
        assert len({plan.phone for plan in day}) == len(day)

    def test_a_days_moments_come_one_after_the_other(self, day: list[Plan]) -> None:
        for plan in day:
            moments = [moment for visit in plan.visits for moment in (visit.at, *(step.at for step in visit.steps))]
            assert moments == sorted(moments)

    def test_whoever_means_to_register_takes_a_place_in_the_end(self, day: list[Plan]) -> None:
        wanting = [plan for plan in day if plan.registers_at is not None]
        assert all(any(step.state == "offer" for visit in plan.visits for step in visit.steps) for plan in wanting)

    def test_who_is_locked_out_too_late_to_come_back_does_not_mean_to(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(plans, "LOCKED", 1.0)
        monkeypatch.setattr(plans, "arrival", lambda _chance: LAST - 1800.0)
        chance, everybody = Random(1), roster()
        late = [plans.plan_of(everybody, worker, chance) for worker in everybody.workers[2:60]]
        locked = [plan for plan in late if len(plan.visits) == 1 and len(plan.visits[0].steps) == 5]
        assert len(locked) > 20
        assert {plan.registers_at for plan in locked if plan.visits[0].steps[-1].state == "birth_date"} == {None}

    def test_whoever_ends_after_midnight_began_before_and_is_done_within_the_grace(self, day: list[Plan]) -> None:
        for plan in day:
            for visit in plan.visits:
                if visit.steps and visit.steps[-1].at > CLOSES:
                    assert visit.at < CLOSES
                    assert visit.steps[-1].at < CLOSES + 240

    def test_between_two_calls_lies_less_or_more_than_a_session_is_gone_on_with(self, day: list[Plan]) -> None:
        pauses = [
            second.at - first.steps[-1].at
            for plan in day
            for first, second in zip(plan.visits, plan.visits[1:], strict=False)
            if first.steps
        ]
        assert pauses
        assert not [pause for pause in pauses if 480 < pause < 2400]

    def test_all_kinds_of_people_come(self) -> None:
        many = plans_for(roster(9_000), 3_000, PRESS)
        typed = Counter(step.says for plan in many for visit in plan.visits for step in visit.steps)
        assert {"MULAI", "??", "7"} <= typed.keys()
        assert {plan.by_sms for plan in many} == {True, False}
        assert any(plan.worker is None for plan in many)
        assert any(plan.worker is not None and plan.worker.is_stranger for plan in many)
        assert any(visit.goal is Goal.HANG_UP for plan in many for visit in plan.visits)
        assert any(plan.cancels_at is not None for plan in many)
        assert any(visit.at > CLOSES for plan in many for visit in plan.visits)

    def test_those_who_share_a_phone_are_never_given_a_wrong_birth_date(self) -> None:
        shared = roster()
        for seed in range(30):
            plan = plans.plan_of(shared, shared.workers[1], Random(seed))
            dates = {step.says for visit in plan.visits for step in visit.steps if step.state == "birth_date"}
            assert dates <= {plan.birth_date, "??"}
