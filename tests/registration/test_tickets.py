"""Ticket codes: read over the phone, typed by tired people."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.registration.tickets import ALPHABET, LENGTH, is_ticket, new_ticket
from bot.text import is_gsm7, septets

TICKETS = st.builds(new_ticket)


def test_a_fresh_code_is_one_and_reads_easily() -> None:
    for _ in range(1000):
        ticket = new_ticket()
        assert is_ticket(ticket)
        assert len(ticket) == LENGTH == 6
        assert ticket.isascii()
        assert ticket.isupper() or ticket.isdigit()
        assert is_gsm7(ticket)
        assert septets(ticket) == 6


@pytest.mark.parametrize("pair", ["0O", "1I", "5S", "8B", "2Z"])
def test_of_characters_that_look_alike_there_is_one_at_most(pair: str) -> None:
    assert sum(character in ALPHABET for character in pair) <= 1
    assert len(set(ALPHABET)) == len(ALPHABET) == 29


@given(TICKETS)
def test_every_single_wrong_character_is_noticed(ticket: str) -> None:
    for position in range(LENGTH):
        for character in ALPHABET:
            wrong = ticket[:position] + character + ticket[position + 1 :]
            assert is_ticket(wrong) is (wrong == ticket)


@given(TICKETS)
def test_every_swap_of_neighbours_is_noticed(ticket: str) -> None:
    for position in range(LENGTH - 1):
        swapped = ticket[:position] + ticket[position + 1] + ticket[position] + ticket[position + 2 :]
        assert is_ticket(swapped) is (swapped == ticket)


def test_every_swap_of_any_two_is_noticed_too() -> None:
    """More than is promised, and how the weights are meant: all unlike, none nought."""
    for _ in range(300):
        ticket = new_ticket()
        one, other = sorted(random.sample(range(LENGTH), 2))
        swapped = list(ticket)
        swapped[one], swapped[other] = swapped[other], swapped[one]
        assert is_ticket("".join(swapped)) is ("".join(swapped) == ticket)


@pytest.mark.parametrize(
    "text", ["", "ABC", "AAAAAAA", "O00000", "aaaaaa", "22222\u0662", "22222 ", "😀" * 6, "k7wq3a"]
)
def test_what_is_no_code_is_none(text: str) -> None:
    assert not is_ticket(text)


@given(st.text(max_size=12))
def test_whatever_is_asked_gets_an_answer(text: str) -> None:
    assert is_ticket(text) in {True, False}


def test_codes_do_not_repeat_themselves() -> None:
    assert len({new_ticket() for _ in range(5000)}) > 4990
