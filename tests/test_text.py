"""The text of SMS and USSD: counted exactly, spelt in GSM-7, shortened to fit, masked."""

import unicodedata

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from bot.text import (
    Encoding,
    NotGsm7,
    Segments,
    is_gsm7,
    mask_name,
    mask_nik,
    segments,
    septets,
    shorten,
    to_gsm7,
)
from bot.text.gsm7 import BASIC, EXTENSION

gsm7_texts = st.text(st.sampled_from(BASIC + EXTENSION))
words = st.text(st.sampled_from("abcdeghiklmnrstuwyABDHKMNPRSTWĀéşİ.-,'()0123456789[€"), min_size=1, max_size=14)
names = st.lists(words, min_size=1, max_size=8).map(" ".join)
any_text = st.text(max_size=300)
properties = settings(deadline=None, max_examples=300)


# --- the alphabet ---------------------------------------------------------------------------------------------------


def test_the_alphabet_is_that_of_the_standard() -> None:
    assert len(BASIC) == len(set(BASIC)) == 127  # 128 codes, of which 0x1B is the escape
    assert len(set(EXTENSION)) == 10
    without_escape = BASIC[:0x1B] + "\x1b" + BASIC[0x1B:]
    landmarks = {0x00: "@", 0x09: "Ç", 0x10: "Δ", 0x15: "Ω", 0x1A: "Ξ", 0x1C: "Æ", 0x24: "¤", 0x40: "¡", 0x5B: "Ä"}
    landmarks |= {0x5F: "§", 0x60: "¿", 0x7B: "ä", 0x7F: "à", 0x20: " ", 0x30: "0", 0x41: "A", 0x61: "a"}
    assert {code: without_escape[code] for code in landmarks} == landmarks
    assert unicodedata.name(BASIC[0x10]) == "GREEK CAPITAL LETTER DELTA"  # and not the sign of the same looks
    assert unicodedata.name(BASIC[0x15]) == "GREEK CAPITAL LETTER OMEGA"


@pytest.mark.parametrize(
    ("text", "expected"), [("", 0), ("abc", 3), ("@£\n", 3), ("[x]", 5), ("^{}\\[~]|€", 18), ("é", 1)]
)
def test_septets_counts_the_extension_table_twice(text: str, expected: int) -> None:
    assert septets(text) == expected


def test_septets_names_the_first_strange_character() -> None:
    with pytest.raises(NotGsm7) as caught:
        septets("naïve ç")
    assert caught.value.character == "ï"
    assert not is_gsm7("`")
    assert not is_gsm7("\x1b")


@properties
@given(any_text)
def test_septets_and_is_gsm7_agree(text: str) -> None:
    if is_gsm7(text):
        assert len(text) <= septets(text) <= 2 * len(text)
    else:
        with pytest.raises(NotGsm7):
            septets(text)


# --- transliteration ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("“Selamat” – it’s…", '"Selamat" - it\'s...'),
        ("a\u00a0b\u2003c\td", "a b c d"),
        ("ā ş ī ç Ş Đ ł œ", "a s i c S D l oe"),
        ("é Ñ ü ß Ω", "é Ñ ü ß Ω"),
        ("e\u0301 n\u0303 a\u030a a\u0304", "é ñ å a"),
        ("\u212b \u2126", "Å Ω"),
        ("１２３ ＡＢＣ", "123 ABC"),
        ("٠١٢٣٤٥٦٧٨٩ ४ 𝟕", "0123456789 4 7"),
        ("1️⃣ ① ½ ™ ﬁ", "1 1 1/2 TM fi"),
        ("a\u200bb\ufeffc\u00add\x00e\x1bf", "abcdef"),
        ("a\r\nb\rc\u2028d\fe", "a\nb\nc\nd\ne"),
        ("ya 👍🏽 한 \ud800", "ya ?? ? ?"),
        ("`x´", "'x'"),
    ],
)
def test_to_gsm7_spells_it_as_close_as_it_comes(text: str, expected: str) -> None:
    assert to_gsm7(text) == expected


