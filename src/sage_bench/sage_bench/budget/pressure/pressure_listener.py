"""What comes of the governor while the graph runs, heard from outside."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from sage_common.core.health import PressureLevel
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.node import SageNode
from sage_msgs.srv import StoreExperience
from sage_orchestrator.core.pressure.levels import USED

STORE_S = 0.5


@dataclass
class Heard:
    """What came while the graph ran; times are monotonic [s].

    Attributes:
        levels: when each level of pressure was heard first, and why.
        latencies_ms: when each fused salience came, and its latency.
        held_mb: what caches and models hold, as the governor said it last [MB].
        given_mb: what has been given back so far, by node and thing [MB].
        stored: ids of the experiences that were acknowledged.
        called: when a level was called for, and which: its share of the limit was in use, or the
            kernel raised an event to the bench itself.
    """

    levels: list[tuple[float, PressureLevel, str]] = field(default_factory=list)
    latencies_ms: list[tuple[float, float]] = field(default_factory=list)
    held_mb: float = 0.0
    given_mb: dict[str, float] = field(default_factory=dict)
    stored: list[str] = field(default_factory=list)
    called: list[tuple[float, PressureLevel]] = field(default_factory=list)

    def call_at_share(self, used: float) -> None:
        """Note which levels a share of the limit in use [%] calls for."""
        known = [level for _, level in self.called]
        found = [level for level in USED if used >= USED[level] and level not in known]
        self.called += [(time.monotonic(), level) for level in found]

    def is_green_for(self, seconds: float) -> bool:
        """Whether the level has been green for so long."""
        if not self.levels:
            return True
        since_s, level, _ = self.levels[-1]
        return not level and time.monotonic() - since_s >= seconds

    def turns(self, since_s: float) -> int:
        """How often the level rose again after it had fallen, from a time on."""
        levels = [int(level) for at_s, level, _ in self.levels if at_s >= since_s]
        moves = np.sign(np.diff([0, *levels]))
        return int(np.sum((moves[:-1] < 0) & (moves[1:] > 0)))

    def reactions_ms(self) -> list[float]:
        """From each call for a higher level to that level, or a higher one; 0: it was foreseen."""
        found, highest = [], PressureLevel.GREEN
        for at_s, level in self.called:
            heard = [since_s for since_s, known, _ in self.levels if known >= level]
            if level > highest and heard:
                found.append(max(heard[0] - at_s, 0.0) * 1e3)
            highest = max(highest, level)
        return found

    def latencies_between(self, begin_s: float, end_s: float) -> list[float]:
        """Those that came in a time [ms]."""
        return [ms for at_s, ms in self.latencies_ms if begin_s <= at_s < end_s]


class PressureListener(SageNode):
    """Hears what the governor does, and stores a moment twice a second."""

    default_name = "pressure_listener"
    watches = True

    def on_configure(self) -> None:
        self.heard = Heard()
        self._storing = self.worker("store")
        self._store = self.client("memory/store")
        self.subscribe("pressure", self._on_pressure)
        self.subscribe("fused_salience", self._on_salience)
        self.subscribe_foreign(
            "/diagnostics", "diagnostic_msgs/msg/DiagnosticArray", self._on_status,
            stamp_checked=False,
        )  # fmt: skip
        self.timer(STORE_S, lambda: self._storing.submit(self._ask_to_store))

    def _on_pressure(self, message: Any) -> None:
        level = PressureLevel(message.level)
        self.heard.held_mb = message.optional_mb
        if not self.heard.levels or self.heard.levels[-1][1] != level:
            self.heard.levels.append((time.monotonic(), level, message.reason))

    def _on_salience(self, message: Any) -> None:
        if message.valid:
            self.heard.latencies_ms.append((time.monotonic(), message.latency_ms))

    def _on_status(self, message: Any) -> None:
        for status in message.status:
            for pair in status.values:
                if pair.key.startswith("given back: "):
                    self.heard.given_mb[f"{status.name} {pair.key}"] = float(pair.value)

    def _ask_to_store(self) -> None:
        try:
            answer = self._store.call(StoreExperience.Request(text="under pressure"), 2.0)
        except ServiceUnavailable:
            return
        if answer.success:
            self.heard.stored.append(answer.id)
