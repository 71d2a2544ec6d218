"""Draws docs/images/proprioception.svg: the layout of the puzzle, and a moment of a recorded walk.

Run it in a checkout: `python scripts/pictures/proprioception.py --data DIR`.
"""

from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core import body_layout as layout
from sage_encoders.core.joints import Joints
from sage_encoders.core.proprioception import ProprioceptionEncoder

Codes = NDArray[np.uint8]

WALK = Path("video/gopro_max_walk_imu.csv")
MOMENT_S = 6.0
PERCEPT_EVERY = 10
CELL_PX, LEFT_PX, TOP_PX, GAP_PX = 22, 76, 64, 40
SIDE_PX = 30 * CELL_PX
TIME_NAMES = {"past": "past (0.5 s ago)", "now": "now", "predicted": "predicted (in 0.2 s)"}


def main() -> None:
    """Write the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recordings")
    parser.add_argument("--out", type=Path, default=Path("docs/images/proprioception.svg"))
    options = parser.parse_args()
    options.out.write_text(picture(walk_codes(options.data)), encoding="utf-8")


def walk_codes(data: Path) -> Codes:
    """The puzzle [30, 30] of the walk's IMU after six seconds; no joints."""
    encoder, percept = ProprioceptionEncoder("imu", Joints()), None
    with (data / WALK).open(newline="") as stream:
        rows = [[float(cell) for cell in row] for row in list(csv.reader(stream))[1:]]
    for index, row in enumerate(row for row in rows if row[0] <= MOMENT_S):
        encoder.add_imu(1 + round(row[0] * 1e9), row[1:4], row[4:7], None)
        if index % PERCEPT_EVERY == PERCEPT_EVERY - 1:
            percept = encoder.percept()
    if percept is None:
        raise ValueError(f"{data / WALK}: fewer than {PERCEPT_EVERY} samples")
    return percept.codes


def slot_cells(time: int, part: int, slot: int) -> tuple[int, int]:
    """Row and first column of a slot, by encoding a body of which only that slot is known."""
    bodies = np.stack([layout.absent()] * len(layout.TIMES))
    bodies[time, part, slot] = layout.LIMITS[part, slot]
    rows, columns = np.nonzero(layout.encode_body(bodies))
    return int(rows[0]), int(columns[0])


def picture(codes: Codes) -> str:
    """The layout at the left and the puzzle `codes` at the right, as SVG."""
    second_px = LEFT_PX + SIDE_PX + GAP_PX
    width, height = second_px + SIDE_PX + 16, TOP_PX + SIDE_PX + 16
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        'font-family="sans-serif" font-size="11">',
        f'<rect width="{width}" height="{height}" fill="white"/>',
        *_frame(LEFT_PX, "What lies where"),
        *_layout_slots(),
        *_frame(second_px, f"The recorded walk after {MOMENT_S:.0f} s: an IMU alone"),
        *_puzzle_slots(codes, second_px),
    ]
    for row, part in enumerate(layout.PARTS):
        y = TOP_PX + (row + 0.5) * SIDE_PX / len(layout.PARTS)
        lines.append(_text(LEFT_PX - 8, y + 4, part, 'text-anchor="end" font-size="13"'))
    return "\n".join([*lines, "</svg>", ""])


def _slots() -> Iterator[tuple[int, int, int, int, int]]:
    """Time, part, slot, row and first column of every slot."""
    for time in range(len(layout.TIMES)):
        for part in range(len(layout.PARTS)):
            for slot in range(layout.SLOTS):
                yield (time, part, slot, *slot_cells(time, part, slot))


def _layout_slots() -> Iterator[str]:
    for _, part, slot, row, column in _slots():
        x, y = LEFT_PX + column * CELL_PX, TOP_PX + row * CELL_PX
        tint = "#e8eef7" if layout.ANGLES[part, slot] else "#f6efe2"
        yield _box(x, y, layout.CELLS * CELL_PX, tint, "#bbbbbb")
        yield _text(x + 4, y + 15, layout.SLOT_NAMES[part][slot])


def _puzzle_slots(codes: Codes, left_px: int) -> Iterator[str]:
    values = layout.decode_body(codes)
    for time, part, slot, row, column in _slots():
        x, y = left_px + column * CELL_PX, TOP_PX + row * CELL_PX
        for cell in range(layout.CELLS):
            code = int(codes[row, column + cell])
            yield _box(x + cell * CELL_PX, y, CELL_PX, _shade(code), "#dddddd")
        value = values[time, part, slot]
        if not np.isnan(value):
            text = f"{value:+.2f}".replace("-", "\N{MINUS SIGN}")
            yield _text(x + 4, y + 15, text, 'paint-order="stroke" stroke="white" stroke-width="3"')


def _frame(left_px: int, title: str) -> Iterator[str]:
    yield _text(left_px, 20, title, 'font-size="15" font-weight="bold"')
    block = SIDE_PX / len(layout.TIMES)
    for column, time in enumerate(layout.TIMES):
        middle = left_px + (column + 0.5) * block
        yield _text(middle, TOP_PX - 10, TIME_NAMES[time], 'text-anchor="middle" font-size="13"')


def _shade(code: int) -> str:
    """White for 0 to blue for 9."""
    level = code / 9
    red, green, blue = (round(255 + (dark - 255) * level) for dark in (60, 120, 190))
    return f"#{red:02x}{green:02x}{blue:02x}"


def _box(x: float, y: float, width: float, fill: str, stroke: str) -> str:
    return (
        f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{CELL_PX}" fill="{fill}" '
        f'stroke="{stroke}"/>'
    )


def _text(x: float, y: float, text: str, more: str = "") -> str:
    return f'<text x="{x:g}" y="{y:g}" {more}>{text}</text>'.replace(" >", ">")


if __name__ == "__main__":
    main()
