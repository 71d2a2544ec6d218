"""How the processes of a graph are, in /diagnostics."""

from __future__ import annotations

import math

from sage.run.supervisor import Supervisor
from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import REPORT_PERIOD_S, SUPERVISOR
from sage_common.ros.diagnostics import DIAGNOSTICS, Diagnostics
from sage_common.ros.rclpy_host.host import RosHost


class SupervisorStatus:
    """Published as nodes report, and at once when a process has ended or is back.

    Error: a process is not started again. Warn: one is on its way back.

    Args:
        host: of the node that publishes it.
    """

    def __init__(self, host: RosHost) -> None:
        self._host = host
        self._output = host.make_publisher(DIAGNOSTICS, DIAGNOSTICS.name)
        self._diagnostics = Diagnostics()
        self._ended: tuple[Ended, ...] = ()
        self._next_s = 0.0

    def publish(self, supervisor: Supervisor, ended: tuple[Ended, ...], now_s: float) -> str:
        """Say it if it is due at `now_s` [s, monotonic]; in words."""
        level, words = _health(supervisor, ended)
        if now_s >= self._next_s or ended != self._ended:
            self._next_s = now_s + REPORT_PERIOD_S
            self._ended = ended
            self._diagnostics.set_health(level, words)
            restarts = {f"{c.name} restarts": c.restarts for c in supervisor.children}
            self._diagnostics.show(restarts)
            name = self._host.resolve(SUPERVISOR)
            now_ns = self._host.clock.now_ns()
            self._output.publish(self._diagnostics.message(name, now_ns, active=True))
        return words


def _health(supervisor: Supervisor, ended: tuple[Ended, ...]) -> tuple[str, str]:
    if not ended:
        return "ok", f"{len(supervisor.children)} processes run"
    words = "; ".join(f"{process.process}: {process.message}" for process in ended)
    lost = any(child.restart_at == math.inf for child in supervisor.children)
    return ("error" if lost else "warn"), f"degraded: {words}"
