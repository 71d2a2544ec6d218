"""What the observer takes from messages, and what it leaves."""

from __future__ import annotations

from typing import Any

import pytest
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus

from sage.observe.latest import Latest
from sage.observe.observer_node import LISTENER, ObserverNode, RunObserver
from sage.observe.tally import Tally
from sage.story.standing_out import StandingOut
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.diagnostics import HARDWARE_ID
from sage_msgs.msg import FusedSalience, MetabolicState, Salience


def watching(kind: type[RunObserver] = ObserverNode) -> Any:
    """An observer without a host."""
    node = kind.__new__(kind)
    vars(node).update(
        tally=Tally(), latest=Latest(), standing_out=StandingOut(), _puzzle_healths=[]
    )
    return node


def test_a_command_that_listens_is_no_node_of_the_graph() -> None:
    node = watching()
    said = [
        DiagnosticStatus(name=f"/sage/{name}", level=DiagnosticStatus.WARN, hardware_id=HARDWARE_ID)
        for name in ("camera", f"{LISTENER}_4711")
    ]
    node._diagnostic(DiagnosticArray(status=said))
    assert list(node.latest.diagnostics) == list(node.latest.reported_s) == ["/sage/camera"]
    assert [cause.name for cause in node.latest.causes()] == ["camera"]


@pytest.mark.parametrize(("live", "counted"), [(("audio",), 0), (("audio", "vision"), 1)])
def test_word_that_there_is_no_picture_has_no_latency(live: tuple[str, ...], counted: int) -> None:
    node = watching()
    parts = [Salience(modality=name, valid=True) for name in live]
    message = FusedSalience(
        trigger_modality="vision", latency_ms=1.278, valid=True, modalities=parts
    )
    node._fused(message)
    assert node.tally.latency_ms.n == counted


@pytest.mark.parametrize("kind", [ObserverNode, RunObserver])
def test_the_time_in_each_state_is_counted_by_stamps(kind: type[RunObserver]) -> None:
    node = watching(kind)
    for second, state in ((100, 0), (103, 0), (110, 2), (108, None), (125, None), (126, 0)):
        kind = FusedSalience if state is None else MetabolicState
        message = kind() if state is None else kind(state=state)
        message.header.stamp = to_stamp(second * 1_000_000_000)
        take = node._fused if state is None else node._state
        take(message)
    counted = {"seconds": {"WAKE": 10.0, "REST": 16.0}, "transitions": 2}
    assert node.tally.summary()["states"] == counted
