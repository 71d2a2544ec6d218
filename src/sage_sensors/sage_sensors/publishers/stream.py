"""What the streams of all sensors have in common: trust, rate, diagnostics."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar, Generic, Protocol, TypeVar

from std_msgs.msg import Header

from sage_common.core.diagnosis import stages
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.core.synthetic import SYNTHETIC, synthetic_frame
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.node import SageNode
from sage_sensors.core.monitor import SensorMonitor, SensorReport
from sage_sensors.core.rate_limit import RateLimit
from sage_sensors.core.samples import ABSENT, Stamped

# A sensor that is absent is stale, whatever its period would be.
ANY_PERIOD_S = 1.0


class Fingerprinted(Protocol):
    """A sample that can be compared with the one before."""

    def fingerprint(self) -> int: ...


T = TypeVar("T", bound=Fingerprinted)


class StreamPublisher(Stateful, ABC, Generic[T]):
    """Publishes the samples of one sensor and watches them.

    Args:
        node: the node that it publishes for.
        frame_id: TF frame of the sensor.
    """

    backend: State[str] = ""
    frame_id: State[str]
    rate_limit: State[RateLimit]
    _monitor: State[SensorMonitor]
    _period_s: State[float] = 0.0

    kind: ClassVar[str] = "sensor"
    stuck_after_s: ClassVar[float] = 1.0

    def __init__(self, node: SageNode, frame_id: str) -> None:
        self.node = node
        self.frame_id = frame_id
        self.rate_limit = RateLimit()
        self._monitor = SensorMonitor(0.0)
        self._sensing = node.timing(stages.sense(self.kind))

    def begin(self, backend: str, period_s: float) -> None:
        """A new source: its name for diagnostics, and its nominal period [s], 0 for events.

        Samples of the source `synthetic` get a frame that says so.
        """
        self.watch(backend, period_s)

    def watch(self, backend: str, period_s: float) -> None:
        """Watch a source from now on, as `begin` does; nothing is published before it has begun."""
        self.backend = backend
        self._period_s = period_s
        self._monitor = SensorMonitor(self._published_period_s, self.stuck_after_s)

    def absent(self, why: str) -> None:
        """There is no such sensor, and why."""
        self.watch(f"{ABSENT}: {why}", ANY_PERIOD_S)

    @property
    def is_absent(self) -> bool:
        """Whether there is no such sensor."""
        return self.backend.startswith(ABSENT)

    def limit_rate(self, max_rate_hz: float) -> None:
        """Publish at most so many samples a second from now on; 0: all."""
        if max_rate_hz != self.rate_limit.max_rate_hz:
            self.rate_limit.max_rate_hz = max_rate_hz
            self._monitor.expect(self._published_period_s)

    def deliver(self, sample: Stamped[T], chosen: bool = False) -> None:
        """Publish a sample with its capture time as stamp, unless fewer are wanted.

        Args:
            sample: what was captured.
            chosen: its source asked the rate limit before it made the sample.
        """
        if chosen or self.rate_limit.admits(sample.time_ns):
            self._monitor.observe(sample.time_ns, sample.value.fingerprint())
            self.send(sample.value, self.header(sample.time_ns))
            self._sensing.add(self.node.age_ns(sample.time_ns))

    def fault(self) -> None:
        """Note that the source could not be read."""
        self._monitor.fault()

    @abstractmethod
    def send(self, value: T, header: Header) -> None:
        """Publish one sample; each kind of sensor does this in its own way."""

    @property
    def _published_period_s(self) -> float:
        """Of what is left by the rate limit [s]; 0 for events."""
        limit_hz = self.rate_limit.max_rate_hz
        is_slowed = self._period_s > 0.0 and limit_hz > 0.0
        return max(self._period_s, 1.0 / limit_hz) if is_slowed else self._period_s

    @property
    def message_frame(self) -> str:
        """The TF frame of the messages; empty: there is no source (yet), or it has none."""
        if not self.backend or self.is_absent:
            return ""
        return synthetic_frame(self.frame_id) if self.backend == SYNTHETIC else self.frame_id

    def header(self, stamp_ns: int) -> Header:
        return Header(stamp=to_stamp(stamp_ns), frame_id=self.message_frame)

    def report(self, overruns: int = 0) -> SensorReport:
        """The sensor's state, also shown in the node's diagnostics."""
        report = self._monitor.report(self.node.clock.now_ns())
        shown: dict[str, Any] = {
            "backend": self.backend,
            "samples": report.samples,
            "rate_hz": f"{report.rate_hz:.2f}",
            "trust": f"{report.trust:.3f}",
            "consistency": f"{report.consistency:.3f}",
            "reliability": f"{report.reliability:.3f}",
            "stale": report.stale,
            "stuck": report.stuck,
            "overruns": overruns,
        }
        self.node.diagnose(**{f"{self.kind} {key}": value for key, value in shown.items()})
        return report
