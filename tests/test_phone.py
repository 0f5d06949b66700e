"""Phone numbers: every spelling of a roster, told clearly when they are none, masked, and their operators."""

import re
import time

import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from phonenumbers import PhoneNumberFormat, PhoneNumberType

from bot.phone import NotAPhone, are_e164, is_e164, mask_phone, operator_of, parse_phone

properties = settings(deadline=None, max_examples=300)
plain_mobiles = st.from_regex(r"\A(\+?62|0)?8[1-35-9][0-9]{7,10}\Z")


@pytest.mark.parametrize(
    "spelling",
    [
        "081234567890",
        "0812-3456-7890",
        "0812 3456 7890",
        "0812.3456.7890",
        "6281234567890",
        "+62 812 3456 7890",
        "+62-812-3456-7890",
        "(0812) 34567890",
        "(+62) 812 3456 7890",
        "+62 (0)812 3456 7890",
        "+62081234567890",
        "62 0812 3456 7890",
        "006281234567890",
        "81234567890",
        "  081234567890\t",
        "81234567890.0",
        "+62\u00a0812\u20113456\u20117890",
        "\u202a+62 812-3456-7890\u202c",
        "０８１２３４５６７８９０",
        "＋6281234567890",
        "٠٨١٢٣٤٥٦٧٨٩٠",
    ],
)
def test_every_indonesian_spelling_is_the_same_number(spelling: str) -> None:
    assert parse_phone(spelling) == "+6281234567890"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is empty"),
        (" \u200b ", "is empty"),
        ("-", "has no digits"),
        ("+", "has no digits"),
        ("tidak ada", "has letters"),
        ("0812abc4567", "has letters"),
        ("0800-VACCINE", "has letters"),
        ("0812_3456_7890", "signs"),
        ("081234567890\x00", "signs"),
        ("08123", "too few digits"),
        ("0812345", "too few digits"),
        ("62", "too few digits"),
        ("081234567", "too few digits"),
        ("08123456789012", "too many digits"),
        ("+628123456789012345", "too many digits"),
        ("081234567890 081345678901", "too many digits"),
        ("081234567890/081345678901", "more than one number"),
        ("081234567890, 081345678901", "more than one number"),
        ("081234567890\n+6281345678901", "more than one number"),
        ("'081234567890", "apostrophe"),
        ("’081234567890", "apostrophe"),
        ("8.12346E+10", "scientific notation"),
        ("8,12346e+10", "scientific notation"),
        ("6.28123E+12", "scientific notation"),
        ("021 5551234", "fixed line"),
        ("+62 21 5551234", "fixed line"),
        ("0628 20123", "fixed line"),
        ("0800 1234567", "service number"),
        ("254711223344", "no Indonesian mobile number"),
        ("00254711223344", "starts with 00"),
        ("+081234567890", "no country code"),
        ("+999123456789", "no country code"),
        ("+254 7112", "too few digits"),
        ("8" * 500, "too long"),
    ],
)
def test_what_is_no_phone_is_told_clearly(text: str, reason: str) -> None:
    with pytest.raises(NotAPhone) as caught:
        parse_phone(text)
    assert reason in caught.value.reason
    assert "\n" not in str(caught.value)


def test_mobiles_of_every_country_are_taken_with_a_plus() -> None:
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        example = phonenumbers.example_number_for_type(region, PhoneNumberType.MOBILE)
        if example is None or phonenumbers.number_type(example) != PhoneNumberType.MOBILE:
            continue
        e164 = phonenumbers.format_number(example, PhoneNumberFormat.E164)
        if is_e164(e164):  # Tokelau's numbers have 7 digits in all
            assert parse_phone(phonenumbers.format_number(example, PhoneNumberFormat.INTERNATIONAL)) == e164


