"""A process that takes memory at a rate, holds it, and reads a file that has no room beside it.

Usage: `python -m sage_bench.budget.memory_hog MB MB_PER_S SECONDS FILE`; it holds all for SECONDS
and reads FILE again and again meanwhile, then it ends.
"""

from __future__ import annotations

import mmap
import sys
import time
from pathlib import Path

STEP_MB = 4
MB = 2**20
PAGE = 4096


def main(total_mb: int, rate_mb_s: float, hold_s: float, path: Path) -> None:
    """Take the memory, hold it, and read."""
    held = []
    began_s = time.monotonic()
    for taken_mb in range(0, total_mb, STEP_MB):
        time.sleep(max(began_s + taken_mb / rate_mb_s - time.monotonic(), 0.0))
        held.append(b"\xa5" * (STEP_MB * MB))
    end_s = time.monotonic() + hold_s
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        while time.monotonic() < end_s:
            read_s = time.monotonic()
            for begin in range(0, len(view), STEP_MB * MB):
                sum(view[begin : begin + STEP_MB * MB : PAGE])
                due_s = read_s + begin / MB / rate_mb_s
                time.sleep(max(min(due_s, end_s) - time.monotonic(), 0.0))
                if time.monotonic() >= end_s:
                    break


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]), Path(sys.argv[4]))
