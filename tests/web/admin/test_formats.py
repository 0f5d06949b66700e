"""Numbers are written as the reader's language has it."""

from __future__ import annotations

from decimal import Decimal

import pytest
from babel.numbers import format_decimal
from flask import Flask, g

from bot.web.admin.formats import number, share


@pytest.mark.parametrize("language", ["id", "en"])
@pytest.mark.parametrize("value", [0, 7, 999, 1_000, 71_204, 1_400_000, -1_234, 0.25, 1234.56, Decimal("98765.4")])
@pytest.mark.parametrize("places", [0, 1, 2])
def test_they_are_written_as_babel_would(language: str, value: float | Decimal, places: int) -> None:
    with Flask("tests").test_request_context():
        g.language = language
        form = f"#,##0{'.' + '0' * places if places else ''}"
        assert number(value, places) == format_decimal(Decimal(str(round(value, places))), format=form, locale=language)


def test_what_is_not_known_is_a_dash() -> None:
    with Flask("tests").test_request_context():
        g.language = "id"
        assert (number(None), share(1, 0), share(71_204, 500_000)) == ("–", "–", "14,2 %")
