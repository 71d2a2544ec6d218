"""`sage state`: what it prints, and what it refuses; a whole graph is asked in tests/."""

from __future__ import annotations

import json
import re

import pytest

from sage.cli import main
from sage.commands.compute.state import state_lines, state_values
from sage.commands.options import forced_duration_s
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import MetabolicState, StateTransition

S = 1_000_000_000


def resting() -> MetabolicState:
    message = MetabolicState(
        state=MetabolicState.REST, reason="nothing salient for 30 s", since=to_stamp(100 * S),
        energy_reserve=0.5, energy_source="battery", charging=True, cycle_ms=500.0,
        budget_atp=1000.0, plugins=["*"], max_camera_rate_hz=5.0, learning=True,
    )  # fmt: skip
    message.header.stamp = to_stamp(160 * S)
    change = StateTransition(stamp=to_stamp(100 * S), previous=0, state=2, reason="quiet")
    message.transitions = [change]
    return message


def test_it_says_state_reason_energy_policy_and_transitions() -> None:
    lines = list(state_lines(resting()))
    assert lines[0] == "REST: nothing salient for 30 s"
    assert re.fullmatch(r"  since \d\d:\d\d:\d\d", lines[1])
    assert lines[2] == "  energy 50% by battery, charging"
    assert lines[3] == (
        "  policy: 1000 ATP a cycle of 500 ms, all plugins, camera 5 Hz at most, learns"
    )
    assert lines[4].endswith("WAKE -> REST: quiet")


def test_a_state_that_stays_and_an_orchestrator_that_is_not_active_are_said() -> None:
    message = resting()
    message.plugins = []
    message.transitions[0].previous = MetabolicState.REST
    lines = list(state_lines(message))
    assert lines[3] == "  policy: none, the orchestrator is not active: no plugin runs"
    assert lines[4].endswith("  stays REST: quiet")


def test_it_has_the_same_as_json() -> None:
    values = json.loads(json.dumps(state_values(resting())))
    assert values["state"] == "REST" and values["since_s"] == 100.0
    assert values["transitions"][0]["reason"] == "quiet"


@pytest.mark.parametrize(
    ("text", "value"),
    [("90", 90.0), ("30s", 30.0), ("10m", 600.0), ("1.5h", 5400.0), ("1d", 86400.0)],
)
def test_times(text: str, value: float) -> None:
    assert forced_duration_s(text) == value


@pytest.mark.parametrize("command", [["state", "set", "REST"], ["pressure", "red"]])
@pytest.mark.parametrize("text", ["", "nan", "-5m", "m", "0", "25h", "1e9h"])
def test_what_is_no_time_is_refused(
    command: list[str], text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit, match="2"):
        main([*command, "--for", text])
    expected = f"argument --for: {text!r}: expected a time such as 90, 30s, 10m or 2h, of a day"
    assert expected in capsys.readouterr().err


def test_without_a_graph_it_says_so(tmp_path, capsys) -> None:
    assert main(["state", "--home", str(tmp_path)]) != 0
    assert "sage run" in capsys.readouterr().err
