"""Asks the sensors of the graph to keep to a rate, by their own parameters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rcl_interfaces.msg import Parameter, ParameterType, ParameterValue
from rcl_interfaces.srv import SetParameters

from sage_common.core.clock import NS_PER_S
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode

ANSWER_TIMEOUT_S = 2.0
AGAIN_S = 10.0
"""A sensor that was started again has no limit: it is asked again."""


class SensorRates(Stateful):
    """Sets `max_camera_rate_hz` and `max_imu_rate_hz` of sensor nodes, on a worker.

    Args:
        node: the orchestrator's.
        sensors: of each sensor node, its name and the streams that it has: `recording camera imu`.
    """

    _wanted: Transient[dict[str, float]]
    _asked_ns: Transient[int] = 0
    _limited: Transient[bool] = False

    def __init__(self, node: SageNode, sensors: Sequence[str]) -> None:
        self._node = node
        self._streams = {name: streams for name, *streams in map(str.split, sensors)}
        self._wanted = {}
        self._worker = node.worker("sensor rates")

    def ask(self, camera_hz: float, imu_hz: float) -> None:
        """Ask all sensors; 0: no limit. What they answer is shown in /diagnostics."""
        self._wanted = {"camera": camera_hz, "imu": imu_hz}
        self._asked_ns = self._node.clock.now_ns()
        self._worker.submit(self._ask_all, dict(self._wanted))

    def assert_again(self) -> None:
        """Ask again from time to time, while there is a limit."""
        due = self._node.clock.now_ns() - self._asked_ns >= AGAIN_S * NS_PER_S
        if due and any(self._wanted.values()):
            self.ask(**{f"{stream}_hz": rate for stream, rate in self._wanted.items()})

    def restore(self) -> None:
        """No limit any more."""
        if self._limited:
            self._ask_all({"camera": 0.0, "imu": 0.0})

    def _ask_all(self, wanted: Mapping[str, float]) -> None:
        known = self._node.clients("~/set_parameters")
        clients = {path.rpartition("/")[2]: client for path, client in known.items()}
        refused, silent = [], []
        for name, streams in self._streams.items():
            if name not in clients:
                continue
            request = SetParameters.Request(parameters=[_parameter(s, wanted[s]) for s in streams])
            try:
                clients[name].wait(ANSWER_TIMEOUT_S)
                results = clients[name].call(request, ANSWER_TIMEOUT_S).results
            except ServiceUnavailable as error:
                silent.append(str(error))  # it is starting, or ending: it is asked again
                continue
            refused += [f"{name} refuses: {r.reason}" for r in results if not r.successful]
        self._limited = any(wanted.values())
        absent = [name for name in self._streams if name not in clients]
        self._node.diagnose(
            sensors_limited=", ".join(f"{s} {hz:g} Hz" for s, hz in wanted.items() if hz) or "no",
            sensors_absent=", ".join(absent) or "none",
            sensors_refusing="; ".join([*refused, *silent]) or "none",
        )
        if refused:
            text = "; ".join(refused)
            self._node.log.warning(f"sensor rates: {text}", throttle_s=60.0, key="sensor rates")


def _parameter(stream: str, rate_hz: float) -> Parameter:
    value = ParameterValue(type=ParameterType.PARAMETER_DOUBLE, double_value=rate_hz)
    return Parameter(name=f"max_{stream}_rate_hz", value=value)