@properties
@given(any_text)
def test_to_gsm7_always_gives_gsm7_and_settles(text: str) -> None:
    spelt = to_gsm7(text)
    assert is_gsm7(spelt)
    assert to_gsm7(spelt) == spelt


@properties
@given(gsm7_texts)
def test_to_gsm7_leaves_gsm7_as_it_is(text: str) -> None:
    if not set(text) & set("\r\f"):
        assert to_gsm7(text) == text


def test_to_gsm7_takes_every_single_character() -> None:
    assert all(is_gsm7(to_gsm7(chr(code))) for code in range(0, 0x30000, 3))


# --- segments -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Segments(Encoding.GSM7, 0, 1)),
        ("a" * 160, Segments(Encoding.GSM7, 160, 1)),
        ("a" * 161, Segments(Encoding.GSM7, 161, 2)),
        ("a" * 306, Segments(Encoding.GSM7, 306, 2)),
        ("a" * 307, Segments(Encoding.GSM7, 307, 3)),
        ("€" * 80, Segments(Encoding.GSM7, 160, 1)),
        ("a" * 159 + "€", Segments(Encoding.GSM7, 161, 2)),
        # The escape would be the 153rd septet of the first part: both septets move to the second, which overflows.
        ("a" * 152 + "€" + "a" * 152, Segments(Encoding.GSM7, 306, 3)),
        ("a" * 151 + "€" + "a" * 153, Segments(Encoding.GSM7, 306, 2)),
        ("ş" * 70, Segments(Encoding.UCS2, 70, 1)),
        ("ş" * 71, Segments(Encoding.UCS2, 71, 2)),
        ("ş" * 134, Segments(Encoding.UCS2, 134, 2)),
        ("ş" * 135, Segments(Encoding.UCS2, 135, 3)),
        ("😀" * 35, Segments(Encoding.UCS2, 70, 1)),
        ("ş" * 66 + "😀" + "ş" * 66, Segments(Encoding.UCS2, 134, 3)),
        ("ş" * 65 + "😀" + "ş" * 67, Segments(Encoding.UCS2, 134, 2)),
        ("😀" * 1000, Segments(Encoding.UCS2, 2000, 31)),
    ],
)
def test_segments_are_counted_as_phones_split_them(text: str, expected: Segments) -> None:
    assert segments(text) == expected


@properties
@given(st.one_of(gsm7_texts, any_text, st.text(st.sampled_from("a€ş😀"), max_size=400)))
def test_parts_hold_their_units_and_waste_at_most_one_each(text: str) -> None:
    counted = segments(text)
    alone, per_part = (160, 153) if counted.encoding is Encoding.GSM7 else (70, 67)
    if counted.encoding is Encoding.UCS2:
        assert counted.units == len(text.encode("utf-16-le", "surrogatepass")) // 2
    if counted.units <= alone:
        assert counted.count == 1
    else:
        assert -(-counted.units // per_part) <= counted.count <= -(-counted.units // (per_part - 1))


# --- names that fit -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "limit", "expected"),
    [
        ("Siti Nurhaliza Wulandari Putri", 30, "Siti Nurhaliza Wulandari Putri"),
        ("Siti Nurhaliza Wulandari Putri", 29, "Siti Nurhaliza Wulandari P."),
        ("Siti Nurhaliza Wulandari Putri", 26, "Siti Nurhaliza W. P."),
        ("Siti Nurhaliza Wulandari Putri", 19, "Siti N. W. P."),
        ("Siti Nurhaliza Wulandari Putri", 10, "Siti N. P."),
        ("Siti Nurhaliza Wulandari Putri", 8, "Siti P."),
        ("Siti Nurhaliza Wulandari Putri", 6, "Siti"),
        ("Siti Nurhaliza Wulandari Putri", 3, "Si."),
        ("dr. Siti Nurhaliza, Sp.A(K)", 20, "dr. Siti Nurhaliza"),
        ("dr. Siti Nurhaliza, Sp.A(K)", 12, "dr. Siti N."),
        ("M. Rizky Pratama", 12, "M. Rizky P."),
        ("Puskesmas Kecamatan Tanah Abang", 22, "Pkm Kec. Tanah Abang"),
        ("PUSKESMAS KECAMATAN TANAH ABANG", 22, "Pkm Kec. TANAH ABANG"),
        ("Rumah Sakit Umum Daerah Pasar Minggu", 17, "RSUD Pasar Minggu"),
        ("Rumah Sakit Pelni", 16, "RS Pelni"),
        ("Kabupaten Kepulauan Bangka Belitung", 26, "Kab. Kep. Bangka Belitung"),
        ("Kota Jakarta Selatan", 17, "Kota Jakarta Sel."),
        ("Kota Jakarta Selatan", 15, "Kota Jakarta S."),
        ("Kota Jakarta Selatan", 14, "Jakarta Sel."),
        ("Kota Jakarta Selatan", 10, "Jakarta S."),
        ("Kota Pematangsiantar", 12, "Kota Pemata."),
        ("Klinik Pratama Sehat", 17, "Klinik Pratama S."),
        ("Klinik Pratama Sehat", 16, "Pratama Sehat"),
        ("Ana\u0304   Ş.\nWulan\u200bdari", 40, "Ana S. Wulandari"),
        ("Ñandú", 5, "Ñandu"),
        ("[[[[", 2, "["),
        ("   ", 10, "?"),
        ("\u200b", 10, "?"),
        ("", 10, ""),
    ],
)
def test_shortened_names_stay_recognisable(name: str, limit: int, expected: str) -> None:
    assert shorten(name, limit) == expected


