"""A node that asks a running graph what it takes."""

from __future__ import annotations

import time
from typing import Any

from sage_common.core.diagnosis.stages import read_timings
from sage_common.core.diagnosis.timing import TimingFacts
from sage_common.ros.node import SageNode
from sage_common.ros.pressure import LIST_RECLAIMABLES
from sage_msgs.msg import ResourcePressure
from sage_msgs.srv import ListReclaimables
from sage_orchestrator.nodes.governed_nodes import LIST_TIMEOUT_S

DISCOVERY_TIMEOUT_S, SETTLED_S, POLL_S = 20.0, 1.5, 0.05


class ProfilerNode(SageNode):
    """Asks every node what it could give back, and hears how long its stages take."""

    default_name = "profiler"
    watches = True

    def on_configure(self) -> None:
        self.pressure: ResourcePressure | None = None
        self._statuses: dict[str, Any] = {}
        self.subscribe("pressure", self._on_pressure)
        self.subscribe_foreign(
            "/diagnostics",
            "diagnostic_msgs/msg/DiagnosticArray",
            self._on_diagnostics,
            stamp_checked=False,
        )

    def _on_pressure(self, message: ResourcePressure) -> None:
        self.pressure = message

    def _on_diagnostics(self, message: Any) -> None:
        self._statuses.update({status.name: status for status in message.status})

    def timings(self) -> dict[str, TimingFacts]:
        """How long stages take, as nodes have reported by now."""
        return read_timings(list(self._statuses.values()))

    def ask(self) -> dict[str, ListReclaimables.Response]:
        """What each node answers, by its name; nodes are found one after another."""
        since_s = time.monotonic()
        end_s, found = since_s + DISCOVERY_TIMEOUT_S, 0
        while time.monotonic() < end_s:
            count = len(self.clients(LIST_RECLAIMABLES)) + (self.pressure is not None)
            if count != found:
                found, since_s = count, time.monotonic()
            if found and self.pressure and time.monotonic() > since_s + SETTLED_S:
                break
            time.sleep(POLL_S)
        answers = {
            name.rpartition("/")[2]: client.call(ListReclaimables.Request(), LIST_TIMEOUT_S)
            for name, client in self.clients(LIST_RECLAIMABLES).items()
        }
        return {name: answer for name, answer in answers.items() if answer.success}
