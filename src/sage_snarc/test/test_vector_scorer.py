"""Bare vectors: the node on the lock-step host, and the class in a process without ROS."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
from std_msgs.msg import Float32MultiArray, MultiArrayDimension

from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_msgs.msg import Outcome, Salience
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.vector_scorer_node import VectorScorerNode

MS, S = 10**6, 10**9
T0 = DEFAULT_START_NS
PERIOD_NS = 20 * MS
CURRENT = {"modality": "motor_current"}
PAGE = Path(__file__).resolve().parents[3] / "docs" / "salience.md"
Health = Callable[[LockstepHost, str], tuple[str, str]]


def message(values: Iterable[float], *sizes: int) -> Float32MultiArray:
    made = Float32MultiArray(data=[float(value) for value in values])
    made.layout.dim = [MultiArrayDimension(size=size) for size in sizes]
    return made


def send(host: LockstepHost, item: Float32MultiArray) -> Salience:
    """Publish one vector 20 ms from now; what was said of it."""
    host.run_until(host.clock.now_ns() + PERIOD_NS)
    host.publish("vector", item, name="motor_current")
    host.run_until(host.clock.now_ns())
    return host.messages("salience", modality="motor_current")[-1]


def steady(count: int, seed: int = 0) -> list[list[float]]:
    """A motor at 1.2 A and 35 degC, with noise."""
    return np.random.default_rng(seed).normal((1.2, 35.0), (0.02, 0.1), (count, 2)).tolist()


def test_one_salience_for_each_vector_stamped_at_reception(host: LockstepHost) -> None:
    host.add(VectorScorerNode, parameters=CURRENT)
    for index, row in enumerate(steady(300)):
        said = send(host, message(row))
        assert stamp_ns(said.header.stamp) == T0 + (index + 1) * PERIOD_NS
        assert (said.modality, said.source) == ("motor_current", "motor_current")
        assert said.valid
        assert (said.grid_rows, said.grid_columns, len(said.grid)) == (0, 0, 0)
    assert len(host.messages("salience", modality="motor_current")) == 300
    quiet = [item.total for item in host.messages("salience", modality="motor_current")[100:]]
    assert np.mean(quiet) < 0.1
    stalled = send(host, message([4.8, 35.0]))
    assert stalled.total > 0.5
    assert stalled.total > max(quiet)
    assert stalled.reason.startswith("motor_current: ")


@pytest.mark.parametrize(
    ("wrong", "fault"),
    [
        (message([1.2]), "vector = '1 components': expected 2, as in the first sample"),
        (message([1.2, float("nan")]), "data = nan: expected finite numbers"),
        (message([float("inf"), 1.0]), "data = inf: expected finite numbers"),
        (message([1e30, 1.0]), "vector = 1"),
        (message([]), "data = '0 values': expected 1 to 65536"),
        (message([1.2, 35.0], 2, 3), "layout.dim = '2 x 3': expected sizes that multiply to 2"),
    ],
)
def test_a_wrong_vector_is_said_counted_and_nothing_else_is_lost(
    host: LockstepHost, health: Health, wrong: Float32MultiArray, fault: str
) -> None:
    undisturbed = LockstepHost(home=host.home)
    for each in (host, undisturbed):
        each.add(VectorScorerNode, parameters=CURRENT)
    rows = steady(60)
    for row in rows[:30]:
        assert send(host, message(row)) == send(undisturbed, message(row))
    said = send(host, wrong)
    undisturbed.run_until(host.clock.now_ns())
    assert (said.valid, said.total, said.reward) == (False, 0.0, 0.5)
    assert (said.modality, said.source) == ("motor_current", "motor_current")
    assert stamp_ns(said.header.stamp) == host.clock.now_ns()
    assert said.invalid_reason.startswith(fault)
    lines = [line.text for line in host.logs if line.level == "warning"]
    assert len(lines) == 1
    assert fault in lines[0]
    host.run_until(T0 + S)
    undisturbed.run_until(T0 + S)
    level, text = health(host, "vector_scorer")
    assert (level, text.startswith(fault)) == ("warn", True)
    rejected = diagnosed(host)["/sage/vector/motor_current rejected"]
    assert rejected == "1"
    for row in rows[30:]:
        assert send(host, message(row)) == send(undisturbed, message(row))
    host.run_until(T0 + 2 * S)
    assert health(host, "vector_scorer") == ("ok", "running")


def diagnosed(host: LockstepHost) -> dict[str, str]:
    newest = [item for item in host.outputs if item.topic == "/diagnostics"][-1]
    return {pair.key: pair.value for pair in newest.message().status[0].values}


def test_an_array_of_several_dimensions_is_taken_row_by_row(host: LockstepHost) -> None:
    flat = LockstepHost(home=host.home)
    for each in (host, flat):
        each.add(VectorScorerNode, parameters=CURRENT)
    for row in np.random.default_rng(1).normal(0.0, 1.0, (20, 6)):
        assert send(host, message(row, 2, 3)) == send(flat, message(row))


def test_silence_is_a_fault_only_where_the_user_says_so(host: LockstepHost, health: Health) -> None:
    host.add(VectorScorerNode, "events", CURRENT)
    host.add(VectorScorerNode, "sampled", {"modality": "heat", "stale_after_s": 1.0})
    for row in steady(5):
        host.publish("vector", message(row), name="heat")
        send(host, message(row))
    host.run_until(T0 + 5 * S)
    assert all(item.valid for item in host.messages("salience", modality="motor_current"))
    assert health(host, "events") == ("ok", "running")
    heat = host.messages("salience", modality="heat")
    assert [item.valid for item in heat[:5]] == [True] * 5
    assert (heat[-1].valid, heat[-1].total) == (False, 0.0)
    assert heat[-1].invalid_reason.startswith("no input for 4.")
    level, text = health(host, "sampled")
    assert (level, text[:15]) == ("warn", "no input for 4.")


def test_a_frozen_vector_warns_where_the_user_says_so(host: LockstepHost, health: Health) -> None:
    host.add(VectorScorerNode, "may_rest", CURRENT)
    host.add(VectorScorerNode, "has_noise", {**CURRENT, "frozen_after_s": 1.0})
    for row in steady(20) + [[0.0, 35.0]] * 100:
        send(host, message(row))
    assert health(host, "may_rest") == ("ok", "running")
    level, text = health(host, "has_noise")
    assert level == "warn"
    assert re.match(r"the same vector for 1\.\d s: ", text)


def test_learned_state_is_resumed(tmp_path: Path) -> None:
    rows = steady(60)
    whole = LockstepHost(home=tmp_path / "whole")
    whole.add(VectorScorerNode, parameters=CURRENT)
    first = LockstepHost(home=tmp_path / "parts")
    first.add(VectorScorerNode, parameters=CURRENT)
    for row in rows[:30]:
        assert send(first, message(row)) == send(whole, message(row))
    first.close()
    second = LockstepHost(home=tmp_path / "parts", start_ns=first.clock.now_ns())
    second.add(VectorScorerNode, parameters=CURRENT)
    for row in rows[30:]:
        assert send(second, message(row)) == send(whole, message(row))


def test_outcomes_teach(host: LockstepHost) -> None:
    host.add(VectorScorerNode, parameters=CURRENT)
    good, bad = [1.0, 0.0], [0.0, 5.0]
    for row in [good, bad] * 5:
        send(host, message(row))
    for reward, stamp in ((1.0, T0 + PERIOD_NS), (-1.0, T0 + 2 * PERIOD_NS)):
        outcome = Outcome(reward=reward, start=to_stamp(stamp), end=to_stamp(stamp))
        outcome.header.stamp = to_stamp(host.clock.now_ns())
        host.publish("outcome", outcome)
    assert send(host, message(good)).reward > 0.7
    assert send(host, message(bad)).reward < 0.3


def test_a_vector_stream_is_fused_with_the_others(host: LockstepHost) -> None:
    host.add(VectorScorerNode, parameters=CURRENT)
    host.add(FusionNode, parameters={"modalities": ["vision", "motor_current"]})
    for row in steady(200):
        send(host, message(row))
        seen = Salience(modality="vision", total=0.05, reward=0.5, valid=True)
        seen.alarms_per_hour = 3600.0
        seen.header.stamp = to_stamp(host.clock.now_ns())
        host.publish("salience", seen, modality="vision")
    quiet = host.messages("fused_salience")[-1]
    assert [item.modality for item in quiet.modalities] == ["motor_current", "vision"]
    assert quiet.total < 0.2
    send(host, message([4.8, 35.0]))
    fused = host.messages("fused_salience")[-1]
    assert fused.dominant_modality == "motor_current"
    assert fused.total > 0.4
    assert fused.reason.startswith("motor_current: ")


WITHOUT_ROS = """
import doctest, sys

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in {"rclpy", "sage_msgs", "std_msgs", "builtin_interfaces"}:
            raise ModuleNotFoundError(f"{name} is not installed here", name=name)

sys.meta_path.insert(0, Absent())
for name in ("rclpy", "sage_msgs"):
    try:
        __import__(name)
    except ModuleNotFoundError:
        continue
    sys.exit(f"{name} is not blocked")
failed, tried = doctest.testfile(sys.argv[1], module_relative=False)
sys.exit(f"{failed} of {tried} examples failed" if failed or not tried else 0)
"""


def test_the_class_runs_without_ros_as_the_page_says(tmp_path: Path) -> None:
    command = [sys.executable, "-c", WITHOUT_ROS, str(PAGE)]
    ran = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
