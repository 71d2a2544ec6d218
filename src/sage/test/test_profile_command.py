"""sage profile: what processes take, and what nodes could give back."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from sage.cli import main
from sage.commands.compute.profile import profile
from sage_msgs.msg import ProcessMemory, ReclaimableMemory, ResourcePressure
from sage_msgs.srv import ListReclaimables

MB = 2**20


def answer(pid: int, *held: tuple[str, int, int]) -> ListReclaimables.Response:
    items = [
        ReclaimableMemory(
            name=name, cost="refill", held_bytes=size, peak_bytes=size, kept_bytes=kept
        )
        for name, size, kept in held
    ]
    return ListReclaimables.Response(success=True, pid=pid, reclaimables=items)


def test_a_profile_names_each_process_and_each_thing_that_could_go() -> None:
    own = os.getpid()
    said = ResourcePressure(level=2, reason="some task stalls", method="psi of the system")
    said.processes = [ProcessMemory(name="container", pid=own, pss_mb=1.0)]
    gone = 2**22 + 1
    found = profile(
        said,
        {"memory": answer(own, ("pictures", 6 * MB, MB)), "camera": answer(gone, ("slots", MB, 0))},
    )
    assert (found["level"], found["could_give_back_bytes"]) == ("orange", 6 * MB)
    processes = {item["name"]: item for item in found["processes"]}
    assert list(processes) == ["container", "camera"]
    assert processes["container"]["pss_bytes"] > 5 * MB
    assert processes["container"]["peak_rss_bytes"] > processes["container"]["pss_bytes"] / 2
    assert processes["container"]["could_give_back_bytes"] == 5 * MB
    assert processes["camera"]["pss_bytes"] == 0, "its process has ended"
    assert [item["node"] for item in found["reclaimables"]] == ["camera", "memory"]
    json.dumps(found)


def test_without_a_graph_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["profile", "--home", str(tmp_path)]) != 0
    assert "expected a running graph: sage run" in capsys.readouterr().err
