"""Running the `sage` command as a user does, with a home folder of its own."""

from __future__ import annotations

import contextlib
import json
import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, Any

import psutil

SAGE = Path(sys.prefix, "bin", "sage")
PARENT_VARIABLE = "SAGE_PARENT_PID"
UP_TIMEOUT_S = 180.0
Start = Callable[..., subprocess.Popen[str]]


def environment(home: Path) -> dict[str, str]:
    """The environment of a user who has done nothing special, and a home folder for SAGE."""
    kept = {k: v for k, v in os.environ.items() if k != "ROS_DOMAIN_ID"}
    return {**kept, "SAGE_HOME": str(home)}


@contextlib.contextmanager
def starting(home: Path, errors: IO[str] | int = subprocess.PIPE) -> Iterator[Start]:
    """Start `sage WORDS` in process groups of their own, as often as one likes.

    What is still running at the end is killed. `errors` is where they write them.
    """
    started: list[subprocess.Popen[str]] = []

    def start(*words: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [str(SAGE), *words],
            env=environment(home),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,
        )
        started.append(process)
        return process

    try:
        yield start
    finally:
        for process in started:
            for child in processes_of(process.pid):
                child.kill()
            process.kill()
            process.communicate()


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


def experiences(home: Path) -> int:
    """How many the memory in the home folder has; 0 without one."""
    path = home / "memory.db"
    if not path.is_file():
        return 0
    with sqlite3.connect(f"file:{path}?mode=ro", uri=True) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM experiences").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def wait_until_up(home: Path) -> None:
    """Wait until the running graph keeps experiences: every stage of it works."""
    wait_until(lambda: experiences(home) > 0, UP_TIMEOUT_S, "first experience")
