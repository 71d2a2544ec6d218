"""The status `supervisor` in /diagnostics: ok, on its way back, or not started again."""

from __future__ import annotations

import math
from types import SimpleNamespace
from typing import Any

from sage.run.supervisor_status import SupervisorStatus
from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import REPORT_PERIOD_S

GONE = (Ended("camera", "its process ended (killed by SIGKILL)", ("camera",)),)


class Host:
    """Keeps what is published."""

    def __init__(self) -> None:
        self.sent: list[Any] = []
        self.clock = SimpleNamespace(now_ns=lambda: 1)

    def make_publisher(self, spec: Any, topic: str) -> Any:
        return SimpleNamespace(publish=lambda message: self.sent.append(message.status[0]))

    def resolve(self, name: str) -> str:
        return f"/sage/{name}"


def supervisor(restart_at: float | None) -> Any:
    children = [SimpleNamespace(name="camera", restarts=2, restart_at=restart_at)]
    return SimpleNamespace(children=children)


def test_it_is_published_as_nodes_report_and_at_once_when_it_changes() -> None:
    host = Host()
    status = SupervisorStatus(host)  # type: ignore[arg-type]
    for now_s in (100.0, 100.5, 99.95 + REPORT_PERIOD_S, 100.0 + REPORT_PERIOD_S):
        assert status.publish(supervisor(None), (), now_s) == "1 processes run"
    assert len(host.sent) == 2
    words = status.publish(supervisor(103.0), GONE, 100.1 + REPORT_PERIOD_S)
    assert words == "degraded: camera: its process ended (killed by SIGKILL)"
    status.publish(supervisor(math.inf), GONE, 100.2 + 2 * REPORT_PERIOD_S)
    assert [sent.level for sent in host.sent] == [b"\x00", b"\x00", b"\x01", b"\x02"]
    assert host.sent[-1].name == "/sage/supervisor" and host.sent[-1].message == words
    (restarts,) = host.sent[-1].values
    assert (restarts.key, restarts.value) == ("camera restarts", "2")
