"""The governor on the real ROS host: nodes are shed, and come back."""

from __future__ import annotations

from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticArray
from rclpy.qos import DurabilityPolicy, QoSProfile
from ros_graph import RosGraph

from sage_common.core.health import PressureLevel
from sage_common.ros.lockstep.host import LockstepHost
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import Cost
from sage_msgs.msg import ResourcePressure
from sage_msgs.srv import ForcePressure
from sage_orchestrator.nodes import governor_node
from sage_orchestrator.nodes.governor_node import GovernorNode

pytestmark = pytest.mark.distribution
MB = 2**20


class EncoderToy(SageNode):
    """Holds a model while it is active, and a cache that is too large."""

    default_name = "vision_encoder"

    def on_configure(self) -> None:
        self.cache_bytes, self.asked = 600 * MB, [0]
        self.reclaimable("cache", Cost.REFILL, lambda: self.cache_bytes, self.relieve)

    def relieve(self, level: int) -> None:
        self.asked.append(level)


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(governor_node, "PAUSE_NS", 1)
    monkeypatch.setattr(governor_node, "LOOK_S", 0.2)


def force(graph: RosGraph, level: int, duration_s: float) -> ForcePressure.Response:
    client = graph.outside.create_client(ForcePressure, "governor/force_level")
    graph.until(client.service_is_ready)
    asked = client.call_async(ForcePressure.Request(level=level, duration_s=duration_s))
    graph.until(asked.done)
    return asked.result()


def test_at_red_an_encoder_is_shed_and_returns_afterwards(
    ros_graph: RosGraph, quick: None, tmp_path: Path
) -> None:
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    heard = ros_graph.hear(ResourcePressure, "pressure", latched)
    encoder = ros_graph.start(EncoderToy, home=tmp_path).node
    governor = ros_graph.start(GovernorNode, home=tmp_path).node
    ros_graph.until(lambda: encoder.asked[-1] >= PressureLevel.YELLOW)  # 600 MB are too much
    ros_graph.until(lambda: governor._reading.method)
    assert force(ros_graph, PressureLevel.RED, 600.0).success
    ros_graph.until(lambda: not encoder.active)
    ros_graph.until(lambda: heard[-1].shed == ["vision_encoder"])
    told = heard[-1]
    assert (told.level, told.forced) == (PressureLevel.RED, True)
    assert told.reason.startswith("set by hand; read is ")
    assert told.cache_target_mb == 50.0 and "psi of the system" in told.method
    state = tmp_path / "state" / "governor.state"
    ros_graph.until(state.exists)  # or nobody would bring it back after a crash
    assert force(ros_graph, PressureLevel.GREEN, 0.0).success
    ros_graph.until(lambda: encoder.active)
    ros_graph.until(lambda: not heard[-1].shed)
    assert not heard[-1].forced
    answer = force(ros_graph, 9, 1.0)
    assert not answer.success and "level = 9" in answer.message
    assert governor._diagnostics.failures == 0


@pytest.mark.parametrize(
    ("name", "value"), [("MEMORY_PRESSURE_WRITE", "!!"), ("MEMORY_PRESSURE_WATCH", "/etc/passwd")]
)
def test_what_systemd_says_wrongly_is_its_health_and_it_governs(
    ros_graph: RosGraph, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setenv("MEMORY_PRESSURE_WATCH", "/proc/pressure/memory")
    monkeypatch.setenv(name, value)
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    heard = ros_graph.hear(ResourcePressure, "pressure", latched)
    said = ros_graph.hear(DiagnosticArray, "/diagnostics")
    ros_graph.start(GovernorNode, home=tmp_path)
    ros_graph.until(lambda: heard and f"{name} = '{value}': expected " in heard[-1].method)
    ros_graph.until(lambda: said and f"{name} = '{value}'" in said[-1].status[0].message)
    assert said[-1].status[0].level == b"\x01"
    assert force(ros_graph, PressureLevel.YELLOW, 60.0).success


def test_in_lock_step_only_what_is_forced_counts(tmp_path: Path) -> None:
    host = LockstepHost(home=tmp_path)
    host.add(GovernorNode)
    host.run_for(30.0)
    assert host.messages("pressure") == []
    request = ForcePressure.Request(level=PressureLevel.ORANGE, duration_s=5.0)
    assert host.call("governor/force_level", request).message == "orange for 5 s"
    host.run_for(10.0)
    assert [item.level for item in host.messages("pressure")] == [2, 0]
    host.close()


@pytest.mark.parametrize("value", ["abc", "-5", "nan", "inf"])
def test_with_a_wrong_target_it_governs_by_the_defaults_and_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("SAGE_CACHE_GREEN_MB", value)
    host = LockstepHost(home=tmp_path)
    host.add(GovernorNode)
    expected = f"SAGE_CACHE_GREEN_MB = '{value}': expected MB from 1 to 1e+06"
    assert any(expected in line.text for line in host.logs if line.level == "warning")
    for _ in range(2):  # before and after it says something
        host.run_for(2.0)
        arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
        (status,) = arrays[-1].status
        assert status.level == b"\x01" and expected in status.message
        host.call("governor/force_level", ForcePressure.Request(level=0, duration_s=1.0))
    assert host.messages("pressure")[-1].cache_target_mb == 500.0
    host.close()
