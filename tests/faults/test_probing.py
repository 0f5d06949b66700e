"""When a fault's effects are over, by what probes saw."""

from __future__ import annotations

import pytest

from faults.journal import FINE, SORRY, Exchange, Journal
from faults.probing import answering_from


def _journal(*probes: tuple[float, float, str]) -> Journal:
    journal = Journal()
    for began, took, came_to in probes:
        journal.note(Exchange(began, took, "probe", came_to))
    return journal


def test_it_is_over_with_the_first_good_answer_after_the_last_bad_one() -> None:
    seen = _journal((10.0, 0.1, FINE), (10.5, 0.1, SORRY), (11.0, 0.25, FINE), (11.5, 0.1, FINE))
    assert answering_from(seen, 10.0, 20.0) == pytest.approx(1.25)


def test_it_is_not_over_while_the_last_answer_is_bad() -> None:
    assert answering_from(_journal((10.0, 0.1, FINE), (10.5, 0.1, SORRY)), 10.0, 20.0) is None
    assert answering_from(_journal(), 10.0, 20.0) is None


def test_what_meets_the_next_fault_is_not_held_against_this_one() -> None:
    """Seeds 221 and 223: a probe was under way when Valkey was stopped, and when both servers were cut off."""
    seen = _journal((10.0, 0.1, FINE), (10.9, 0.6, SORRY), (11.2, 0.1, SORRY))
    assert answering_from(seen, 10.0, 11.0) == 0.0
    assert answering_from(seen, 10.0, 12.0) is None


def test_other_calls_are_no_probes() -> None:
    seen = _journal((10.0, 0.1, FINE))
    seen.note(Exchange(10.5, 0.1, "ussd", SORRY))
    assert answering_from(seen, 10.0, 12.0) == 0.0
