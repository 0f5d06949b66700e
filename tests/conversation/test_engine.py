"""The pure step: what is said leads where the table says, and nothing is lost on the way."""

from __future__ import annotations

import pytest

from bot.conversation.catalog import Catalogs
from bot.conversation.engine import Engine, UnexpectedOutcome, outcome_kinds
from tests.conversation.talk import Talk
from tests.conversation.teahouse import (
    READING,
    Brew,
    Brewed,
    Free,
    Full,
    Gone,
    Guest,
    Kitchen,
    Look,
    Switch,
    Switched,
    Teas,
    teahouse,
)


@pytest.fixture
def talk(engine: Engine[Guest], kitchen: Kitchen) -> Talk:
    return Talk(engine, kitchen)


SEAT = "Budi, duduk di dalam?\n1 Di dalam\n2 Di luar"
TEAS = "Teh kami yang paling enak:\n1 Teh Melati\n2 Teh Sencha\n3 Teh Assam\n8 Surprise me\n0 Kembali"


def _at_the_teas(talk: Talk) -> Talk:
    return talk.comes().says("Budi").says("1")


def test_from_the_door_to_a_cup(talk: Talk) -> None:
    talk.comes().sees("Siapa nama Anda?\n0 No name")
    talk.says("Budi").sees(SEAT)
    talk.says("1").sees(TEAS)
    talk.says("2").sees("Type the 4 digits of your card:")
    talk.says("12-34").sees("Teh Sencha untuk Budi. Selamat menikmati!")
    assert talk.is_over
    assert [type(effect) for effect in talk.kitchen.asked] == [Look, Teas, Brew]


class TestQuestions:
    def test_what_cannot_be_read_is_asked_again_in_better_words_if_there_are(self, talk: Talk) -> None:
        talk.comes().says("?").sees("Two letters at least, please.\n0 No name")
        talk.says("4711").sees("That is no name.\n0 No name")
        assert talk.memory == Guest()

    def test_a_choice_beside_the_question_counts(self, talk: Talk) -> None:
        talk.comes().says(" 0. ").sees(", duduk di dalam?\n1 Di dalam\n2 Di luar")

    def test_passing_fields_reach_the_effect_and_no_screen_that_waits(self, talk: Talk) -> None:
        talk.kitchen.outcomes[Brew] = Gone()
        _at_the_teas(talk).says("1").says("1234").sees("There is no Teh Melati left.\n1 Other teas")
        [brew] = [effect for effect in talk.kitchen.asked if isinstance(effect, Brew)]
        assert brew.card == "1234"
        assert talk.memory.card == ""


class TestMenus:
    @pytest.mark.parametrize("text", ["1", "1.", "satu", "ya", "Iya pak!", "yes"])
    def test_one_is_chosen_by_number_or_by_yes(self, talk: Talk, text: str) -> None:
        assert talk.comes().says("Budi").says(text).memory.inside

    @pytest.mark.parametrize("text", ["2", "tidak", "TERRACE.", "on the terrace"])
    def test_another_is_chosen_by_no_or_by_its_words(self, talk: Talk, text: str) -> None:
        talk.comes().says("Budi").says(text).sees(TEAS)
        assert not talk.memory.inside

    @pytest.mark.parametrize("text", ["", "3", "0", "9", "12", "1 2", "ya tidak", "?", "*", "\x00", "😀" * 300])
    def test_nonsense_is_answered_with_the_same_screen_and_a_note(self, talk: Talk, text: str) -> None:
        before = talk.comes().says("Budi").conversation
        talk.says(text).sees("Silakan ketik angka pilihan.\n" + SEAT)
        assert talk.conversation == before

    def test_the_note_is_said_once(self, talk: Talk) -> None:
        assert talk.comes().says("Budi").says("?").engine.again(talk.conversation).screen is not None
        shown = talk.engine.again(talk.conversation).screen
        assert shown is not None
        assert shown.text == SEAT

    def test_choices_that_do_not_hold_are_neither_shown_nor_taken(self, talk: Talk) -> None:
        talk.comes().says("Budi").says("3").sees("Silakan ketik angka pilihan.\n" + SEAT)
        talk.kitchen.outcomes[Look] = Free(regular=True)
        talk.comes(Guest(name="Ani")).sees("Ani, duduk di dalam?\n1 Di dalam\n2 Di luar\n3 At the usual place")
        talk.says("3").sees("Type the 4 digits of your card:")


