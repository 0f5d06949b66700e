"""Screens: what is elastic shrinks until the rest fits, lists are paged, and nothing is cut."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.conversation.catalog import Catalogs, pieces
from bot.conversation.flow import Ending, Listing, Menu, Option, Row
from bot.conversation.screens import ONE_SMS, DoesNotFit, Screens, keyed
from bot.text import is_gsm7, septets
from tests.conversation.teahouse import Guest, teahouse

LONG = "Raden Mas Haryo Kusumodiningrat Wiratmadja Adiningrat"


@pytest.fixture
def screens(words: Catalogs) -> Screens:
    return Screens(teahouse(), words, 80)


def _menu(*options: Option[Guest], say: str = "{name}, do you sit inside?") -> Menu[Guest]:
    return Menu("seat", say=say, options=options or (Option("Inside", to="teas"), Option("Outside", to="teas")))


class TestFitting:
    def test_a_name_that_fits_stays_whole(self, screens: Screens) -> None:
        assert screens.asking(_menu(), Guest(name="Raden Mas Haryo"), None).text.startswith("Raden Mas Haryo, duduk")

    def test_a_long_name_shrinks_and_nothing_else(self, screens: Screens) -> None:
        text = screens.asking(_menu(), Guest(name=LONG), None).text
        assert text == "Raden Mas Haryo Kusumodiningrat W. A., duduk di dalam?\n1 Di dalam\n2 Di luar"

    def test_only_what_is_elastic_shrinks(self, words: Catalogs) -> None:
        flow = teahouse(elastic=frozenset[str]())
        with pytest.raises(DoesNotFit, match="80 fit"):
            Screens(flow, words, 80).asking(_menu(), Guest(name=LONG), None)

    def test_what_does_not_fit_with_its_names_at_their_shortest_is_a_bug_and_told(self, screens: Screens) -> None:
        with pytest.raises(DoesNotFit, match="tea: 120 septets, 80 fit"):
            screens.saying(Ending("served", say="x" * 120), Guest())

    def test_characters_that_phones_lack_are_spelled_in_those_they_have(self, screens: Screens) -> None:
        text = screens.asking(_menu(), Guest(name="Łukasz “Budi” 😀"), None).text
        assert text.startswith('Lukasz "Budi" ?, duduk')
        assert is_gsm7(text)

    def test_characters_of_two_septets_count_two(self, screens: Screens) -> None:
        text = screens.asking(_menu(say="{name}"), Guest(name="{" * 60), None).text
        assert septets(text) <= 80
        assert text.endswith("1 Di dalam\n2 Di luar")

    @given(st.text(max_size=120), st.integers(min_value=60, max_value=182))
    def test_whatever_a_name_is_made_of_the_screen_fits(self, words: Catalogs, name: str, limit: int) -> None:
        text = Screens(teahouse(), words, limit).asking(_menu(), Guest(name=name), "Silakan ketik").text
        assert is_gsm7(text)
        assert septets(text) <= limit
        assert text.endswith("duduk di dalam?\n1 Di dalam\n2 Di luar")

    def test_an_sms_is_one_part_long_whatever_a_screen_is(self, screens: Screens) -> None:
        memory = Guest(name=LONG, tea="Teh")
        assert len(screens.text("{tea} for {name}, once more {tea} for {name}.", memory)) <= 80
        assert len(screens.sms("{tea} for {name}, once more {tea} for {name}.", memory)) == 135
        with pytest.raises(DoesNotFit, match=f"{ONE_SMS} fit"):
            screens.sms("x" * (ONE_SMS + 1), memory)


class TestNotes:
    def test_a_note_stands_above(self, screens: Screens) -> None:
        assert (
            screens.asking(_menu(), Guest(name="Budi"), "Hm?").text
            == "Hm?\nBudi, duduk di dalam?\n1 Di dalam\n2 Di luar"
        )

    def test_a_note_gives_way_where_there_is_no_room_for_it(self, screens: Screens) -> None:
        menu = _menu(say="x" * 55)
        assert screens.asking(menu, Guest(), "Please look again").text == "x" * 55 + "\n1 Di dalam\n2 Di luar"

    def test_a_list_drops_its_note_before_its_last_row(self, words: Catalogs) -> None:
        listing = teahouse().by_name["teas"]
        assert isinstance(listing, Listing)
        screen, count = Screens(teahouse(), words, 70).page(
            listing, Guest(), [Row("1", "Teh")], more=False, note="x" * 40
        )
        assert screen.text.startswith("Teh kami")
        assert count == 1


class TestPages:
    ROWS = tuple(Row(str(number), f"Kebun {number}") for number in range(8))

    @pytest.fixture
    def listing(self) -> Listing[Guest]:
        found = teahouse().by_name["teas"]
        assert isinstance(found, Listing)
        return found

    @pytest.mark.parametrize(("limit", "rows"), [(80, 2), (100, 4), (160, 7), (182, 7)])
    def test_as_many_rows_as_fit_and_never_more_than_seven(
        self, words: Catalogs, listing: Listing[Guest], limit: int, rows: int
    ) -> None:
        screen, count = Screens(teahouse(), words, limit).page(listing, Guest(), self.ROWS, more=False)
        assert count == rows
        lines = screen.text.split("\n")
        assert lines[1 : 1 + rows] == [f"{number + 1} Kebun {number}" for number in range(rows)]
        assert lines[1 + rows :] == ["8 Surprise me", "9 Lainnya", "0 Kembali"]

    def test_the_last_page_has_no_nine(self, screens: Screens, listing: Listing[Guest]) -> None:
        screen, _ = screens.page(listing, Guest(), self.ROWS[:1], more=False)
        assert screen.text.split("\n")[-2:] == ["8 Surprise me", "0 Kembali"]

    def test_more_to_come_is_shown_even_where_all_rows_fit(self, screens: Screens, listing: Listing[Guest]) -> None:
        screen, count = screens.page(listing, Guest(), self.ROWS[:1], more=True)
        assert count == 1
        assert "9 Lainnya" in screen.text

    def test_a_long_row_is_shortened_by_itself(self, words: Catalogs, listing: Listing[Guest]) -> None:
        rows = [Row("1", f"{LONG} {LONG}"), Row("2", "Teh")]
        screen, count = Screens(teahouse(), words, 160).page(listing, Guest(), rows, more=False)
        assert count == 2
        assert "1 Raden M. H. K. W. A. R. M. H. K. W. A.\n" in screen.text
        assert "2 Teh\n" in screen.text

    def test_where_no_row_fits_it_is_told(self, words: Catalogs, listing: Listing[Guest]) -> None:
        with pytest.raises(DoesNotFit, match="tea/teas"):
            Screens(teahouse(), words, 60).page(listing, Guest(), [Row("1", LONG)], more=True)


class TestNumbers:
    def test_choices_that_do_not_hold_leave_no_gap(self) -> None:
        options: tuple[Option[Guest], ...] = (
            Option("a", to="x"),
            Option("b", to="x", when=lambda m: m.inside),
            Option("c", to="x"),
            Option("back", to="x", key="0"),
        )
        assert [key for key, _ in keyed(options, Guest())] == ["1", "2", "0"]
        assert [option.label for _, option in keyed(options, Guest(inside=True))] == ["a", "b", "c", "back"]


class TestLanguages:
    def test_a_language_that_is_not_there_gets_the_default_one(self, words: Catalogs, screens: Screens) -> None:
        assert words.languages == ["id", "en"]
        assert screens.asking(_menu(), replace(Guest(name="Budi"), language="jv"), None).text.startswith("Budi, duduk")

    def test_what_no_catalog_has_is_said_as_it_stands(self, words: Catalogs) -> None:
        assert words.translate("Nobody translated this.", "en") == "Nobody translated this."

    def test_a_default_without_a_catalog_is_told(self, tmp_path_factory: pytest.TempPathFactory) -> None:
        with pytest.raises(FileNotFoundError, match="default language su"):
            Catalogs(tmp_path_factory.mktemp("none"), "tea", default="su")

    def test_a_template_is_taken_apart_at_its_placeholders(self) -> None:
        assert pieces("{tea} for {name}, {{0}}.") == (
            ("", "tea"),
            (" for ", "name"),
            (", {", None),
            ("0}", None),
            (".", None),
        )
