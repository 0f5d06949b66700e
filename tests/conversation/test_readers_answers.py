"""Yes, no, and choices as people text them."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.conversation.readers import read_choice, read_yes_no
from bot.conversation.readers.answers import _NOT, _WRONG, _YES
from bot.conversation.readers.typed import COURTESIES

properties = settings(deadline=None, max_examples=300)


def spaced(texts: str) -> list[str]:
    """The texts that stand between spaces."""
    return texts.split()


@pytest.mark.parametrize(
    "text",
    [
        *spaced("ya y Y YA iya iyaa iyaaaa yaaa yes YES yess yep yup ok OK oke okee okay"),
        *spaced("betul benar bener setuju siap sip"),
        *spaced("ya. Ya! ya, (ya) 'ya' ya😀 👍🏽ya Ｙａ y\u200ba"),
        " ya ",
        "ya\n",
        "ya ya",
        "ya, betul",
        "ya pak",
        "iya dok, terima kasih",
        "ya, itu saya",
        "Oke siap",
        "yes please",
    ],
)
def test_a_yes_is_a_yes(text: str) -> None:
    assert read_yes_no(text) is True


@pytest.mark.parametrize(
    "text",
    [
        *spaced("tidak tdk TIDAK tidaaak gak gaak ga g nggak enggak engga ngga bukan belum salah"),
        *spaced("no NO nooo n nope not"),
        *spaced("tidak. No! (bukan) gak😭 Ｎｏ"),
        "tidak tidak",
        "tidak benar",
        "bukan saya",
        "belum setuju",
        "not me",
        "that is wrong",
        "tidak, terima kasih",
        "ga pak",
    ],
)
def test_a_no_is_a_no(text: str) -> None:
    assert read_yes_no(text) is False


@pytest.mark.parametrize(
    "text",
    [
        *spaced("1 0 yx hamil ? ... 😀 nah x no1"),
        "",
        " ",
        "\x00",
        "ya tidak",
        "ya/tidak",
        "ya bukan",
        "tidak salah",
        "no. 1",
        "ya 1",
        "terima kasih",
        "ya saya hamil",
        "ya ya ya ya ya ya ya",
        "ya " + "😀" * 2000,
        "ya" * 1000,
    ],
)
def test_what_is_neither_is_asked_again(text: str) -> None:
    assert read_yes_no(text) is None


def test_no_word_has_two_meanings() -> None:
    assert not _YES & _NOT
    assert not (_YES | _NOT) & _WRONG
    assert not (_YES | _NOT | _WRONG) & COURTESIES


@properties
@given(st.sampled_from(["ya", "iya", "betul", "oke", "tidak", "gak", "no", "bukan"]), st.data())
def test_drawing_out_letters_changes_nothing(word: str, data: st.DataObject) -> None:
    drawn_out = "".join(letter * data.draw(st.integers(1, 9)) for letter in word)
    assert read_yes_no(drawn_out.swapcase() + "!!") is read_yes_no(word) is not None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1", 1),
        ("1.", 1),
        (" 1 )", 1),
        ("(1)", 1),
        ("1#", 1),
        ("*1#", 1),
        ("1\n", 1),
        ("1!!", 1),
        ("1 😀", 1),
        ("01", 1),
        ("no 1", 1),
        ("No.1", 1),
        ("nomor 2", 2),
        ("pilih 3", 3),
        ("PILIH NO 3 YA PAK", 3),
        ("saya pilih yang 2", 2),
        ("satu", 1),
        ("Dua.", 2),
        ("sembilan", 9),
        ("one", 1),
        ("TWO", 2),
        ("yang pertama", 1),
        ("the second", 2),
        ("2nd", 2),
        ("1 (satu)", 1),
        ("１", 1),
        ("٣", 3),
        ("1️⃣", 1),
        ("0", 0),
        ("0.", 0),
        ("nol", 0),
    ],
)
def test_a_choice_is_read(text: str, expected: int) -> None:
    assert read_choice(text, range(10)) == expected


@pytest.mark.parametrize(
    "text",
    [
        *spaced("11 10 99 1111 00 000 001 1-2 1.5 1/2 12 1x x1 satudua no # * 17081985 -"),
        "",
        "\x00",
        "1 2",
        "1 1",
        "satu dua",
        "1 (dua)",
        "tidak 1",
        "Puskesmas 1",
        "1" * 2000,
        "1" + "😀" * 2000,
    ],
)
def test_what_is_no_choice_of_the_menu_is_none(text: str) -> None:
    assert read_choice(text, range(10)) is None


def test_only_allowed_numbers_are_choices() -> None:
    assert read_choice("0", [1, 2]) is None
    assert read_choice("nol", {1, 2}) is None
    assert read_choice("3", [1, 2]) is None
    assert read_choice("12", range(13)) == 12
    assert read_choice("123", {123}) == 123
    assert read_choice("1", []) is None


@properties
@given(st.text(max_size=300))
@example("²")
@example("ⅷ")
@example("\ud800")
def test_any_text_can_be_read(text: str) -> None:
    assert read_yes_no(text) in (True, False, None)
    assert read_choice(text, {1, 2}) in (1, 2, None)


def test_the_plain_answer_costs_next_to_nothing() -> None:
    started = time.process_time()
    for _ in range(50_000):
        read_choice("1", (1, 2, 3))
    assert time.process_time() - started < 0.5
