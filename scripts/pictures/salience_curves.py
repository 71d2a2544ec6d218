"""Draws docs/images/salience_curves.svg: what repeats and what is calm, before and now.

Run it in a checkout: `python scripts/pictures/salience_curves.py --data DIR --record now` plays the
streams of the bench's section repetition, in a room of the development half, writes their totals
beside this file, and draws. `--record before`, with the scorers of another commit first in
PYTHONPATH, writes the others:

    git worktree add OLD 64a6d07
    PYTHONPATH=OLD/src/sage_snarc \\
        python scripts/pictures/salience_curves.py --data DIR --record before

Without `--record` it draws what was written; nothing while one of the two is missing.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import numpy as np

STORED = Path(__file__).with_suffix(".json")
BEFORE, NOW = "before", "now"
PIECE_S = 2.0
LEFT_PX, TOP_PX, WIDTH_PX, ROW_PX, GAP_PX = 250, 40, 900, 56, 14
COLOURS = {BEFORE: "#d08a3e", NOW: "#123c69"}
MINUTE_S = 60.0

Curves = Mapping[str, Sequence[float]]
"""The largest total of each 2 s, by the stream's name."""


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--record", choices=(BEFORE, NOW))
    parser.add_argument("--data", type=Path, help="folder of the recordings")
    parser.add_argument("--models", type=Path, default=Path("models"), help="folder of the models")
    parser.add_argument("--out", type=Path, default=Path("docs/images/salience_curves.svg"))
    options = parser.parse_args()
    stored = json.loads(STORED.read_text(encoding="utf-8")) if STORED.exists() else {}
    if options.record:
        stored[options.record] = recorded(options.data, options.models)
        STORED.write_text(json.dumps(stored, separators=(",", ":")) + "\n", encoding="utf-8")
    if stored.keys() >= {BEFORE, NOW}:
        options.out.write_text(picture(stored), encoding="utf-8")


def recorded(data: Path, models: Path) -> dict[str, list[float]]:
    """The curves of the scorers that are installed, or first in PYTHONPATH."""
    from sage_bench.encoders.section import Setting
    from sage_bench.salience.repetition import curves
    from sage_bench.salience.streams.sources import DEVELOPMENT

    found = curves(Setting(data, models, quick=False), DEVELOPMENT)
    return {name: pieces(curve.times_s, curve.totals) for name, curve in found.items()}


def pieces(times_s: np.ndarray, totals: np.ndarray) -> list[float]:
    """The largest total of each 2 s; 0 where there is none."""
    places = (times_s // PIECE_S).astype(int)
    largest = np.zeros(places.max() + 1)
    np.maximum.at(largest, places, totals)
    return [round(float(value), 3) for value in largest]


def picture(stored: Mapping[str, Curves]) -> str:
    """The curves of both as SVG."""
    names = list(stored[NOW])
    height_px = TOP_PX + len(names) * (ROW_PX + GAP_PX) + 30
    drawn = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {LEFT_PX + WIDTH_PX + 16} '
        f'{height_px}" font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        _text(LEFT_PX, 20, "before (64a6d07)", f'fill="{COLOURS[BEFORE]}"'),
        _text(LEFT_PX + 130, 20, "now", f'fill="{COLOURS[NOW]}"'),
    ]
    for row, name in enumerate(names):
        top_px = TOP_PX + row * (ROW_PX + GAP_PX)
        drawn += _row(top_px, name, {when: stored[when][name] for when in (BEFORE, NOW)})
    longest = max(len(curve) for curve in stored[NOW].values())
    for minute in range(0, int(longest * PIECE_S / MINUTE_S) + 1, 2):
        label = f"{minute} min"
        drawn.append(_text(_x(minute * MINUTE_S), height_px - 10, label, 'text-anchor="middle"'))
    return "\n".join([*drawn, "</svg>", ""])


def _row(top_px: float, name: str, curves: Curves) -> Iterator[str]:
    bottom_px = top_px + ROW_PX
    yield _text(LEFT_PX - 8, bottom_px - ROW_PX / 2 + 4, name, 'text-anchor="end"')
    for level in (0.0, 0.5, 1.0):
        y = bottom_px - level * ROW_PX
        yield f'<path d="M{LEFT_PX} {y:g}h{WIDTH_PX}" stroke="#cccccc" stroke-width="0.5"/>'
    for when, curve in curves.items():
        points = " ".join(
            f"{_x(place * PIECE_S):.1f},{bottom_px - value * ROW_PX:.1f}"
            for place, value in enumerate(curve)
        )
        style = f'fill="none" stroke="{COLOURS[when]}" stroke-width="1"'
        yield f'<polyline points="{points}" {style}/>'


def _x(second: float) -> float:
    return LEFT_PX + WIDTH_PX * second / (12.5 * MINUTE_S)


def _text(x: float, y: float, words: str, more: str = "") -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" {more}>{words}</text>'.replace(" >", ">")


if __name__ == "__main__":
    main()
