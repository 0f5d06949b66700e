"""The NIK: its form, what it says about its owner, and what it never shows."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.registration.nik import Nik, NotANik, Sex, is_nik_form, make_nik


def test_a_mans_nik_says_where_when_and_who() -> None:
    nik = Nik("3171051708850012")
    assert (nik.district_code, nik.region, nik.sex, nik.tail) == ("3171", "317105", Sex.MALE, "0012")
    assert nik.birth_date_matches(date(1985, 8, 17))
    assert not nik.birth_date_matches(date(1985, 8, 18))


def test_a_womans_day_has_40_added() -> None:
    nik = Nik("3171055708850012")
    assert nik.sex is Sex.FEMALE
    assert nik.birth_date_matches(date(1985, 8, 17))


def test_of_the_year_only_two_digits_are_known() -> None:
    assert Nik("3171051708050012").birth_date_matches(date(2005, 8, 17))
    assert Nik("3171051708050012").birth_date_matches(date(1905, 8, 17))


def test_a_nik_whose_date_is_none_is_a_nik_that_matches_no_birth_date() -> None:
    assert not Nik("3171059913850012").birth_date_matches(date(1985, 12, 31))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        ("317105170885001", "is not 16 digits: it has 15"),
        ("31710517088500123", "is not 16 digits: it has 17"),
        ("3171051708850O12", "is not 16 digits: it has letters or signs in it"),
        ("3171051708850012\n", "is not 16 digits: it has letters or signs in it"),
        ("٣١٧١٠٥١٧٠٨٨٥٠٠١٢", "is not 16 digits: it has letters or signs in it"),
        ("3171051708850000", "ends in 0000, which no NIK does"),
        ("0171051708850012", "starts with 0, which no region does"),
    ],
)
def test_what_is_no_nik_is_told_why_without_repeating_it(text: str, reason: str) -> None:
    assert not is_nik_form(text)
    with pytest.raises(NotANik) as told:
        Nik(text)
    assert told.value.reason == reason
    assert not text.strip() or text.strip() not in str(told.value)


def test_a_nik_shows_its_last_four_digits_only() -> None:
    assert repr(Nik("3171051708850012")) == str(Nik("3171051708850012")) == "Nik(************0012)"


@given(
    st.dates(date(1920, 1, 1), date(2019, 12, 31)),
    st.sampled_from(Sex),
    st.integers(1, 9999),
    st.integers(1, 99),
)
def test_a_made_up_nik_states_what_it_was_made_of(birth_date: date, sex: Sex, serial: int, subdistrict: int) -> None:
    nik = make_nik("9171", birth_date, sex, serial, subdistrict=subdistrict)
    assert is_nik_form(nik.text)
    assert (nik.district_code, nik.sex, int(nik.tail)) == ("9171", sex, serial)
    assert nik.birth_date_matches(birth_date)


def test_no_nik_is_made_of_parts_that_do_not_fit() -> None:
    for serial, subdistrict in ((0, 1), (10_000, 1), (1, 0), (1, 100)):
        with pytest.raises(NotANik):
            make_nik("3171", date(1985, 8, 17), Sex.MALE, serial, subdistrict=subdistrict)