class TestLists:
    MANY = tuple(f"Nomor {number:02d} dari Kebun {number:02d}" for number in range(1, 20))

    def test_a_page_holds_what_fits_and_every_row_is_on_one(self, talk: Talk) -> None:
        talk.kitchen.teas = self.MANY
        _at_the_teas(talk)
        seen = [talk.screen]
        while "9 Lainnya" in talk.screen:
            seen.append(talk.says("9").screen)
        assert [sum(tea in page for page in seen) for tea in self.MANY] == [1] * len(self.MANY)

    def test_back_shows_the_pages_before_and_then_where_one_came_from(self, talk: Talk) -> None:
        talk.kitchen.teas = self.MANY
        pages = [_at_the_teas(talk).screen, talk.says("9").screen, talk.says("9").screen]
        assert len(set(pages)) == 3
        assert [talk.says("0").screen, talk.says("0").screen] == [pages[1], pages[0]]
        talk.says("0").sees(SEAT)

    def test_the_row_that_is_chosen_is_the_one_that_is_shown(self, talk: Talk) -> None:
        talk.kitchen.teas = self.MANY
        _at_the_teas(talk).says("9")
        second = next(line for line in talk.screen.split("\n") if line.startswith("2 ")).removeprefix("2 ")
        assert talk.says("2").memory.tea == second

    @pytest.mark.parametrize("text", ["7", "9", "tiga puluh", "ya", "", "*"])
    def test_a_number_that_is_not_on_the_page_is_none(self, talk: Talk, text: str) -> None:
        _at_the_teas(talk).says(text).sees("Silakan ketik angka pilihan.\n" + TEAS)

    def test_a_note_costs_no_row(self, words: Catalogs, kitchen: Kitchen) -> None:
        """With the note above it the third row would not fit, and 9 would pass it over."""
        talk = Talk(Engine(teahouse(), words, limit=118), kitchen)
        kitchen.teas = ("Melati dari Jawa", "Sencha", "Assam")
        shown = _at_the_teas(talk).screen
        assert "3 Teh Assam" in shown
        talk.says("?").sees(shown)
        assert talk.says("3").memory.tea == "Teh Assam"

    def test_a_page_that_does_not_fit_any_more_goes_on_with_nine(self, words: Catalogs, kitchen: Kitchen) -> None:
        """The setting was lowered while somebody looked at the list."""
        talk = Talk(Engine(teahouse(), words, limit=160), kitchen)
        kitchen.teas = self.MANY
        first = _at_the_teas(talk).conversation
        small = Engine(teahouse(), words, limit=110)
        turn = small.again(first)
        assert turn.conversation is not None
        assert turn.conversation.page is not None
        assert len(turn.conversation.page.rows) < len(first.page.rows)
        turn = kitchen.settle(small, small.hear(turn.conversation, "9", READING))
        assert turn.conversation is not None
        assert turn.conversation.page is not None
        assert turn.conversation.page.rows[0] == first.page.rows[len(small.again(first).conversation.page.rows)]  # type: ignore[union-attr]

    def test_a_choice_of_the_lists_own(self, talk: Talk) -> None:
        _at_the_teas(talk).says("8").sees("Type the 4 digits of your card:")

    def test_an_empty_list_is_not_shown(self, talk: Talk) -> None:
        talk.kitchen.teas = ()
        assert _at_the_teas(talk).sees("The kettle is broken.").is_over

    def test_coming_back_shows_the_page_that_was_shown(self, talk: Talk) -> None:
        talk.kitchen.teas = self.MANY
        page = _at_the_teas(talk).says("9").screen
        assert talk.comes_back().screen == page


