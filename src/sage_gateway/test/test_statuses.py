"""Reports of nodes are read no more often than somebody wants them."""

from __future__ import annotations

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus, KeyValue
from graph_messages import header
from rclpy.serialization import serialize_message

from sage_common.core.diagnosis.node_status import OK, WARN, NodeStatus
from sage_gateway.ros.statuses import NodeStatuses


def test_a_report_is_read_when_it_says_something_new_or_is_asked_for() -> None:
    heard: list[NodeStatus] = []
    read: list[DiagnosticStatus] = []
    statuses = NodeStatuses("/sage", heard.append, read.append)

    def say(level: int, message: str, value: str, name: str = "/sage/camera") -> None:
        status = DiagnosticStatus(name=name, hardware_id="sage", message=message)
        status.level, status.values = bytes([level]), [KeyValue(key="x received", value=value)]
        statuses.hear(serialize_message(DiagnosticArray(header=header(1.0), status=[status])))

    for number, (level, words) in enumerate([(0, "a"), (0, "a"), (1, "äb"), (1, "äb"), (0, "a")]):
        say(level, words, str(number))
    say(2, "no node of this graph", "", "/other/camera")
    assert [(s.level, s.message) for s in heard] == [
        (OK, "a"), (OK, "a"), (WARN, "äb"), (WARN, "äb"), (OK, "a"),
    ]  # fmt: skip
    assert all(s.inputs == ("x",) for s in heard)
    assert [s.values[0].value for s in read] == ["0", "2", "3", "4"]
    say(0, "a", "5")
    assert (
        [s.values[0].value for s in statuses.read()]
        == ["5"]
        == [s.values[0].value for s in read[4:]]
    )
    both = [DiagnosticStatus(name=f"/sage/{n}", hardware_id="sage", level=b"\0") for n in "bc"]
    statuses.hear(serialize_message(DiagnosticArray(status=both)))
    assert {s.name for s in statuses.read()} == {"/sage/camera", "/sage/b", "/sage/c"}
