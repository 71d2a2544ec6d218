"""Sleeps until it is killed; run by test_killed_sleep.py in a process of its own.

Globals given by the test: FOLDER (of the store), FATAL_STEP (number of the step after which it
kills itself), and HELPER (path of sleep_home.py).
"""

from __future__ import annotations

import os
import runpy
import signal
from pathlib import Path

steps = 0


def progress(_share: float, _stage: str) -> None:
    """Count a step; after the fatal one there is nothing more."""
    global steps
    steps += 1
    if steps == FATAL_STEP:  # noqa: F821
        os.kill(os.getpid(), signal.SIGKILL)


if "FOLDER" in globals():
    home = runpy.run_path(HELPER)  # noqa: F821
    with home["opened"](Path(FOLDER)) as memory:  # noqa: F821
        memory.sleep(home["THOROUGH"], progress)
