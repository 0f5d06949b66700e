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
from sizing.measured import Looks, ReceiptCpu, keep, measured_of
from sizing.tables import tables


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

    def test_receipts_and_looks_count_where_those_benches_have_run(self) -> None:
        before = page.kept_measures()
        assert measured_of({name: before[name] for name in ("sizes", "hops", "blast")}).receipt is None
        kept = before | {
            "receipts": {
                "work": [{"cpu_us": {"web": 200.0, "valkey": 9.0}}, {"cpu_us": {"workers": 30.0, "postgresql": 70.0}}]
            },
            "pages": {"figures": {"progress": [112, 1.0]}, "world": {"worker": 1_400_000}},
        }
        found = measured_of(kept)
        assert found.receipt == ReceiptCpu(web=200.0, workers=30.0, postgresql=70.0)
        assert found.looks == Looks(ms=112, people=1_400_000)
        head = {"at": "2026-01-01", "commit": "", "machine": before["hops"]["machine"]}
        text = tables(kept | {name: kept[name] | head for name in ("receipts", "pages")}, Inputs())
        assert "| CPU of a receipt: web, workers, PostgreSQL | 200 us, 30 us, 70 us | receipts |" in text
        assert "| a look at the figures, 1,400,000 people on the list | 112 ms | pages |" in text
        # 112 ms of 5 s with 1.4 million.
        assert "| figures every 5 s, counted by one worker | 62.5 million |" in text

    def test_what_is_no_result_of_a_bench_is_not_kept(self, tmp_path: Path) -> None:
        for name in ("sizes", "hops", "blast"):
            (tmp_path / f"{name}.json").write_text("{}")
        with pytest.raises(KeyError):
            keep(tmp_path)
