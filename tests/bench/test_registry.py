"""What is said of each bench holds of all of them."""

from __future__ import annotations

import re
from dataclasses import is_dataclass

import click
import pytest
from click.testing import CliRunner

from bench.__main__ import bench
from bench.registry import BENCHES, GROWTH

EVERY = (*BENCHES, GROWTH)


def test_each_has_a_name_of_its_own_that_a_place_in_the_document_can_bear() -> None:
    names = [one.name for one in EVERY]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch("[a-z]+", name) for name in names)


def test_what_is_wanted_has_defaults_and_is_a_value() -> None:
    assert all(is_dataclass(one.wanted()) for one in EVERY)


@pytest.mark.parametrize("name", [one.name for one in EVERY])
def test_each_is_a_command_whose_options_are_those_it_wants(name: str) -> None:
    [one] = [one for one in EVERY if one.name == name]
    with click.Command(name, params=list(one.options)).make_context(name, []) as context:
        assert one.wanted(**context.params) == one.wanted()
    assert CliRunner().invoke(bench, (name, "--help")).exit_code == 0


def test_sizes_are_x1_x10_and_x100() -> None:
    growths = [one.growth for one in BENCHES if one.growth is not None]
    assert len(growths) >= 6
    for growth in growths:
        first, second, third = growth.sizes
        assert (second, third) == (10 * first, 100 * first), growth.of
        assert all(is_dataclass(growth.wanted(size)) for size in growth.sizes)
