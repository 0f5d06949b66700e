"""What a campaign may say, and what comes of it."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.campaigns.texts import (
    MOST_SEGMENTS,
    PLACEHOLDERS,
    TextError,
    check_text,
    is_personal,
    needs_booking,
    placeholders_in,
    render,
)
from bot.text import is_gsm7, segments

BLAST = "Yth. Nakes {district}: daftar vaksinasi, hubungi {ussd_code} atau balas {short_code} sebelum {closes}."
VALUES = {name: f"<{name}>" for name in PLACEHOLDERS}


class TestCheck:
    def test_a_good_text_stays_as_it_is(self) -> None:
        assert check_text(BLAST) == BLAST

    def test_every_placeholder_is_known(self) -> None:
        text = " ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        assert check_text(text) == text

    @pytest.mark.parametrize(
        ("typed", "kept"),
        [
            ("  Halo\r\n", "Halo"),
            ("“Halo” – {name}…", '"Halo" - {name}...'),
            ("Ayo\u00a0daftar", "Ayo daftar"),
            ("\uff5bname\uff5d", "{name}"),
            ("ya\u200b!", "ya!"),
            ("ya\uff1f", "ya?"),
        ],
    )
    def test_it_is_brought_to_the_cheap_alphabet(self, typed: str, kept: str) -> None:
        assert check_text(typed) == kept

    @pytest.mark.parametrize("text", ["", "   \n", "\u200b"])
    def test_nothing_is_no_text(self, text: str) -> None:
        with pytest.raises(TextError, match="the text is empty"):
            check_text(text)

    @pytest.mark.parametrize("name", ["nama", "Name", " name", "0", "name!r", "name.x", ""])
    def test_an_unknown_placeholder_is_named_beside_the_known_ones(self, name: str) -> None:
        with pytest.raises(TextError) as refused:
            check_text(f"Halo {{{name}}}")
        assert f"unknown placeholder {{{name.strip()}}}" in str(refused.value)
        assert all(f"{{{known}}}" in str(refused.value) for known in PLACEHOLDERS)

    @pytest.mark.parametrize("text", ["a { b", "a } b", "{name", "name}", "{{name}}", "{a{name}b}"])
    def test_other_braces_are_refused(self, text: str) -> None:
        with pytest.raises(TextError, match="a brace that belongs to no placeholder"):
            check_text(text)

    @pytest.mark.parametrize("character", ["\U0001f600", "\u6c49", "\ua984"])
    def test_what_would_become_a_question_mark_is_named(self, character: str) -> None:
        with pytest.raises(TextError) as refused:
            check_text(f"Halo {character}")
        assert f"U+{ord(character):04X}" in str(refused.value)

    def test_too_long_is_said_with_the_number_of_parts(self) -> None:
        assert segments(check_text("x" * 153 * MOST_SEGMENTS)).count == MOST_SEGMENTS
        with pytest.raises(TextError, match="at least 7 SMS parts; at most 6"):
            check_text("x" * (153 * MOST_SEGMENTS + 1))
        with pytest.raises(TextError, match="at least 7 SMS parts"):
            check_text("x" * 153 * MOST_SEGMENTS + "{ticket}")

    @given(st.text(max_size=80))
    def test_whatever_is_typed_is_kept_sendable_or_refused_in_one_line(self, typed: str) -> None:
        try:
            kept, refusal = check_text(typed), ""
        except TextError as refused:
            kept, refusal = "", str(refused)
        assert len(refusal.splitlines()) <= 1
        assert bool(kept) != bool(refusal)
        assert is_gsm7(kept)
        assert not kept or (check_text(kept) == kept and render(kept, VALUES))


class TestWhatATextNeeds:
    @pytest.mark.parametrize("name", PLACEHOLDERS)
    def test_personal_is_what_is_said_of_the_worker_or_the_booking(self, name: str) -> None:
        text = f"Halo {{{name}}}!"
        assert placeholders_in(text) == {name}
        assert is_personal(text) == (name in {"name", "ticket", "place", "time"})
        assert needs_booking(text) == (name in {"ticket", "place", "time"})

    def test_a_text_without_placeholders_needs_nothing(self) -> None:
        assert placeholders_in("Halo") == frozenset()
        assert not is_personal("Halo")


class TestRender:
    def test_the_values_stand_in_their_places(self) -> None:
        values = VALUES | {"district": "Kota Ambon", "ussd_code": "*119#", "short_code": "1199", "closes": "24.00"}
        assert render(BLAST, values) == (
            "Yth. Nakes Kota Ambon: daftar vaksinasi, hubungi *119# atau balas 1199 sebelum 24.00."
        )

    def test_a_placeholder_may_come_twice(self) -> None:
        assert render("{name} {name}", {"name": "Siti"}) == "Siti Siti"

    def test_a_value_is_never_read_as_a_text(self) -> None:
        assert render("{name}, {place}", {"name": "{place}", "place": "X"}) == "{place}, X"

    def test_values_come_to_the_cheap_alphabet_on_one_line(self) -> None:
        assert render("{name}.", {"name": " Ni Luh\nMadé  Āyu "}) == "Ni Luh Madé Ayu."

    def test_a_missing_value_is_named(self) -> None:
        with pytest.raises(TextError, match=r"no value for \{ticket\}"):
            render("{ticket}", {"name": "Siti"})

    @given(st.text(max_size=40))
    def test_every_name_gives_a_text_in_the_cheap_alphabet(self, name: str) -> None:
        assert is_gsm7(render("Halo {name}!", {"name": name}))
