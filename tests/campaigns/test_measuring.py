"""A text as an admin types it: what is wrong with it, and its parts for the longest name."""

from __future__ import annotations

import pytest

from bot.campaigns.measuring import Longest, Measure, measure
from bot.campaigns.texts import TextError, check_text
from bot.text import septets


def of(body: str, **longest: int) -> Measure:
    return measure(body, Longest(**longest), {"ussd_code": "*119#", "short_code": "1199"})


def test_parts_and_what_is_left_for_the_longest_name() -> None:
    found = of("Halo {name}", name=20)
    assert (found.septets, found.parts, found.left) == (25, 1, 135)
    found = of("Halo {name}" + "x" * 140, name=20)
    assert (found.septets, found.parts, found.left) == (165, 2, 2 * 153 - 165)
    assert of("x" * 160).left == 0
    assert of("€" * 80).left == 0
    assert of("x" * 1000).too_long


def test_placeholders_known_and_unknown() -> None:
    found = of("{name} {nama} {closes} {name} {")
    assert (found.used, found.unknown, found.braces, found.sound) == (("name", "closes"), ("nama",), True, False)


def test_characters_that_are_replaced_or_lost() -> None:
    found = of("“Halo” 中 ok")
    assert (found.replaced, found.lost, found.sound) == (("“", "”"), ("中",), False)
    assert of("“Halo”").sound
    assert of("").empty
    assert of(" ").parts == 0


@pytest.mark.parametrize(
    "body", ["Halo", "Halo {name}", "{nama}", "a { b", "中", "①", "", "“x”", "{ticket} {place} {time} {closes}", "½ ok"]
)
def test_it_agrees_with_what_is_asked_when_a_campaign_is_made(body: str) -> None:
    try:
        check_text(body)
    except TextError:
        assert not of(body).sound
    else:
        assert of(body).sound


def test_septets_are_those_of_the_alphabet() -> None:
    assert of("[x]").septets == septets("[x]") == 5
