"""Processes of a whole graph are killed, stopped and made to hang: only they are restarted."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import graph_command
import pytest

pytestmark = [pytest.mark.graph, pytest.mark.slow]
TIMEOUT_S = 400.0


def test_what_is_killed_stopped_or_hangs_comes_back_alone_and_a_crash_loop_is_quarantined(
    home: Path,
) -> None:
    ran = subprocess.run(
        [sys.executable, str(Path(__file__).with_name("supervised_graph.py")), str(home)],
        env={**graph_command.environment(home), "AMENT_PREFIX_PATH": sys.prefix},
        capture_output=True,
        text=True,
        check=False,
        timeout=TIMEOUT_S,
    )
    assert ran.returncode == 0, ran.stderr
    told = graph_command.summary(ran.stdout)
    ends = [(outage["process"], outage["cause"]) for outage in told["outages"]]
    assert [process for process, _ in ends] == [
        "language_encoder", "hanging", "language_encoder", "hanging", "memory",
    ], ran.stderr  # fmt: skip
    killed, stuck, stopped, held, lost = (cause for _, cause in ends)
    assert (killed, lost) == ("killed by SIGKILL", "killed by SIGKILL")
    assert "a callback does not end" in stuck and "quarantined" not in stuck
    assert "stopped by a signal" in stopped and "quarantined: it ended 2 times" in stopped
    assert "nothing of it runs" in held and "quarantined: it ended 2 times" in held
    assert told["restarts"] == 3 and len(told["trials"]) == 5
    assert told["outages"][-1]["over"], "the memory is back"
    assert told["fused_after"] > 0, "the others go on"
    said = " ".join(cause["message"] for cause in told["causes"] if cause["level"] == "ended")
    assert said.count("quarantined") == 2
    assert "language_encoder" in told["diagnosed"][0] and "quarantined" in told["diagnosed"][0]
    assert told["starts_of_hanging"] == 2, "its state came back after it hung"
    assert told["segments"] > 0 and told["left"] == [], "what was killed leaves nothing"