@properties
@given(plain_mobiles, st.data())
def test_the_short_cut_and_the_library_agree(number: str, data: st.DataObject) -> None:
    spelling = "".join(digit + data.draw(st.sampled_from(["", "", "", " ", "-", " - "])) for digit in number)
    by_short_cut = parse_phone(spelling)
    by_library = parse_phone(f"({spelling})")  # brackets keep it off the short cut
    assert by_short_cut == by_library
    assert is_e164(by_short_cut)


@properties
@given(st.one_of(st.text(max_size=80), st.text(st.sampled_from("0123456789+-() ./'E٣"), max_size=30)))
def test_any_text_is_a_sound_number_or_none(text: str) -> None:
    number, reason = "", ""
    try:
        number = parse_phone(text)
    except NotAPhone as no:
        reason = no.reason
    assert bool(number) is not bool(reason)
    assert not number or (is_e164(number) and parse_phone(number) == number)
    assert re.search(r"\d{3}", reason) is None  # the number itself is never repeated


def test_half_a_million_plain_rows_take_seconds() -> None:
    rows = [f"08{12 + row % 10}-{row % 10_000:04d}-{row % 9_999:04d}" for row in range(50_000)]
    rows = [row.replace("0820", "0821").replace("084", "085") for row in rows]
    started = time.process_time()
    numbers = list(map(parse_phone, rows))
    assert time.process_time() - started < 1.0
    assert all(map(is_e164, numbers))


@pytest.mark.parametrize("number", ["+6281234567890", "+12125551234", "+29012345", "+123456789012345"])
def test_e164_is_recognised(number: str) -> None:
    assert is_e164(number)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "6281234567890",
        "+0812345678",
        "+6281234567890\n",
        "+1234567",
        "+1234567890123456",
        "+62٨1234567890",
        "+ 62812345",
    ],
)
def test_e164_is_strict(text: str) -> None:
    assert not is_e164(text)


@pytest.mark.parametrize(
    ("number", "masked"),
    [
        ("+6281234567890", "+62812*****890"),
        ("+62811234567", "+62811***567"),
        ("+254711223344", "+254711***344"),
        ("+12125551234", "+1212****234"),
        ("+29012345", "+290***45"),
        ("081234567890", "********"),
        ("", "********"),
    ],
)
def test_a_masked_phone_shows_its_ends(number: str, masked: str) -> None:
    assert mask_phone(number) == masked


@properties
@given(st.from_regex(r"\A\+[1-9][0-9]{7,14}\Z"))
def test_a_masked_phone_hides_enough(number: str) -> None:
    masked = mask_phone(number)
    assert len(masked) == len(number)
    assert masked.count("*") >= 3
    assert all(shown in ("*", digit) for shown, digit in zip(masked, number, strict=True))


@pytest.mark.parametrize(
    ("number", "operator"),
    [
        ("+6281112345678", "Telkomsel"),
        ("+6285312345678", "Telkomsel"),
        ("+6281512345678", "Indosat"),
        ("+6285812345678", "Indosat"),
        ("+6281712345678", "XL"),
        ("+6285912345678", "XL"),
        ("+6287812345678", "XL"),
        ("+6283812345678", "AXIS"),
        ("+6289512345678", "Tri"),
        ("+6288112345678", "Smartfren"),
        ("+6283412345678", None),
        ("+254711223344", None),
    ],
)
def test_the_operator_is_told_by_the_prefix(number: str, operator: str | None) -> None:
    assert operator_of(number) == operator


@properties
@given(
    st.lists(st.from_regex(r"\A\+[1-9][0-9]{7,14}\Z") | st.text(alphabet="+,0123456789 \n", max_size=24), max_size=6)
)
def test_many_are_numbers_if_each_is(texts: list[str]) -> None:
    assert are_e164(texts) == all(map(is_e164, texts))


def test_two_numbers_in_one_text_are_none() -> None:
    assert not are_e164(["+628121111111,+628122222222"])
    assert not are_e164(["+628121111111,", "+628122222222"])
    assert are_e164(["+628121111111", "+628122222222"])
