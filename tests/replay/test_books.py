"""The books count what was seen, taken and reported, and the comparison finds every figure that is not theirs."""

from __future__ import annotations

from dataclasses import asdict

import pytest

from replay.books import BLAST, CLOSING, REPLY, TICKET, Books, Figures
from replay.dashboards import Difference, differences
from tests.replay.roster import phone, roster

ROSTER = roster()
#: A district's workers, and somebody of it with a phone of their own.
DISTRICT, SOMEBODY = "3273", 4
STRANGER_WITHOUT_PHONE, STRANGER_WITH_WRONG_PHONE = 98, 99


@pytest.fixture
def books() -> Books:
    return Books(ROSTER)


def whole(books: Books) -> dict[str, int]:
    return {name: count for name, count in asdict(books.whole()).items() if count}


EVERYBODY = {"target": 900, "with_phone": 891}


class TestPeople:
    def test_at_first_there_is_a_roster(self, books: Books) -> None:
        assert whole(books) == EVERYBODY
        assert books.figures()[DISTRICT] == Figures(target=300, with_phone=297)

    def test_whoever_dials_from_the_rosters_phone_has_answered(self, books: Books) -> None:
        books.saw(SOMEBODY, phone(SOMEBODY), "birth_date", 10.0)
        assert whole(books) == EVERYBODY | {"started": 1}

    def test_who_shares_a_phone_counts_when_it_is_known_who_they_are(self, books: Books) -> None:
        books.saw(1, phone(1), "birth_date", 10.0)
        assert whole(books) == EVERYBODY
        books.saw(1, phone(1), "confirm", 20.0)
        assert whole(books) == EVERYBODY | {"started": 1, "verified": 1}

    def test_the_way_to_a_ticket_and_back(self, books: Books) -> None:
        for moment, state in enumerate(("birth_date", "confirm", "screening", "offer", "ticket", "ticket")):
            books.saw(SOMEBODY, phone(SOMEBODY), state, float(moment))
        steps = {"started": 1, "verified": 1, "screened": 1}
        assert whole(books) == EVERYBODY | steps | {"registered": 1}
        assert books.figures()[DISTRICT].registered == 1
        books.saw(SOMEBODY, phone(SOMEBODY), "cancelled", 50.0)
        assert whole(books) == EVERYBODY | steps

    def test_who_was_shown_no_ticket_is_told(self, books: Books) -> None:
        books.saw(SOMEBODY, phone(SOMEBODY), "ticket", 1.0)
        assert books.without_ticket([SOMEBODY, 5, 6]) == [5, 6]

    def test_a_number_that_nobody_claims_becomes_theirs_who_prove_themselves(self, books: Books) -> None:
        own = ROSTER.workers[STRANGER_WITHOUT_PHONE].own
        books.saw(STRANGER_WITHOUT_PHONE, own, "confirm", 1.0)
        assert books.whole().with_phone == 892
        books.saw(STRANGER_WITH_WRONG_PHONE, ROSTER.workers[STRANGER_WITH_WRONG_PHONE].own, "confirm", 1.0)
        assert books.whole().with_phone == 892

    def test_who_is_on_no_list_is_written_down_apart(self, books: Books) -> None:
        books.saw(None, "+6283600009999", "enquiry_kept", 1.0)
        assert whole(books) == EVERYBODY
        assert books.summary()["enquiries"] == 1


class TestMessages:
    def test_a_message_invites_and_its_receipt_tells_the_rest(self, books: Books) -> None:
        arrived, failed = books.took(BLAST, phone(4)), books.took(BLAST, phone(5))
        assert whole(books) == EVERYBODY | {"invited": 2}
        books.reported(BLAST, arrived, delivered=True)
        books.reported(BLAST, failed, delivered=False)
        assert whole(books) == EVERYBODY | {"invited": 1, "delivered": 1, "silent": 1}
        assert books.summary()["messages"] == {"blast delivered": 1, "blast rejected": 1}
        books.saw(4, phone(4), "birth_date", 9.0)
        assert books.whole().silent == 0

    def test_those_who_share_a_phone_get_one_together(self, books: Books) -> None:
        assert books.took(BLAST, phone(1)) == 0
        assert books.oddities == []
        assert books.took(BLAST, phone(1)) is None
        assert len(books.oddities) == 1

    def test_a_reminder_is_of_whoever_is_half_way(self, books: Books) -> None:
        books.saw(0, phone(1), "ticket", 1.0)
        books.saw(1, phone(1), "confirm", 2.0)
        assert books.took(CLOSING, phone(1)) == 1

    def test_tickets_invite_nobody(self, books: Books) -> None:
        assert books.took(TICKET, phone(4)) is None
        assert whole(books) == EVERYBODY


class TestDigest:
    def play(self, *, registered_at: float = 30.0, replies: int = 1) -> str:
        books = Books(ROSTER)
        books.saw(SOMEBODY, phone(SOMEBODY), "ticket", registered_at)
        books.took(TICKET, phone(SOMEBODY))
        for _ in range(replies):
            books.took(REPLY, phone(5))
        return books.digest()

    def test_it_is_that_of_who_registered_when(self) -> None:
        assert self.play() == self.play()
        assert self.play(registered_at=31.0) != self.play()

    def test_how_often_somebody_was_answered_is_no_part_of_it(self) -> None:
        assert self.play(replies=3) == self.play()


class TestComparison:
    BOOKS = {"3171": Figures(target=10, registered=4), "3273": Figures(target=5)}  # noqa: RUF012 - never changed

    def told(self) -> dict[str, dict[str, int]]:
        return {place: asdict(figures) | {"places_left": 7} for place, figures in self.BOOKS.items()}

    def test_figures_that_are_the_books_agree(self) -> None:
        assert list(differences("API", self.BOOKS, self.told())) == []

    def test_every_wrong_figure_is_found(self) -> None:
        told = self.told()
        told["3171"]["registered"], told["3273"]["delivered"] = 3, 1
        assert list(differences("API", self.BOOKS, told)) == [
            Difference("API", "3171", "registered", 4, 3),
            Difference("API", "3273", "delivered", 0, 1),
        ]

    def test_a_place_that_is_missing_is_found(self) -> None:
        told = self.told()
        del told["3273"]
        assert list(differences("API", self.BOOKS, told)) == [Difference("API", "3273", "target", 5, 0)]

    def test_a_place_too_many_is_found(self) -> None:
        told = self.told() | {"9999": {"target": 1}}
        assert list(differences("API", self.BOOKS, told)) == [Difference("API", "9999", "target", 0, 1)]
