"""`sage pressure`: what it prints, and what it refuses; a whole graph is asked in tests/."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sage.cli import main
from sage.commands.compute.pressure import pressure_lines, pressure_values
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import ResourcePressure

S = 1_000_000_000


def shedding() -> ResourcePressure:
    message = ResourcePressure(
        level=ResourcePressure.RED, reason="set by hand; read is green: no stalls", forced=True,
        forced_until=to_stamp(160 * S), method="psi of the system", some_avg10=0.5,
        full_avg10=-1.0, available_mb=900.0, shed=["vision_encoder"],
    )  # fmt: skip
    message.header.stamp = to_stamp(100 * S)
    return message


def test_it_says_level_reason_and_method() -> None:
    assert list(pressure_lines(shedding())) == [
        "red: set by hand; read is green: no stalls",
        "  set by hand, for 60 s more",
        "  method: psi of the system",
        "  shed: vision_encoder",
    ]
    calm = ResourcePressure(reason="no stalls", method="psi of the system")
    assert list(pressure_lines(calm)) == ["green: no stalls", "  method: psi of the system"]


def test_it_has_the_same_as_json() -> None:
    values = json.loads(json.dumps(pressure_values(shedding()), allow_nan=False))
    assert values["level"] == "red" and values["forced_until_s"] == 160.0
    assert values["some_avg10"] == 0.5 and values["full_avg10"] is None
    assert pressure_values(ResourcePressure())["forced_until_s"] is None


def test_another_level_is_refused_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pressure", "purple", "--home", str(tmp_path)]) == 2
    expected = "expected one of green, yellow, orange, red, critical, auto"
    assert capsys.readouterr().err == f"sage pressure: level = 'purple': {expected}\n"


@pytest.mark.parametrize("level", [["auto"], ["AUTO"], []])
def test_a_time_without_a_level_to_set_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], level: list[str]
) -> None:
    assert main(["pressure", *level, "--for", "5m", "--home", str(tmp_path)]) == 2
    expected = "sage pressure: --for = '300 s': expected a level that lasts so long\n"
    assert capsys.readouterr().err == expected


def test_a_level_is_one_in_capitals_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pressure", "RED", "--home", str(tmp_path)]) == 2
    assert "a running graph" in capsys.readouterr().err


def test_without_a_graph_it_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["pressure", "--home", str(tmp_path)]) == 2
    assert "sage run" in capsys.readouterr().err
