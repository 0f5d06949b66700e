"""The register of personal data and the schema say the same."""

from __future__ import annotations

import pytest

from bot.db.schema import metadata
from bot.privacy.columns import ABOUT, OF_NOBODY, OF_OFFICERS, WHOLE_LISTS


def test_every_table_has_its_place() -> None:
    groups = [set(ABOUT), WHOLE_LISTS, OF_OFFICERS, OF_NOBODY]
    placed = [name for group in groups for name in group]
    assert sorted(placed) == sorted(metadata.tables)


@pytest.mark.parametrize("name", sorted(ABOUT))
def test_every_column_of_a_table_about_people_has_its_place(name: str) -> None:
    columns = [column.name for column in metadata.tables[name].columns]
    assert sorted(ABOUT[name].columns) == sorted(columns)


@pytest.mark.parametrize("name", sorted(ABOUT))
def test_what_is_sealed_or_hashed_counts_as_personal(name: str) -> None:
    about = ABOUT[name]
    secret = {each for each in about.columns if each.endswith(("_sealed", "_hash")) and each != "request_hash"}
    assert secret <= set(about.personal)
    assert set(about.sealed) == {each for each in secret if each.endswith("_sealed")}


def test_nothing_that_names_a_person_hides_among_the_others() -> None:
    """Columns whose names tell of people stand in tables that are known to be about them."""
    telling = {"phone", "name", "nik_hash", "nik_sealed", "birth_date", "ticket", "text_sealed", "worker_id", "body"}
    for name in OF_NOBODY - {"district", "facility", "campaign_text", "figure_snapshot", "data_walk"}:
        assert not telling & {column.name for column in metadata.tables[name].columns}, name
