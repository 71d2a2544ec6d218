"""What the set-up says while it runs: one can tell at any time what is running."""

from __future__ import annotations

import os
import re
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from environment.compilation import steps_done
from environment.progress import Progress, StepFailed

OUTPUT = """Processing ./src/sage_msgs
  Running command Building wheel for sage_msgs (pyproject.toml)
  *** Building project with Ninja...
"""
LONG_S = 3600.0


def lines(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return capsys.readouterr().err.splitlines()


def test_a_long_step_says_again_and_again_that_it_runs(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    asked = threading.Semaphore(0)
    counts = iter(("", "1 of 2 steps", "2 of 2 steps"))

    def how_far() -> str:
        asked.release()
        return next(counts, "2 of 2 steps")

    with Progress(tmp_path, every_s=0.01).step("compiling sage_msgs", how_far):
        for _ in range(4):  # the third is said once the fourth is asked for
            assert asked.acquire(timeout=60)
    said = [re.sub(r"[\d.]+ s\b", "N s", line) for line in lines(capsys)]
    assert said[:4] == [
        "set-up: compiling sage_msgs ...",
        "set-up: compiling sage_msgs: N s so far",
        "set-up: compiling sage_msgs: 1 of 2 steps, N s so far",
        "set-up: compiling sage_msgs: 2 of 2 steps, N s so far",
    ]
    assert said[-1] == "set-up: compiling sage_msgs: done in N s"


def test_the_end_of_a_step_names_what_is_still_running(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    progress = Progress(tmp_path, every_s=LONG_S)
    started, over = threading.Event(), threading.Event()

    def compile_messages() -> None:
        with progress.step("compiling sage_msgs"):
            started.set()
            assert over.wait(60)

    with ThreadPoolExecutor(1) as other:
        job = other.submit(compile_messages)
        assert started.wait(60)
        with progress.step("requirements (run)"):
            pass
        with pytest.raises(StepFailed), progress.step("requirements (test)"):
            raise StepFailed("no network")
        over.set()
    job.result()
    said = lines(capsys)
    assert said[2].startswith("set-up: requirements (run): done in ")
    assert said[2].endswith("; still running: compiling sage_msgs")
    assert said[4].startswith("set-up: requirements (test): failed after ")
    assert said[5].startswith("set-up: compiling sage_msgs: done in ") and "running" not in said[5]


def test_the_count_is_the_last_one_of_ninja(tmp_path: Path) -> None:
    log = tmp_path / "compilation.log"
    assert steps_done(log) == ""
    log.write_text(OUTPUT)
    assert steps_done(log) == ""
    with log.open("a") as more:
        more.write("  [119/224] Building C object b.c.o\n  [120/224] Building C object [1/3].o\n")
    assert steps_done(log) == "120 of 224 steps"


def test_what_a_failed_tool_printed_is_told(tmp_path: Path) -> None:
    progress = Progress(tmp_path, every_s=LONG_S)
    program = "import sys; print('no such package'); sys.exit(3)"
    with pytest.raises(StepFailed, match=r"no such package\n.*failed \(3\); all of its output: "):
        progress.run("pip", [sys.executable, "-c", program], dict(os.environ), tmp_path)
