"""What rates a node expects of its inputs while the metabolic state slows the sensors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sage_common.core.health import InputHealth
from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful

if TYPE_CHECKING:
    from sage_common.ros.connections import Connections
    from sage_common.ros.gate import Gate

STREAMS = ("camera", "imu")


class ExpectedRates(Stateful):
    """Lowers the rates that inputs are expected to have to what their sensors are asked to keep to.

    Args:
        node: whose inputs they are.
    """

    _limits_hz: Transient[dict[str, float]]

    def __init__(self, node: Connections) -> None:
        self._node = node
        self._limits_hz = {}
        self._inputs: list[tuple[InputHealth, str, float]] = []

    def listen(self, gates: Sequence[Gate]) -> None:
        """Hear of the state, if an input comes from a sensor that it may slow."""
        self._limits_hz = {}
        self._inputs = [
            (gate.health, stream, gate.health.rate_hz)
            for gate in gates
            if gate.health.rate_hz > 0.0 and (stream := self._stream_of(gate)) in STREAMS
        ]
        if self._inputs:
            self._node.subscribe("state", self._on_state)

    def restored(self) -> None:
        self._apply()

    def _stream_of(self, gate: Gate) -> str:
        if gate.modality:
            return str(self._node.modality_specs[gate.modality].stream)
        return str(gate.spec.key.partition("/")[0])

    def _on_state(self, message: Any) -> None:
        limits_hz = {name: getattr(message, f"max_{name}_rate_hz") for name in STREAMS}
        if limits_hz != self._limits_hz:
            self._limits_hz = limits_hz
            self._apply()

    def _apply(self) -> None:
        for health, stream, nominal_hz in self._inputs:
            limit_hz = self._limits_hz.get(stream, 0.0)
            health.expect(min(nominal_hz, limit_hz) if limit_hz else nominal_hz)