class TestTasks:
    def test_the_outcome_decides(self, talk: Talk) -> None:
        talk.kitchen.outcomes[Look] = Full()
        assert talk.comes().sees("We are full.").is_over

    def test_an_outcome_that_the_table_does_not_know_is_a_bug(self, engine: Engine[Guest]) -> None:
        turn = engine.begin(Guest(), 0.0, READING)
        assert turn.conversation is not None
        with pytest.raises(UnexpectedOutcome, match="tea/look does not know Brewed"):
            engine.resolve(turn.conversation, Brewed(), READING)

    def test_the_table_tells_which_outcomes_it_knows(self, engine: Engine[Guest]) -> None:
        assert outcome_kinds(engine.flow) == {Free, Full, Brewed, Gone, Switched}

    @pytest.mark.parametrize("limit", [110, 160, 182])
    def test_the_sms_of_an_effect_fits_one_sms_whatever_a_screen_may_hold(
        self, words: Catalogs, kitchen: Kitchen, limit: int
    ) -> None:
        talk = Talk(Engine(teahouse(), words, limit=limit), kitchen)
        talk.comes(Guest(name="Budi " * 40)).says("0")
        talk.says("1").says("1").says("1234")
        [brew] = [effect for effect in kitchen.asked if isinstance(effect, Brew)]
        assert brew.receipt.startswith("Teh Melati for Budi B.")
        assert brew.receipt.endswith("cup {number}.")
        assert len(brew.receipt) <= 160

    def test_coming_back_enters_the_state_that_is_named_for_it(self, talk: Talk) -> None:
        talk.comes()
        talk.kitchen.outcomes[Look] = Full()
        talk.comes_back().sees("We are full.")


class TestKeywords:
    def test_an_aside_leaves_everything_as_it_was(self, talk: Talk) -> None:
        before = talk.comes().says("Budi").conversation
        talk.shouts("help me please").sees("Type what you want.")
        assert talk.conversation == before

    def test_an_aside_begins_nothing(self, talk: Talk) -> None:
        assert talk.shouts("HELP").is_over

    def test_what_is_no_keyword_is_none(self, engine: Engine[Guest]) -> None:
        assert engine.keyword(None, Guest(), "I do not need help with this", 0.0) is None

    def test_an_ending_ends(self, talk: Talk) -> None:
        assert talk.comes().says("Budi").shouts("pulang").sees("Good bye, Budi.").is_over

    def test_a_task_comes_back_to_where_one_was(self, talk: Talk) -> None:
        talk.comes().says("Budi").shouts("ENGLISH").sees("Budi, do you sit inside?\n1 Inside\n2 Outside")
        assert talk.kitchen.asked[-1] == Switch()

    def test_a_task_without_a_conversation_starts_one(self, talk: Talk) -> None:
        talk.shouts("ENGLISH").sees("What is your name?\n0 No name")

    def test_a_list_is_looked_up_again_on_the_same_page(self, talk: Talk) -> None:
        talk.kitchen.teas = TestLists.MANY
        _at_the_teas(talk).says("9")
        offset = talk.conversation.page.offset
        talk.shouts("ENGLISH")
        assert "Nomor" in talk.screen
        assert talk.screen.startswith("Our teas:\n1 ")
        assert " tea\n" in talk.screen
        assert talk.kitchen.asked[-1] == Teas(offset, "en")
        assert talk.says("0").screen.startswith("Our teas:\n1 Nomor 01")

    def test_a_keyword_keeps_what_it_says(self, talk: Talk) -> None:
        _at_the_teas(talk).says("1").shouts("LIST").sees(TEAS)
        assert talk.memory.tea == ""


class TestWhatIsSaidEarly:
    def test_it_answers_the_first_question_if_it_does(self, talk: Talk) -> None:
        talk.comes(saying="Budi").sees(SEAT)

    def test_else_the_question_is_asked_as_if_nothing_had_been_said(self, talk: Talk) -> None:
        talk.comes(saying="4711").sees("Siapa nama Anda?\n0 No name")

    def test_it_answers_one_question_only(self, talk: Talk) -> None:
        talk.comes(saying="ya").sees("ya, duduk di dalam?\n1 Di dalam\n2 Di luar")

    def test_it_counts_where_the_flow_starts_with_a_question(self, words: Catalogs, kitchen: Kitchen) -> None:
        talk = Talk(Engine(teahouse(start="name"), words, limit=160), kitchen)
        talk.comes(saying="Budi").sees(SEAT)

    def test_it_is_nothing_to_an_ending(self, talk: Talk) -> None:
        talk.kitchen.outcomes[Look] = Full()
        talk.comes(saying="Budi").sees("We are full.")
