"""On a cluster all keys of a script lie in one slot: who writes a script says where it runs, and is tried there."""

from __future__ import annotations

import ast

import pytest

from bot.conversation.store import Store
from bot.redis_cluster import SLOTS, key_of, slot_of
from tests.sources import SOURCES

#: Tried on a real cluster in ``test_cluster``.
ON_A_CLUSTER = {"bot.conversation.store", "bot.web.admin.tries", "gateway_adapters.simulator"}
#: Of the queue's server, which is never a cluster.
OF_THE_QUEUE = {"bot.messaging.pacing", "bot.clockwork"}


def test_every_script_is_known() -> None:
    scripted = {
        module.name
        for module in SOURCES
        for node in module.nodes
        if (isinstance(node, ast.Attribute) and node.attr in {"register_script", "eval", "evalsha"})
        or (isinstance(node, ast.Constant) and node.value == "EVALSHA")
    }
    assert scripted - {"bot.redis_cluster"} == ON_A_CLUSTER | OF_THE_QUEUE


def test_keys_with_the_same_braces_lie_in_one_slot() -> None:
    """By the published example: the CRC16 of 123456789 is 0x31C3."""
    assert slot_of("123456789") == 0x31C3 % SLOTS
    assert slot_of(b"{123456789}:anything") == slot_of("else:{123456789}") == slot_of("123456789")
    names = {"tries:{sign-in}:name:sari", "tries:{sign-in}:address:10.0.0.1"}
    assert len({slot_of(name) for name in names}) == 1
    # Else a single digit of the number would decide, or all phones would lie together.
    assert len({slot_of(Store.key(f"+62812{number:07d}")) for number in range(1000)}) > 900


@pytest.mark.parametrize(
    ("command", "key"),
    [
        (("GET", "conv:{+62811}"), "conv:{+62811}"),
        (("EVALSHA", "sha", 1, "conv:{+62811}", "argument"), "conv:{+62811}"),
        (("eval", "return 1", 2, b"{a}1", b"{a}2"), b"{a}1"),
        (("PING",), None),
        (("SCRIPT LOAD", "return 1"), None),
    ],
)
def test_a_command_goes_by_its_first_key(command: tuple[object, ...], key: str | bytes | None) -> None:
    assert key_of(command) == key
