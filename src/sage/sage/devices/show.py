"""Findings on devices in the terminal: with a picture of each camera, and a bar of each sound."""

from __future__ import annotations

from pathlib import Path

from rich.console import Console
from rich.segment import Segments

from sage.devices.observation import DeviceFinding
from sage.recall.half_blocks import PICTURE_PX, half_blocks
from sage_memory.backends.payload_pictures import IMAGE, picture_of

INDENT = "      "
_BLOCKS = " ▁▂▃▄▅▆▇█"


def show(console: Console, finding: DeviceFinding) -> None:
    """Print what a device gave, below its finding."""
    if finding.levels:
        console.print(f"{INDENT}|{sparkline(finding.levels)}|", markup=False)
    if not finding.file:
        return
    console.print(f"{INDENT}written: {finding.file}", markup=False)
    if finding.file.endswith(".png"):
        picture = picture_of(IMAGE, Path(finding.file).read_bytes(), PICTURE_PX)
        assert picture is not None
        console.print(Segments(half_blocks(picture, INDENT)), end="")


def sparkline(levels: tuple[float, ...]) -> str:
    """A block for each level in 0..1, the higher the louder."""
    return "".join(_BLOCKS[round(level * (len(_BLOCKS) - 1))] for level in levels)
