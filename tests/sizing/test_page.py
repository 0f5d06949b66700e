"""``docs/scaling.md``: its tables are those that follow from what is kept beside it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bench.failure import BenchFailed
from sizing import page
from sizing.__main__ import sizing
from sizing.inputs import Inputs
from sizing.measured import keep, measured_of


def test_no_figure_of_its_tables_was_typed_by_hand() -> None:
    """Whoever changes an input, a formula or what is kept runs ``python -m sizing write``."""
    text = page.PAGE.read_text(encoding="utf-8")
    assert page.written(text, page.kept_measures(), Inputs()) == text


def test_a_page_without_a_place_for_them_is_left_alone() -> None:
    with pytest.raises(BenchFailed, match="has no"):
        page.written("# Scaling\n", page.kept_measures(), Inputs())


def test_another_price_changes_the_cost_alone() -> None:
    usual = CliRunner().invoke(sizing, ["show"]).stdout
    dearer = CliRunner().invoke(sizing, ["show", "--sms-price", "0.04"]).stdout
    changed = {line.split("|")[1].strip() for line in dearer.splitlines() if line not in usual.splitlines()}
    assert changed == {
        "`--sms-price`",
        "0.5 million, the first night",
        "1.4 million, all health workers",
        "17.4 million, public officers",
        "182 million, the country's target",
    }


def test_wrong_usage() -> None:
    assert CliRunner().invoke(sizing, ["show", "--busy", "0"]).exit_code == 2


class TestKeeping:
    def test_a_bench_that_has_not_run_is_named(self, tmp_path: Path) -> None:
        with pytest.raises(BenchFailed, match=r"sizes\.json is not there"):
            keep(tmp_path)

    def test_what_is_kept_of_a_bench_gives_the_same_figures(self, tmp_path: Path) -> None:
        """The benches' JSON as they write it, with more in it than is kept."""
        before = page.kept_measures()
        for name, one in before.items():
            stored = dict(one) | {"errors": {}}
            if name == "hops":
                stored["hops"] = [{"cpu_us": each, "p50_ms": 1.0} for each in one["cpu_us"]]
            if name == "blast":
                stored["measured"] = [{"sent": sent | {"wrong": []}} for sent in one["sent"]]
            if name == "receipts":
                stored["common"] = {"work": one["work"]}
            (tmp_path / f"{name}.json").write_text(json.dumps(stored))
        assert keep(tmp_path) == before
        assert measured_of(keep(tmp_path)) == measured_of(before)

    def test_what_is_no_result_of_a_bench_is_not_kept(self, tmp_path: Path) -> None:
        for name in ("sizes", "hops", "blast"):
            (tmp_path / f"{name}.json").write_text("{}")
        with pytest.raises(KeyError):
            keep(tmp_path)
