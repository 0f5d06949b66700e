"""Numbers of a fixed length, search phrases and keywords as people text them."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.conversation.readers import read_digits, read_keyword, read_search, read_yes_no

properties = settings(deadline=None, max_examples=300)


def spaced(texts: str) -> list[str]:
    """The texts that stand between spaces."""
    return texts.split()


NIK = "3171011708850001"
WORDS = {"stop": "STOP", "berhenti": "STOP", "HELP": "HELP", "bantuan": "HELP", "mulai": "START"}


@pytest.mark.parametrize(
    "text",
    [
        NIK,
        f" {NIK}\n",
        "3171 0117 0885 0001",
        "3171.0117.0885.0001",
        "3171-0117-0885-0001",
        "317101 170885 0001.",
        "3 1 7 1 0 1 1 7 0 8 8 5 0 0 0 1",
        f"NIK {NIK}",
        f"nik:{NIK}",
        f"NIK{NIK}",
        f"No KTP saya: {NIK}",
        f"{NIK}#",
        f"{NIK} 😀",
        "３１７１０１１７０８８５０００１",
        "٣١٧١٠١١٧٠٨٨٥٠٠٠١",
        f"\u200b{NIK}\x00",
    ],
)
def test_a_nik_is_read_however_it_is_grouped(text: str) -> None:
    assert read_digits(text, 16) == NIK


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\x00",
        "NIK",
        NIK[:-1],
        NIK + "1",
        "317101170885000l",
        "31710117O8850001",
        "3171A11708850001",
        f"A{NIK}",
        f"{NIK}A",
        f"{NIK} Siti",
        f"{NIK} {NIK}",
        f"ini adalah nomor NIK saya {NIK}",
        NIK + "😀" * 2000,
        "1" * 2000,
    ],
)
def test_a_number_that_is_not_exact_is_asked_again(text: str) -> None:
    assert read_digits(text, 16) is None


@properties
@given(st.from_regex(r"\A[0-9]{16}\Z"), st.lists(st.sampled_from(["", " ", ".", "-", " - "]), min_size=16, max_size=16))
def test_separators_change_nothing(digits: str, signs: list[str]) -> None:
    assert read_digits("".join(map("".join, zip(digits, signs, strict=True))), 16) == digits


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tebet", "tebet"),
        ("  Tanah \n  Abang ", "Tanah Abang"),
        ("RS", "RS"),
        ("Kebon Jeruk 2", "Kebon Jeruk 2"),
        ("tanah*abang#", "tanah abang"),
        ("100%_x_y", "100 x y"),
        ("Ma'arif", "Ma'arif"),
        ("te\x00bet", "te bet"),
        ("te\u200bbet", "tebet"),
        ("ｔｅｂｅｔ", "tebet"),
        ("e\u0301cole", "école"),
        ("tebet 😀😀", "tebet"),
        ("a" * 100, "a" * 40),
        ("a" * 39 + " bcd", "a" * 39),
    ],
)
def test_a_search_phrase_is_tidied(text: str, expected: str) -> None:
    assert read_search(text) == expected


@pytest.mark.parametrize(
    "text", ["", " ", "\x00", "a", "1", "12345", "%%", "__", "...", "😀" * 2000, "a" + "-" * 50 + "b"]
)
def test_what_holds_no_two_letters_is_no_search(text: str) -> None:
    assert read_search(text) is None


@properties
@given(st.text(max_size=300))
def test_a_search_phrase_is_sound_and_settles(text: str) -> None:
    phrase = read_search(text)
    if phrase is not None:
        assert 2 <= len(phrase) <= 40
        assert phrase == " ".join(phrase.split())
        assert not set(phrase) & set("%_\\*\x00")
        assert read_search(phrase) == phrase


@pytest.mark.parametrize(
    "text",
    [
        *spaced("stop STOP stop. “Stop” ＳＴＯＰ stoppp BERHENTI!!"),
        '"STOP"',
        " berhenti ",
        "Stop ya",
        "stop stop",
        "stop 😀",
        "stop\n-- \nSiti",
        "stop kirim sms ini",
    ],
)
def test_a_keyword_is_heard_through_stray_text(text: str) -> None:
    assert read_keyword(text, WORDS) == "STOP"


@pytest.mark.parametrize(
    "text",
    [
        *spaced("... stopwatch nonstop sto 1"),
        "",
        " ",
        "\x00",
        "please stop",
        "stop menanyakan hal itu kepada saya",
        "stop" + "😀" * 2000,
    ],
)
def test_what_does_not_start_with_a_keyword_or_says_more_is_none(text: str) -> None:
    assert read_keyword(text, WORDS) is None


def test_keywords_may_be_given_in_upper_or_lower_case() -> None:
    assert read_keyword("help", WORDS) == read_keyword("Bantuan", WORDS) == "HELP"
    assert read_keyword("mulai", {}) is None


@properties
@given(st.text(max_size=300), st.integers(1, 20))
def test_any_text_can_be_read(text: str, length: int) -> None:
    digits = read_digits(text, length)
    assert digits is None or (len(digits) == length and digits.isascii() and digits.isdigit())
    assert read_keyword(text, WORDS) in {None, *WORDS.values()}


@pytest.mark.parametrize(
    "piece", ["a", "1", "a1", "a ", "- ", "😀", "e\u0301\u0327", "\u0301\u0327", "stop ", "\x00", "ya"]
)
def test_long_texts_take_no_time(piece: str) -> None:
    text = piece * 100_000
    started = time.process_time()
    read_digits(text, 16)
    read_search(text)
    read_keyword(text, WORDS)
    read_yes_no(text)
    assert time.process_time() - started < 0.5
