"""Draws docs/images/salience_minute.svg: a minute of a stream, what happens, and who notices.

Run it in a checkout: `python scripts/pictures/salience_minute.py --data DIR`. It draws the minute
with the most kinds of events of the first stream of the test half; `--half development` is for
trying it out.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.baselines.forms import LARGEST_SIMPLE, baselines, raw_scores
from sage_bench.salience.streams.percepts import cache_folder, percepts_of
from sage_bench.salience.streams.schedule import DISAGREEMENT, MOTIONS, SIGHTS, WARM_UP_S, Event
from sage_bench.salience.streams.sources import DEVELOPMENT, TEST
from sage_bench.salience.streams.stream import streams
from sage_bench.salience.trace import FUSED, fuse, score

MINUTE_S = 60.0
STEP_S = 5.0
OURS = {FUSED: "fused salience", "surprise": "surprise", "novelty": "novelty",
        "arousal": "arousal", "conflict": "conflict"}  # fmt: skip
THEIRS = (LARGEST_SIMPLE, "isolation forest", "river half-space trees", "frame difference",
          "spectral flux")  # fmt: skip
LEFT_PX, TOP_PX, WIDTH_PX, ROW_PX, GAP_PX = 180, 74, 960, 44, 8
SOUND, SIGHT, MOTION, ODD = "#dbe8f8", "#ddf0dd", "#fbe6cf", "#eaddf3"
OWN_LINE, OTHER_LINE = "#123c69", "#777777"

Values = NDArray[np.float64]


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--half", choices=(DEVELOPMENT, TEST), default=TEST)
    parser.add_argument("--out", type=Path, default=Path("docs/images/salience_minute.svg"))
    options = parser.parse_args()
    stream = streams(options.half, options.data)[0]
    percepts = percepts_of(stream, options.models, cache_folder())
    ours = fuse(score(percepts)).scores
    others = baselines(raw_scores(stream, percepts, cache_folder()))
    lines = {label: ours[name] for name, label in OURS.items()}
    lines |= {name: scaled(others[name], percepts.times_s) for name in THEIRS}
    begin_s = busiest_minute_s(percepts.events, percepts.length_s)
    drawn = picture(percepts.times_s, lines, len(OURS), percepts.events, begin_s, stream.name)
    options.out.write_text(drawn, encoding="utf-8")


def busiest_minute_s(events: Sequence[Event], length_s: float) -> float:
    """Where the minute begins that holds the most families of whole events, after the warm-up."""

    def families(begin_s: float) -> int:
        whole = (e for e in events if begin_s < e.onset_s and e.end_s < begin_s + MINUTE_S)
        return len({event.family for event in whole})

    starts_s = np.arange(WARM_UP_S, length_s - MINUTE_S + STEP_S / 2, STEP_S)
    return float(max(starts_s, key=families))


def scaled(values: Values, times_s: Values) -> Values:
    """Other units on our scale: 1 is what 0.5 % of the stream exceeds after the warm-up."""
    most = float(np.quantile(values[times_s > WARM_UP_S], 0.995))
    return np.clip(values / most, 0.0, 1.0)


def picture(
    times_s: Values,
    lines: Mapping[str, Values],
    own: int,
    events: Sequence[Event],
    begin_s: float,
    name: str,
) -> str:
    """A minute from `begin_s` on as SVG.

    Args:
        times_s: ends of the ticks, float64 [T].
        lines: values at the ticks, float64 [T], each 0..1, by what is written beside them.
        own: how many of them, from the first on, are ours.
        events: of the stream.
        name: of the stream.
    """
    height_px = TOP_PX + len(lines) * (ROW_PX + GAP_PX) + 34
    shown = (times_s > begin_s) & (times_s <= begin_s + MINUTE_S)
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT_PX + WIDTH_PX + 16} '
        f'{height_px}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        _text(LEFT_PX, 16, f"One minute of the stream '{name}'", 'font-size="14"'),
        *_events(events, begin_s, height_px - 30),
    ]
    for row, (label, values) in enumerate(lines.items()):
        colour = OWN_LINE if row < own else OTHER_LINE
        top_px = TOP_PX + row * (ROW_PX + GAP_PX)
        drawn += _line(top_px, label, times_s[shown] - begin_s, values[shown], colour)
    drawn += _seconds(begin_s, height_px - 12)
    return "\n".join([*drawn, "</svg>", ""])


def _events(events: Sequence[Event], begin_s: float, bottom_px: float) -> Iterator[str]:
    inside = [e for e in events if begin_s <= e.onset_s < begin_s + MINUTE_S]
    for number, event in enumerate(inside):
        left_px = _x(event.onset_s - begin_s)
        right_px = _x(min(event.end_s - begin_s, MINUTE_S))
        yield (
            f'<rect x="{left_px:.1f}" y="{TOP_PX - 4}" width="{max(right_px - left_px, 2):.1f}" '
            f'height="{bottom_px - TOP_PX:.0f}" fill="{_tint(event.family)}"/>'
        )
        # Names of neighbours stand on different lines.
        yield _text(left_px, 34 + 14 * (number % 3), event.family)


def _tint(family: str) -> str:
    if family == DISAGREEMENT:
        return ODD
    return SIGHT if family in SIGHTS else MOTION if family in MOTIONS else SOUND


def _line(top_px: float, label: str, times_s: Values, values: Values, colour: str) -> Iterator[str]:
    bottom_px = top_px + ROW_PX
    points = " ".join(
        f"{_x(time_s):.1f},{bottom_px - value * ROW_PX:.1f}"
        for time_s, value in zip(times_s.tolist(), values.tolist(), strict=True)
    )
    yield _text(LEFT_PX - 8, bottom_px - ROW_PX / 2 + 4, label, 'text-anchor="end"')
    yield f'<path d="M{LEFT_PX} {bottom_px}h{WIDTH_PX}" stroke="#cccccc" stroke-width="0.5"/>'
    yield f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>'


def _seconds(begin_s: float, base_px: float) -> Iterator[str]:
    for second in range(0, round(MINUTE_S) + 1, 10):
        yield _text(_x(second), base_px, f"{begin_s + second:.0f} s", 'text-anchor="middle"')


def _x(second: float) -> float:
    return LEFT_PX + WIDTH_PX * second / MINUTE_S


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'.replace(" >", ">")


if __name__ == "__main__":
    main()
