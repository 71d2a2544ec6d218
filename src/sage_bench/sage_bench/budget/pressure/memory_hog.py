"""A process that takes memory at a rate, holds it, and reads a file that has no room beside it.

Usage: `python -m sage_bench.budget.pressure.memory_hog MB STEP_MB PERIOD_S SECONDS READ_MB_S FILE`:
takes STEP_MB every PERIOD_S, holds all for SECONDS and reads FILE again and again meanwhile, then
ends.
"""

from __future__ import annotations

import mmap
import sys
import time
from pathlib import Path

READ_STEP_MB = 4
MB = 2**20
PAGE = 4096


def main(
    total_mb: int, step_mb: int, period_s: float, hold_s: float, read_mb_s: float, path: Path
) -> None:
    """Take the memory, hold it, and read."""
    held = []
    began_s = time.monotonic()
    for step in range(total_mb // step_mb):
        time.sleep(max(began_s + step * period_s - time.monotonic(), 0.0))
        held.append(b"\xa5" * (step_mb * MB))
    end_s = time.monotonic() + hold_s
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        while time.monotonic() < end_s:
            read_s = time.monotonic()
            for begin in range(0, len(view), READ_STEP_MB * MB):
                sum(view[begin : begin + READ_STEP_MB * MB : PAGE])
                due_s = read_s + begin / MB / read_mb_s
                time.sleep(max(min(due_s, end_s) - time.monotonic(), 0.0))
                if time.monotonic() >= end_s:
                    break


if __name__ == "__main__":
    main(
        int(sys.argv[1]),
        int(sys.argv[2]),
        float(sys.argv[3]),
        float(sys.argv[4]),
        float(sys.argv[5]),
        Path(sys.argv[6]),
    )
