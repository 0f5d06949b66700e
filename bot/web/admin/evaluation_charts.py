"""What the charts of the evaluation draw, as options of ECharts: the hours after a blast, and the districts.

``rows`` of an option: so many rows stand in it, which its height is made for (``static/js/charts.js``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from bot.evaluation.blast_figures import HOURS
from bot.evaluation.blast_report import BlastReport
from bot.web.admin.words import say

_ACCENT, _PALE = "#0b6e69", "#9aa5a8"
#: Ends of an axis in percent.
_ENDS: Final = (5, 10, 20, 30, 40, 50, 60, 80, 100)
#: A chart with more districts than this goes on in a second part: beside the first, or below it on a phone.
_OF_ONE_PART: Final = 20
#: From this width on, in pixels, the parts stand side by side.
_WIDE: Final = 600


def hours_chart(reports: Sequence[BlastReport]) -> dict[str, Any]:
    """Answers and registrations of each hour after the blast; of two, the registrations."""
    last = max((hour for report in reports for hour in report.whole.hours), default=0)
    hours = range(min(HOURS, last + 1))
    if len(reports) == 1:
        named = [(say("Answers"), reports[0], 0, _PALE), (say("Registrations"), reports[0], 1, _ACCENT)]
    else:
        named = [(report.name, report, 1, colour) for report, colour in zip(reports, (_PALE, _ACCENT), strict=True)]
    names = [str(hour) for hour in hours]
    return {
        "grid": {"left": 6, "right": 20, "top": 44, "bottom": 6},
        "legend": {"top": 0, "left": 0},
        "tooltip": {"trigger": "axis"},
        "xAxis": _named(say("Hours since the blast began"), {"type": "category", "data": names}),
        "yAxis": _named(say("People"), {"type": "value", "minInterval": 1}),
        "series": [
            _bars(name, colour, [report.whole.hours.get(hour, (0, 0))[which] for hour in hours])
            for name, report, which, colour in named
        ],
    }


def districts_chart(report: BlastReport) -> dict[str, Any]:
    """The share that registered in each district, the largest first: a row for each, with its name and its figure."""
    shares = sorted(
        (
            (-round(100 * each.figures.counts.registered / each.figures.counts.invited, 1), each.name)
            for each in report.districts
            if each.figures.counts.invited
        ),
    )
    middle = len(shares) if len(shares) <= _OF_ONE_PART else (len(shares) + 1) // 2
    parts = [part for part in (shares[:middle], shares[middle:]) if part] or [[]]
    highest = max((-share for share, _ in shares), default=0.0)
    unit = say("Registered (% of those reached)")
    # A little more than the longest bar, for its figure.
    end = next((end for end in _ENDS if highest * 1.05 <= end), 100)
    chart: dict[str, Any] = {
        "rows": max(len(shares), 2),
        "tooltip": {"trigger": "axis", "axisPointer": {"type": "shadow"}},
        "grid": [{"outerBoundsMode": "same", "outerBoundsContain": "axisLabel"} for _ in parts],
        "xAxis": [
            _named(unit, {"type": "value", "gridIndex": place, "min": 0, "max": end, "nameGap": 20})
            for place in range(len(parts))
        ],
        "yAxis": [
            {
                "type": "category",
                "gridIndex": place,
                "inverse": True,
                "name": say("District"),
                "nameLocation": "start",
                "nameTextStyle": {"align": "right"},
                "data": [name for _, name in part],
                "axisLabel": {"interval": 0, "fontSize": 11},
                "axisTick": {"show": False},
            }
            for place, part in enumerate(parts)
        ],
        "series": [
            _bars(unit, _ACCENT, [-share for share, _ in part])
            | {
                "xAxisIndex": place,
                "yAxisIndex": place,
                "barWidth": "65%",
                "label": {"show": True, "position": "right", "fontSize": 11},
            }
            for place, part in enumerate(parts)
        ],
    }
    if len(parts) < 2:
        chart["grid"][0] |= {"left": 6, "right": 30, "top": 30, "bottom": 26}
        return chart
    beside = [{"left": 6, "right": "52%"}, {"left": "51%", "right": 30}]
    below = [{"top": 30, "bottom": "52%"}, {"top": "52%", "bottom": 26}]
    return chart | {
        "media": [
            {"query": {"minWidth": _WIDE}, "option": {"grid": [{**each, "top": 30, "bottom": 26} for each in beside]}},
            {"option": {"grid": [{**each, "left": 6, "right": 30} for each in below]}},
        ],
    }


def _named(name: str, axis: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "nameLocation": "middle", "nameGap": 14, "axisLabel": {"hideOverlap": True}, **axis}


def _bars(name: str, colour: str, counts: list[int] | list[float]) -> dict[str, Any]:
    return {"name": name, "type": "bar", "itemStyle": {"color": colour}, "data": counts}