def test_places_that_differ_in_their_number_still_differ() -> None:
    for limit in range(10, 40):
        first, second = (shorten(f"Puskesmas Kelurahan Kebon Jeruk {number}", limit) for number in ("II", "III"))
        assert first != second
    assert shorten("Puskesmas Kecamatan Pesanggrahan 12", 17) == "Pesanggrahan 12"
    assert shorten("Puskesmas Kecamatan Pesanggrahan 12", 14) == "Pesanggrah. 12"


@properties
@given(st.one_of(names, any_text), st.integers(2, 80))
@example("((((", 2)
@example(". . . .", 3)
@example("1 2 3 4 5 6 7 8", 4)
@example(", , ,,", 2)
def test_shorten_keeps_its_promises(text: str, limit: int) -> None:
    short = shorten(text, limit)
    assert septets(short) <= limit
    assert bool(short) == bool(text)
    assert short == " ".join(short.split())
    assert shorten(short, limit) == short


@properties
@given(names)
def test_a_name_that_fits_is_left_alone(name: str) -> None:
    whole = " ".join(to_gsm7(name).split())
    assert shorten(name, max(2, septets(whole))) == whole


def test_a_limit_that_fits_nothing_is_refused() -> None:
    with pytest.raises(ValueError):
        shorten("Siti", 1)


# --- masks ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Siti Wulandari", "S*** W***"),
        ("I Made A", "I*** M*** A***"),
        ("(Siti) Éva", "S*** É***"),
        ("Siti Nurhaliza Wulandari Putri Ayu Lestari", "S*** N*** W*** P*** A***"),
        ("", "***"),
        ("??? -", "***"),
    ],
)
def test_a_masked_name_shows_first_letters_only(name: str, expected: str) -> None:
    assert mask_name(name) == expected


@properties
@given(st.one_of(names, any_text), st.integers(4, 60))
def test_a_masked_name_fits_and_hides(name: str, limit: int) -> None:
    masked = mask_name(name, limit)
    assert 3 <= septets(masked) <= limit
    assert all(len(word.rstrip("*")) <= 1 and word.endswith("***") for word in masked.split())


def test_a_masked_name_needs_room() -> None:
    with pytest.raises(ValueError):
        mask_name("Siti", 3)


def test_a_masked_nik_shows_its_last_four_digits() -> None:
    assert mask_nik("3171011708851234") == "************1234"


@pytest.mark.parametrize("nik", ["", "317101170885123", "31710117088512345", "317101170885123A", "3171011708851234\n"])
def test_what_is_no_nik_is_masked_wholly(nik: str) -> None:
    assert mask_nik(nik) == "*" * 16
