"""Which ends of processes no trial explains."""

from __future__ import annotations

import pytest

from sage.run.hang_detection import NO_TURN, STOPPED
from sage_bench.operate.supervision import without_reason
from sage_bench.operate.trials import KILL, STOP, Trial

TRIALS = [Trial(kind, "memory", 1.0, 1.1, 2.0) for kind in (KILL, STOP)]
STOPPED_END = f"hung: {STOPPED}: no heartbeat for 0.7 s: killed"


def ends(*causes: str) -> dict[str, list[dict[str, str]]]:
    return {"outages": [{"process": "memory", "cause": cause} for cause in causes]}


def test_each_trial_explains_one_end_of_its_kind() -> None:
    assert without_reason(ends("killed by SIGKILL", STOPPED_END), TRIALS) == []
    hung = f"hung: {NO_TURN}: no turn of its executor for 1.0 s: killed"
    found = without_reason(ends("killed by SIGKILL", hung, STOPPED_END), TRIALS)
    assert found == [f"memory ({hung})"]


@pytest.mark.parametrize("cause", ["killed by SIGKILL", "exit status 1"])
def test_an_end_without_a_trial_is_named(cause: str) -> None:
    assert without_reason(ends(cause), ()) == [f"memory ({cause})"]
