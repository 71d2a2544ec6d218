"""The gateway on the lock-step host, where nobody looks."""

from __future__ import annotations

import json
from pathlib import Path

from graph_messages import fused
from test_contract import check

from sage_common.ros.lockstep.host import LockstepHost
from sage_gateway.core.contract import answers, events
from sage_gateway.nodes.gateway_node import GatewayNode


def test_without_a_viewer_the_history_has_the_most_salient_of_each_second(tmp_path: Path) -> None:
    host = LockstepHost(home=tmp_path)
    node = host.add(GatewayNode)
    host.run_for(1.5)
    message = fused(host.clock.now_ns() / 1e9)
    message.total, message.reason = 0.7, "vision: 1"
    host.publish("salience_peak", message)
    host.run_for(0.1)
    points = node._feed.history.points
    assert (points[-1].total, points[-1].reason) == (0.7, "vision: 1")
    assert not node._feed._fused.newest, "all of it is subscribed for viewers only"
    host.close()


def test_in_lock_step_nothing_is_served(tmp_path: Path) -> None:
    host = LockstepHost(home=tmp_path)
    node = host.add(GatewayNode)
    host.run_for(3.0)
    assert node.active and node._site is None
    assert len(node._feed.history.points) >= 2
    check(answers.History, json.loads(json.dumps(node._requests.history(), default=vars)))
    assert not (tmp_path / "gateway_token").exists()
    check(events.Hello, json.loads(json.dumps(node._feed.hello(0), default=vars)))
    host.close()
