"""The forecast: its interval holds the true end about four times in five, and it says nothing where nothing is known."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from bot.evaluation.forecast import forecast
from tests.evaluation.made_up_campaigns import JAKARTA, STEP, make_up

START = datetime(2021, 1, 12, 8, tzinfo=JAKARTA)
DEADLINE = datetime(2021, 1, 14, tzinfo=JAKARTA)
#: None of these was looked at when the method was tuned: that was done on seeds up to 47,199.
SEEDS = range(70_001, 70_201)


@pytest.mark.parametrize("hours", [6, 3, 1])
def test_of_200_made_up_campaigns_the_interval_holds_the_end_of_70_to_90_percent(hours: int) -> None:
    held = 0
    for campaign in map(make_up, SEEDS):
        now = campaign.deadline - timedelta(hours=hours)
        told = forecast(campaign.so_far(now), campaign.start, now, campaign.deadline)
        assert told is not None
        assert told.low <= told.expected <= told.high
        held += told.low <= sum(campaign.counts) <= told.high
    assert 0.7 * len(SEEDS) <= held <= 0.9 * len(SEEDS)


def test_it_leans_neither_way_by_much() -> None:
    above = 0
    for campaign in map(make_up, SEEDS):
        now = campaign.deadline - timedelta(hours=3)
        told = forecast(campaign.so_far(now), campaign.start, now, campaign.deadline)
        assert told is not None
        above += sum(campaign.counts) > told.expected
    assert 0.35 * len(SEEDS) <= above <= 0.65 * len(SEEDS)


def test_a_steady_campaign_goes_on_and_the_nearer_the_end_the_surer_it_is() -> None:
    steps = int((DEADLINE - START) / STEP)
    counts = [40] * steps
    widths = []
    for hours in (12, 6, 3, 1):
        done = steps - hours * 4
        now = START + done * STEP
        told = forecast(counts[:done], START, now, DEADLINE)
        assert told is not None
        assert told.low <= sum(counts) <= told.high
        widths.append(told.high - told.low)
    assert widths == sorted(widths, reverse=True)


def test_it_never_promises_less_than_there_is_nor_more_than_there_are() -> None:
    counts = [100] * (36 * 4)
    now = START + len(counts) * STEP
    told = forecast(counts, START, now, DEADLINE, target=14_500)
    assert told is not None
    assert told.low >= 14_400
    assert told.high == 14_500


def test_what_came_in_a_step_that_is_not_over_counts() -> None:
    counts = [10] * 40
    now = START + 40 * STEP + timedelta(minutes=5)
    told = forecast([*counts, 2_000], START, now, START + 41 * STEP)
    assert told is not None
    assert told.low >= 2_400


@pytest.mark.parametrize(
    ("counts", "until"),
    [
        ([], timedelta(hours=6)),
        ([50] * 4, timedelta(hours=6)),  # an hour is no experience
        ([0] * 40, timedelta(hours=6)),
        ([50] * 40, timedelta(days=20)),
        ([50] * 40, timedelta(0)),
    ],
)
def test_where_nothing_can_be_said_it_says_nothing(counts: list[int], until: timedelta) -> None:
    now = START + len(counts) * STEP
    assert forecast(counts, START, now, now + until) is None
