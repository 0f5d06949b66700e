"""A flow as a Mermaid state diagram."""

from __future__ import annotations

from typing import Any

from bot.conversation.flow import HERE, Aside, Ending, Flow, Listing, Menu, Question, Task, edges


def mermaid(flow: Flow[Any]) -> str:
    """The flow's states and roads as Mermaid text. A state says what it does: it asks, does or says; a branch nothing."""
    lines = ["stateDiagram-v2", f"    %% {flow.name}, version {flow.version}", f"    [*] --> {flow.start}"]
    for state in flow.states:
        kind = (
            "asks"
            if isinstance(state, Question | Menu | Listing)
            else "does"
            if isinstance(state, Task)
            else "says"
            if isinstance(state, Ending | Aside)
            else ""
        )
        if kind:
            lines.append(f"    {state.name}: {state.name} ({kind})")
    for source, target, label in dict.fromkeys(edges(flow)):
        goal = "SMS" if target == HERE else target
        lines.append(f"    {source} --> {goal}: {_plain(label)}")
    lines += [f"    {state.name} --> [*]" for state in flow.states if isinstance(state, Ending)]
    return "\n".join(lines)


def _plain(label: str) -> str:
    return label.replace("\n", " ").replace(":", " ").replace("{", "").replace("}", "").strip() or "goes on"
