"""Dates as people text them."""

import time
from datetime import date, timedelta

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from bot.conversation.readers import Date, DateReading, Impossible, NotADate, read_date
from bot.conversation.readers.months import _NAMES, _spellings, month_number

TODAY = date(2021, 1, 13)
BIRTHDAY = Date(date(1985, 8, 17))


def spaced(texts: str) -> list[str]:
    """The texts that stand between spaces."""
    return texts.split()


INDONESIAN = spaced("Januari Februari Maret April Mei Juni Juli Agustus September Oktober November Desember")
ENGLISH = spaced("January February March April May June July August September October November December")
ROMAN = spaced("I II III IV V VI VII VIII IX X XI XII")
SHORT = spaced("jan feb mar apr mei jun jul agt sep okt nov des")

properties = settings(deadline=None, max_examples=400)


def read(text: str) -> DateReading:
    return read_date(text, today=TODAY)


@pytest.mark.parametrize(
    "text",
    [
        "17081985",
        "170885",
        "1781985",
        "17-8-85",
        "17-08-1985",
        "17/08/1985",
        "17.8.1985",
        "17 8 1985",
        "17 - 08 - 1985",
        "17,8,1985",
        "17*8*1985",
        "17#08#1985",
        "17\n08\n1985",
        "17 agustus 1985",
        "17 AGUSTUS 1985",
        "17 Agt 85",
        "17 ags 85",
        "17 agu 1985",
        "17 agust 1985",
        "17 Agusttus '85",
        "17agustus1985",
        "17-Agustus-1985",
        "tgl 17 agustus 1985",
        "tanggal 17 bulan 8 tahun 1985",
        "lahir: 17-08-1985",
        "Lahir di Bandung, 17 Agustus 1985.",
        "17-VIII-1985",
        "17 August 1985",
        "August 17, 1985",
        "Aug 17 85",
        "17th Aug 1985",
        "the 17th of August, 1985",
        "1985-08-17",
        "1985/8/17",
        "19850817",
        "1985 Agustus 17",
        "17O81985",
        "l7O8I985",
        "17-O8-l985",
        "17o885",
        "١٧٠٨١٩٨٥",
        "１７０８１９８５",
        "17०८1985",
        "17081985#",
        "17081985.",
        "*17081985#",
        '"17081985"',
        "17081985 😀",
        "\u200b17081985\x00",
        "1708 1985",
        "17 081985",
        "1 7 0 8 1 9 8 5",
        "1708 85",
        "17081985 Siti Wulandari",
        "Siti Wulandari 17081985",
        "siti17081985",
        "DAFTAR 17081985",
        "Agus 17-08-1985",
        "Agus Setiawan 17 08 1985",
        "Mei Lestari 170885",
        "ok 17 08 1985",
        "NIK 3171011708850001 lahir 17081985",
        "081234567890 17-8-1985",
        "17081985 17-8-1985",
        "17 agustus 1985 (17/8/85)",
    ],
)
def test_every_spelling_is_the_same_day(text: str) -> None:
    assert read(text) == BIRTHDAY


@pytest.mark.parametrize(
    "text",
    [
        "31021985",
        "29021985",
        "310285",
        "00081985",
        "17131985",
        "17001985",
        "32-8-1985",
        "31 februari 1985",
        "31 feb 85",
        "08/17/1985",
        "14012021",
        "17082030",
        "17 agustus 2030",
        "17081810",
        "12011910",
        "99999999",
        "1111985",
    ],
)
def test_what_looks_like_a_date_but_is_none_is_impossible(text: str) -> None:
    assert read(text) == Impossible()


@pytest.mark.parametrize(
    "text",
    [
        "",
        " ",
        "\x00",
        "halo",
        "1",
        "12",
        "1985",
        "17885",
        "17 agustus",
        "agustus 1985",
        "17-08",
        "tahun 1985",
        "3171011708850001",
        "3171 0117 0885 0001",
        "317101 170885 0001",
        "31.71.01.170885.0001",
        "31 71 01 17 08 85 00 01",
        "31710117 08850001",
        "081234567890",
        "0812 3456 7890",
        "08 12 34 56 78 90",
        "+62 812-345-678",
        "17081985 18081985",
        "17 agustus 1985 atau 18 agustus 1985",
        "17081985 31021985",
        "17081985 jam 10",
        "2 17 08 85",
        "17081985123",
        "😀" * 2000,
        "17081985 " + "😀" * 2000,
    ],
)
def test_everything_else_is_no_date(text: str) -> None:
    assert read(text) == NotADate()


@pytest.mark.parametrize(
    ("text", "today", "expected"),
    [
        ("170885", date(2021, 1, 13), date(1985, 8, 17)),
        ("130103", date(2021, 1, 13), date(2003, 1, 13)),
        ("130104", date(2021, 1, 13), date(2004, 1, 13)),  # 17 today
        ("140104", date(2021, 1, 13), date(2004, 1, 14)),  # 16: the only other year is out of reach
        ("170815", date(2021, 1, 13), date(1915, 8, 17)),  # 5 or 105: an adult is meant
        ("130121", date(2021, 1, 13), date(1921, 1, 13)),
        ("140121", date(2021, 1, 13), date(1921, 1, 14)),  # 2021 would be tomorrow
        ("170808", date(2026, 8, 17), date(2008, 8, 17)),
        ("290200", date(2021, 1, 13), date(2000, 2, 29)),
        ("311299", date(2100, 6, 1), date(1999, 12, 31)),
    ],
)
def test_a_year_of_two_digits_makes_an_adult_of_the_past(text: str, today: date, expected: date) -> None:
    assert read_date(text, today=today) == Date(expected)


