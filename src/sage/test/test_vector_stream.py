"""The vector stream that docs/salience.md adds with a few lines of YAML, in the described graph."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from std_msgs.msg import Float32MultiArray

from sage.graph.description import GraphOptions, describe
from sage_common.ros.container import node_class
from sage_common.ros.lockstep.host import LockstepHost

PAGE = Path(__file__).resolve().parents[3] / "docs" / "salience.md"
PERIOD_S = 0.02


@pytest.fixture
def host(tmp_path: Path) -> LockstepHost:
    """The graph of the page's file, all but what encodes and senses."""
    found = re.search(r"```yaml\n(/\*\*/graph:.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None
    config = tmp_path / "motor.yaml"
    config.write_text(found[1])
    made = LockstepHost(home=tmp_path / "home")
    for node in describe(GraphOptions(config=str(config))).nodes:
        if not node.kind.endswith(("encoder", "recording")):
            made.add(node_class(node.type.node_class), node.name, node.parameters)
    return made


def test_a_blocked_motor_is_what_matters_in_the_whole_graph(host: LockstepHost) -> None:
    assert "motor_current_scorer" in [node.name for node in host.nodes]
    noise = np.random.default_rng(0).normal(0.0, 0.02, 300)
    for current in [*(1.2 + noise), 4.8]:
        host.run_for(PERIOD_S)
        host.publish("vector", Float32MultiArray(data=[float(current)]), name="motor_current")
    host.run_for(0.0)
    fused = host.messages("fused_salience")
    assert len(fused) == 301
    assert np.mean([item.total for item in fused[100:-1]]) < 0.1
    assert fused[-1].total > 0.4
    assert fused[-1].dominant_modality == "motor_current"
    assert "motor_current: " in fused[-1].reason
    host.close()
    assert [line for line in host.logs if line.level in ("warning", "error")] == []
