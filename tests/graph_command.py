"""Running the `sage` command as a user does, with a home folder of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil

SAGE = Path(sys.prefix, "bin", "sage")
PARENT_VARIABLE = "SAGE_PARENT_PID"


def environment(home: Path) -> dict[str, str]:
    """The environment of a user who has done nothing special, and a home folder for SAGE."""
    kept = {k: v for k, v in os.environ.items() if k != "ROS_DOMAIN_ID"}
    return {**kept, "SAGE_HOME": str(home)}


def start(home: Path, *words: str) -> subprocess.Popen[str]:
    """Start `sage WORDS` in a process group of its own."""
    return subprocess.Popen(
        [str(SAGE), *words],
        env=environment(home),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def run(home: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """Run `sage WORDS` to its end."""
    return subprocess.run(
        [str(SAGE), *words],
        env=environment(home),
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )


def summary(output: str) -> dict[str, Any]:
    """The JSON object in the last line of the output."""
    found = json.loads(output.strip().splitlines()[-1])
    assert isinstance(found, dict)
    return found


def processes_of(pid: int) -> Iterator[psutil.Process]:
    """Processes that a `sage` command with this pid has started, wherever they are now."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(PARENT_VARIABLE) == str(pid):
                yield process
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
            continue


def wait_until(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    """Wait for a condition.

    Raises:
        TimeoutError: it did not come true.
    """
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {timeout_s:g} s")
        time.sleep(0.1)