def test_the_day_comes_first_wherever_both_could() -> None:
    assert read("05/08/1985") == Date(date(1985, 8, 5))
    assert read("050885") == Date(date(1985, 8, 5))
    assert read("12101985") == Date(date(1985, 10, 12))


def test_today_and_the_oldest_age_are_the_edges() -> None:
    assert read("13012021") == Date(TODAY)
    assert read("13 januari 1911") == Date(date(1911, 1, 13))
    assert read("14 januari 1910") == Date(date(1910, 1, 14))  # 110 years old until tomorrow
    assert read("13 januari 1910") == Impossible()
    assert read_date("17081985", today=TODAY, oldest_years=30) == Impossible()
    assert read_date("29021904", today=date(2014, 3, 1)) == Date(date(1904, 2, 29))


@pytest.mark.parametrize(
    ("spellings", "month"),
    [
        ("januari jan january Januwari JANUARI jnr", 1),
        ("februari pebruari feb peb february febuari pebr", 2),
        ("maret mar march mrt mart", 3),
        ("april apr aprl aprill", 4),
        ("mei may MEI", 5),
        ("juni jun june", 6),
        ("juli jul july", 7),
        ("agustus agt ags agu aug august agust agst agutus", 8),
        ("september sep sept setember spt septembr", 9),
        ("oktober okt oct october oktobr", 10),
        ("november nopember nov nop nopem", 11),
        ("desember des dec december dese desembr", 12),
    ],
)
def test_months_go_by_many_names(spellings: str, month: int) -> None:
    for spelling in spellings.split():
        assert read(f"9 {spelling} 1985") == Date(date(1985, month, 9)), spelling


def test_no_spelling_names_two_months() -> None:
    seen: dict[str, int] = {}
    for number, (names, others) in enumerate(_NAMES, 1):
        for spelling in {*others.split(), *(found for name in names.split() for found in _spellings(name))}:
            assert seen.setdefault(spelling, number) == number, spelling
            assert month_number(spelling) == number


@properties
@given(st.dates(date(1911, 1, 14), TODAY), st.data())
def test_a_full_date_is_read_back_however_it_is_written(day: date, data: st.DataObject) -> None:
    d, m, y = day.day, day.month, day.year
    sign = data.draw(st.sampled_from(["-", "/", ".", " ", "*", "#", " - ", ", "]))
    month = data.draw(st.sampled_from([INDONESIAN, ENGLISH, SHORT, ROMAN]))[m - 1]
    before = data.draw(st.sampled_from(["", "", "lahir ", "Tgl. ", "DAFTAR#", "😀 "]))
    after = data.draw(st.sampled_from(["", "", "#", ".", " Siti Wulandari", " terima kasih 🙏"]))
    written = data.draw(
        st.sampled_from(
            [
                f"{d:02}{m:02}{y}",
                f"{d}{sign}{m}{sign}{y}",
                f"{d:02}{sign}{m:02}{sign}{y}",
                f"{y}-{m:02}-{d:02}",
                f"{d} {month} {y}",
                f"{d}{sign}{month}{sign}{y}",
                f"{d:02} {month.upper()} {y}",
                f"{ENGLISH[m - 1]} {d}, {y}",
            ]
        )
    )
    assert read(before + written + after) == Date(day)


@properties
@given(st.dates(date(1911, 1, 14), date(2004, 1, 13)), st.sampled_from(["", "-", "/", ".", " ", "*"]))
def test_an_adults_birth_date_is_read_back_from_two_digits_of_the_year(day: date, sign: str) -> None:
    assert read(f"{day.day:02}{sign}{day.month:02}{sign}{day.year % 100:02}") == Date(day)


@properties
@given(st.dates(date(1911, 1, 14), TODAY))
def test_seven_digits_are_never_read_as_another_day(day: date) -> None:
    assume(day.day < 10 or day.month < 10)
    for written in (f"{day.day}{day.month:02}{day.year}", f"{day.day:02}{day.month}{day.year}"):
        if len(written) == 7:
            assert read(written) in (Date(day), Impossible())


@properties
@given(
    st.one_of(
        st.text(max_size=400),
        st.text(st.sampled_from("0123456789 -/.*#oOlI agustnovmeidtlh٣😀"), max_size=60),
        st.lists(st.sampled_from(spaced("17 8 08 85 1985 17081985 agustus mei th of i 3171011708850001 x"))).map(
            " ".join
        ),
    ),
    st.dates(date(1900, 1, 1), date(2200, 1, 1)),
)
def test_any_text_is_read_as_a_day_in_reach_or_as_none(text: str, today: date) -> None:
    reading = read_date(text, today=today)
    if isinstance(reading, Date):
        assert today - timedelta(days=111 * 366) < reading.value <= today
    else:
        assert reading in (Impossible(), NotADate())


@pytest.mark.parametrize(
    "piece", ["1", "1 ", "o", "0o", "17 8 ", "agustus", "17 agustus ", "😀", "-", "e\u0301\u0327", " "]
)
def test_long_texts_take_no_time(piece: str) -> None:
    started = time.process_time()
    for length in (900, 100_000):
        read((piece * length)[:length])
    assert time.process_time() - started < 0.5
