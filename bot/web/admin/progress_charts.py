"""What the charts of the first page draw, as options of ECharts.

A time axis is told the time of day as if it were UTC: the browser then writes it so, wherever it stands. A point's third
value, and its name, are what the reader is told of it, if that is not what is drawn.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from bot.daytime import zone_name
from bot.evaluation.outlook import Days, Outlook
from bot.web.admin.words import say

_ACCENT, _DEEP, _WARM, _PALE = "#0b6e69", "#08524e", "#8a4b04", "#9aa5a8"
#: More points than this are thinned out; no screen has room for them.
_MOST_POINTS: Final = 400
#: Letters of a blast's name that stand beside its line.
_LONGEST_NAME: Final = 30


def curve(outlook: Outlook, zone: ZoneInfo) -> dict[str, Any]:
    """Registered by then, the blasts, the end, and the forecast up to it."""
    # Before the first registration there is a day without any.
    known = outlook.curve.cumulative() or [(outlook.as_of - timedelta(days=1), 0), (outlook.as_of, 0)]
    points = [[_wall(moment, zone), count] for moment, count in _thinned(known)]
    series: list[dict[str, Any]] = [
        {
            "name": say("Registered"),
            "type": "line",
            "symbol": "none",
            "lineStyle": {"color": _ACCENT, "width": 3},
            "itemStyle": {"color": _ACCENT},
            "data": points,
            "markLine": _marks(outlook, zone),
        }
    ]
    told = outlook.forecast
    if told is not None and outlook.closes_at is not None:
        now, end = points[-1], _wall(outlook.closes_at, zone)
        here = now[1]
        band = {"type": "line", "stack": "forecast", "showSymbol": False, "lineStyle": {"opacity": 0}}
        series += [
            {
                **band,
                "name": say("Low"),
                "data": [now, [end, told.low]],
                "itemStyle": {"color": _PALE},
            },
            {
                **band,
                "name": say("Between low and high"),
                "data": [
                    {"name": say("High"), "value": [now[0], 0, here]},
                    {"name": say("High"), "value": [end, told.high - told.low, told.high]},
                ],
                "areaStyle": {"color": _ACCENT, "opacity": 0.18},
                "itemStyle": {"color": _ACCENT, "opacity": 0.4},
            },
            {
                "name": say("Expected"),
                "type": "line",
                "symbol": "none",
                "lineStyle": {"type": "dashed", "color": _DEEP, "width": 2},
                "itemStyle": {"color": _DEEP},
                "data": [[now[0], here], [end, told.expected]],
            },
        ]
    return _framed(
        series,
        {"type": "time", "name": say("Time ({zone})", zone=zone_name(zone.key))},
        say("Registered (people)"),
        shown=[say("Registered"), say("Expected"), {"name": say("Between low and high"), "icon": "roundRect"}]
        if told is not None
        else [],
    ) | {"useUTC": True}


def days(found: Days, zone: ZoneInfo) -> dict[str, Any]:
    """Registrations of each hour, today beside yesterday."""
    series = [
        {"name": say("Yesterday"), "type": "bar", "itemStyle": {"color": _PALE}, "data": list(found.yesterday)},
        {"name": say("Today"), "type": "bar", "itemStyle": {"color": _ACCENT}, "data": list(found.today)},
    ]
    axis = {
        "type": "category",
        "data": [f"{hour:02d}" for hour in range(24)],
        "name": say("Hour ({zone})", zone=zone_name(zone.key)),
    }
    return _framed(series, axis, say("Registrations (people)"), shown=[say("Yesterday"), say("Today")])


def _framed(
    series: list[dict[str, Any]], axis: dict[str, Any], unit: str, shown: Sequence[str | dict[str, str]]
) -> dict[str, Any]:
    return {
        # The chart makes room for labels and names by itself.
        "grid": {"left": 6, "right": 28, "top": 64 if len(shown) > 2 else 44 if shown else 16, "bottom": 6},
        "legend": {"show": bool(shown), "data": list(shown), "top": 0, "left": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": {"nameLocation": "middle", "nameGap": 14, "axisLabel": {"hideOverlap": True}, **axis},
        "yAxis": {
            "type": "value",
            "name": unit,
            "nameLocation": "middle",
            "nameGap": 8,
            "minInterval": 1,
        },
        "series": series,
    }


def _marks(outlook: Outlook, zone: ZoneInfo) -> dict[str, Any]:
    lines: list[dict[str, Any]] = [
        {
            "xAxis": _wall(blast.started_at, zone),
            "name": blast.name,
            # Braces would be read as places to fill in.
            "label": {"formatter": _shortened(blast.name.replace("{", "("))},
            "lineStyle": {"color": _WARM, "type": "solid"},
        }
        for blast in outlook.blasts
    ]
    near = outlook.closes_at is not None and (outlook.forecast is not None or outlook.is_closed)
    if outlook.closes_at is not None and near:
        lines.append(
            {
                "xAxis": _wall(outlook.closes_at, zone),
                "name": say("Closes"),
                "label": {"formatter": say("Closes"), "position": "end", "color": _DEEP},
                "lineStyle": {"color": _DEEP, "type": "dashed"},
            }
        )
    label = {
        "position": "insideEndBottom",
        "color": _WARM,
        "fontSize": 11,
        # A curve that passes behind a name leaves it readable.
        "backgroundColor": "rgba(255, 253, 250, 0.85)",
        "padding": 2,
    }
    return {"silent": True, "symbol": "none", "label": label, "data": lines}


def _shortened(name: str) -> str:
    return name if len(name) <= _LONGEST_NAME else name[: _LONGEST_NAME - 1].rstrip() + "…"


def _thinned(points: list[tuple[datetime, int]]) -> list[tuple[datetime, int]]:
    every = max(1, -(-len(points) // _MOST_POINTS))
    kept = points[::every]
    return kept if kept[-1] == points[-1] else [*kept, points[-1]]


def _wall(moment: datetime, zone: ZoneInfo) -> int:
    return int(moment.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000)
