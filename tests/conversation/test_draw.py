"""A flow as a drawing: every state and every road is on it, in words that Mermaid can read."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

import pytest

from bot.conversation.draw import mermaid
from bot.conversation.flow import Branch, Flow, Menu, edges
from flows.memory import Campaign
from flows.registration import registration
from tests.conversation.teahouse import teahouse

_STATE = re.compile(r"    (\w+): \1 \((?:asks|does|says)\)")
_ROAD = re.compile(r"    (\w+|\[\*\]) --> (\w+|\[\*\])(?:: [^:{};\n]+)?")

FLOWS: list[Flow[Any]] = [teahouse(), registration(Campaign("*119#", "119", (18, 59)))]


@pytest.mark.parametrize("flow", FLOWS, ids=lambda flow: flow.name)
class TestEveryFlow:
    def test_every_line_is_one_that_mermaid_reads(self, flow: Flow[Any]) -> None:
        first, version, *lines = mermaid(flow).split("\n")
        assert (first, version) == ("stateDiagram-v2", f"    %% {flow.name}, version 1")
        assert [line for line in lines if not _STATE.fullmatch(line) and not _ROAD.fullmatch(line)] == []

    def test_every_state_is_there_and_can_be_reached(self, flow: Flow[Any]) -> None:
        lines = mermaid(flow).split("\n")
        roads = [found for found in map(_ROAD.fullmatch, lines) if found]
        reached, new = set[str](), {"[*]", "SMS"}
        while new:
            reached |= new
            new = {road[2] for road in roads if road[1] in reached} - reached
        assert set(flow.by_name) <= reached
        drawn = {found[1] for found in map(_STATE.fullmatch, lines) if found}
        assert drawn == {state.name for state in flow.states if not isinstance(state, Branch)}

    def test_no_road_is_left_out(self, flow: Flow[Any]) -> None:
        drawn = {(found[1], found[2]) for found in map(_ROAD.fullmatch, mermaid(flow).split("\n")) if found}
        assert {(source, target) for source, target, _ in edges(flow) if target != "@here"} <= drawn


def test_roads_tell_what_leads_along_them() -> None:
    drawing = mermaid(teahouse()).split("\n")
    for line in (
        "    [*] --> look",
        "    look --> who: Free",
        "    who --> seat: is regular",
        "    who --> name: otherwise",
        "    name --> seat: answer",
        "    name --> look: dials again",
        "    seat --> teas: Inside",
        "    teas --> card: row",
        "    teas --> seat: back",
        "    teas --> no_tea: nothing found",
        "    SMS --> help: HELP/TOLONG",
        "    speak --> SMS: Switched",
        "    served --> [*]",
    ):
        assert line in drawing


def test_messages_lose_what_mermaid_would_take_for_its_own() -> None:
    states: list[Any] = []
    for state in teahouse().states:
        if isinstance(state, Menu) and state.name == "gone":
            option = replace(state.options[0], label="{tea}:\nonce more?")
            states.append(replace(state, options=(option,)))
        else:
            states.append(state)
    assert "    gone --> teas: tea  once more?" in mermaid(teahouse(states=states)).split("\n")
