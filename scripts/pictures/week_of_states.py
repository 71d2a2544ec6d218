"""Draws docs/images/week_of_states.svg: the metabolic states of a week, its battery and salience.

Run it in a checkout: `python scripts/pictures/week_of_states.py --data DIR --record` lives through
the week of `SAGE_BENCH_PARTS=states_week sage bench budget`, on the test half of the recordings,
writes what the picture shows beside this file, and draws. Without `--record` it draws what was
written.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sage_bench.budget.states.week import Week

STORED = Path(__file__).with_suffix(".json")
TICKS_A_COLUMN, COLUMNS = 9_000, 96
"""A column is a quarter of an hour."""
STATES = ("WAKE", "FOCUS", "REST", "DREAM", "CRISIS")
COLOURS = {
    "WAKE": "#8fbf8f", "FOCUS": "#d08a3e", "REST": "#c9d6e8", "DREAM": "#123c69",
    "CRISIS": "#b23a3a",
}  # fmt: skip
LEFT_PX, TOP_PX, COLUMN_PX, STATES_PX, LINE_PX, GAP_PX = 90, 44, 9, 44, 22, 12
MOST_ALARMS = 1000.0

Day = Mapping[str, Sequence[Any]]
"""By column: `shares` of each state, `battery`, and `alarms`, salient ticks an hour."""


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", action="store_true", help="live through the week")
    parser.add_argument("--data", type=Path, help="folder of the recordings")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--out", type=Path, default=Path("docs/images/week_of_states.svg"))
    options = parser.parse_args()
    if options.record:
        days = recorded(options.data, options.models)
        STORED.write_text(json.dumps(days, separators=(",", ":")) + "\n", encoding="utf-8")
    options.out.write_text(picture(json.loads(STORED.read_text(encoding="utf-8"))), "utf-8")


def recorded(data: Path, models: Path) -> dict[str, Day]:
    """The days of the week on the test half."""
    from sage_bench.budget.states.scenes import tracks
    from sage_bench.budget.states.week import Week
    from sage_bench.budget.states.week_plan import DAYS, WHOLE_DAY
    from sage_bench.encoders.section import Setting
    from sage_bench.salience.streams.sources import TEST

    return columns(Week.of(DAYS, WHOLE_DAY, tracks(Setting(data, models, quick=False), TEST)))


def columns(week: Week) -> dict[str, Day]:
    """What the picture shows, a quarter of an hour each."""
    from sage_orchestrator.state_parameters import TransitionParameters

    wakes = TransitionParameters().wake_alarms_per_hour
    found: dict[str, Day] = {}
    for planned, lived in zip(week.days, week.lived, strict=True):
        states = lived.states.reshape(-1, TICKS_A_COLUMN)
        shares = [(states == number).mean(axis=1) for number in range(len(STATES))]
        rare = (planned.alarms_per_hour <= wakes).reshape(-1, TICKS_A_COLUMN)
        found[planned.name] = {
            "shares": np.round(np.transpose(shares), 2).tolist(),
            "battery": np.round(lived.battery[TICKS_A_COLUMN - 1 :: TICKS_A_COLUMN], 2).tolist(),
            "alarms": (rare.sum(axis=1) * 4).tolist(),
        }
    return found


def picture(days: Mapping[str, Day]) -> str:
    """The days as SVG, one below the other."""
    row_px = STATES_PX + LINE_PX + GAP_PX
    width_px, height_px = LEFT_PX + COLUMNS * COLUMN_PX + 20, TOP_PX + len(days) * row_px + 20
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_px} {height_px}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        *_legend(),
    ]
    for number, (name, day) in enumerate(days.items()):
        drawn += _row(TOP_PX + number * row_px, name, day)
    for hour in range(0, 25, 3):
        x, y = LEFT_PX + hour * 4 * COLUMN_PX, height_px - 8
        drawn.append(f'<text x="{x}" y="{y}" text-anchor="middle">{hour} h</text>')
    return "\n".join([*drawn, "</svg>", ""])


def _legend() -> Iterator[str]:
    for number, state in enumerate(STATES):
        x = LEFT_PX + number * 90
        yield f'<rect x="{x}" y="14" width="12" height="12" fill="{COLOURS[state]}"/>'
        yield f'<text x="{x + 17}" y="24">{state}</text>'
    yield f'<path d="M{LEFT_PX + 460} 20h18" stroke="black" fill="none"/>'
    yield f'<text x="{LEFT_PX + 484}" y="24">battery, 0 to 100 %</text>'
    yield f'<rect x="{LEFT_PX + 630}" y="14" width="12" height="12" fill="#777777"/>'
    yield f'<text x="{LEFT_PX + 647}" y="24">what wakes, ticks an hour to {MOST_ALARMS:.0f}</text>'


def _row(top_px: int, name: str, day: Day) -> Iterator[str]:
    bottom_px = top_px + STATES_PX
    yield f'<text x="{LEFT_PX - 8}" y="{top_px + 26}" text-anchor="end">{name}</text>'
    below = np.cumsum(day["shares"], axis=1)
    for number, state in enumerate(STATES):
        bars = [
            (column, share * STATES_PX, bottom_px - below[column][number] * STATES_PX)
            for column, share in enumerate(np.array(day["shares"])[:, number].tolist())
            if share
        ]
        path = "".join(f"M{_x(c)} {y:.1f}h{COLUMN_PX}v{h:.1f}h-{COLUMN_PX}z" for c, h, y in bars)
        if path:
            yield f'<path class="{state}" d="{path}" fill="{COLOURS[state]}"/>'
    line = " ".join(f"{_x(c) + COLUMN_PX},{bottom_px - share * STATES_PX:.1f}"
                    for c, share in enumerate(day["battery"]))  # fmt: skip
    yield f'<polyline points="{line}" fill="none" stroke="black" stroke-width="1.2"/>'
    heights = [min(alarms / MOST_ALARMS, 1.0) * LINE_PX for alarms in day["alarms"]]
    path = "".join(f"M{_x(c)} {bottom_px + LINE_PX}v-{h:.1f}h{COLUMN_PX}v{h:.1f}z"
                   for c, h in enumerate(heights))  # fmt: skip
    yield f'<path class="salience" d="{path}" fill="#777777"/>'


def _x(column: int) -> int:
    return LEFT_PX + column * COLUMN_PX


if __name__ == "__main__":
    main()
