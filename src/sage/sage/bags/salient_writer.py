"""Writes of all messages those around salient moments, with what came before and after."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from rclpy.serialization import deserialize_message

from sage.bags.metadata import OfferedQos
from sage.bags.ring import MessageRing, Waiting
from sage.bags.writer import BagWriter
from sage_common.core.clock import NS_PER_S, local_time
from sage_common.core.specs.registered_topics import registered_topic
from sage_common.ros.conversions.fused_totals import fused_alarms_per_hour
from sage_msgs.msg import FusedSalience
from sage_snarc.core.reason import as_rare_as

MOMENT = "sage.salient_moment"
"""Name of the metadata record of each moment in the MCAP file."""
# Topics are emptied one after another: a message may be written this much after a newer one.
LATENESS_NS = NS_PER_S


@dataclass(frozen=True)
class SalientMoment:
    """A stretch of the bag around salience.

    Attributes:
        start_ns, end_ns: what is in the bag [ns], both in it.
        peak_ns: when it was most salient [ns].
        total: fused salience then, [0, 1].
        alarms_per_hour: how often as much is said while nothing happens [1/h].
        modality: that contributed most.
        reason: in words.
        missing_ns: how much of what came before the ring no longer held [ns].
    """

    start_ns: int
    end_ns: int
    peak_ns: int
    total: float
    alarms_per_hour: float
    modality: str
    reason: str
    missing_ns: int = 0

    def in_words(self) -> str:
        """When, how salient, why, and how rare that is."""
        time = local_time(self.peak_ns, with_date=False)
        return f"{time}  {self.total:.2f}  {self.reason} ({as_rare_as(self.alarms_per_hour)})"

    def as_metadata(self) -> dict[str, str]:
        """The record in the MCAP file; times are those of the bag [ns]."""
        return {
            "start_ns": str(self.start_ns),
            "end_ns": str(self.end_ns),
            "peak_ns": str(self.peak_ns),
            "total": f"{self.total:.4f}",
            "alarms_per_hour": f"{self.alarms_per_hour:.4g}",
            "modality": self.modality,
            "reason": self.reason,
            "missing_ns": str(self.missing_ns),
        }


class SalientWriter:
    """Takes all messages as a `BagWriter` does, and writes those around salient moments.

    Salient is what is fused so rarely while nothing happens as was asked for. What comes before
    waits in memory; moments that touch become one. Topics whose last messages are kept for whoever
    comes later (transforms, formats, states) are written always, but those that repeat at a rate.

    Args:
        bag: what is written to.
        fused_topic: full name of the topic of fused salience, one of the topics that are written.
        false_alarms_per_hour: salient is what comes this often or less while nothing happens.
        before_ns, after_ns: how much is written before and after salience [ns].
        most_bytes: of memory for what may yet be written.

    Attributes:
        fused_topic: as given.
        moments: that have ended.
        offered_bytes, written_bytes: content of all messages, and of those that were written.
        unreadable: messages of fused salience that another version of SAGE defines otherwise.
    """

    def __init__(
        self,
        bag: BagWriter,
        fused_topic: str,
        false_alarms_per_hour: float,
        before_ns: int,
        after_ns: int,
        most_bytes: int,
    ) -> None:
        self.moments: list[SalientMoment] = []
        self.offered_bytes = self.written_bytes = self.unreadable = 0
        self._bag = bag
        self.fused_topic = fused_topic
        self._false_alarms_per_hour = false_alarms_per_hour
        self._before_ns, self._after_ns = before_ns, after_ns
        self._ring = MessageRing(before_ns + LATENESS_NS, most_bytes)
        self._always: set[str] = set()
        self._moment: SalientMoment | None = None
        self._newest_ns: dict[str, int] = {}

    def add_topic(self, name: str, type_name: str, qos: OfferedQos) -> None:
        """As `BagWriter.add_topic`."""
        self._bag.add_topic(name, type_name, qos)
        known = registered_topic(name, type_name)
        if qos.latched and not (known and known.spec.rate_hz):
            self._always.add(name)

    def write(self, name: str, time_ns: int, data: bytes, sent_ns: int | None = None) -> None:
        """Add one message, as `BagWriter.write`; it is in the bag, in memory, or forgotten.

        Raises:
            KeyError: the topic was not announced.
            OSError: the disk is full.
        """
        message = Waiting(name, time_ns, data, sent_ns)
        self.offered_bytes += len(data)
        self._look_at_clock(name, time_ns)
        if name == self.fused_topic:
            self._look_at_salience(time_ns, data)
        if name in self._always or (self._moment and time_ns <= self._moment.end_ns):
            self._put(message)
        else:
            self._ring.add(message)

    def close(self) -> None:
        """End what is open; what only waits is forgotten. The bag stays open."""
        newest_ns = max(self._newest_ns.values(), default=0)
        if self._moment is not None:
            self._end(min(self._moment.end_ns, newest_ns))
        self._ring.take_all()

    def _look_at_clock(self, name: str, time_ns: int) -> None:
        """End a moment that is over, and one whose clock was set back."""
        before_ns = self._newest_ns.get(name, time_ns)
        self._newest_ns[name] = time_ns
        if time_ns < before_ns - LATENESS_NS:
            self._newest_ns = {name: time_ns}
            self._ring.take_all()
            if self._moment is not None:
                self._end(min(self._moment.end_ns, before_ns))
        elif self._moment is not None and self._is_over(self._moment, time_ns):
            self._end(self._moment.end_ns)

    def _is_over(self, moment: SalientMoment, time_ns: int) -> bool:
        """Whether nothing that is salient from now on belongs to it."""
        return time_ns > moment.end_ns + self._before_ns + LATENESS_NS

    def _look_at_salience(self, time_ns: int, data: bytes) -> None:
        try:
            alarms_per_hour = fused_alarms_per_hour(data)
            if 0.0 < alarms_per_hour <= self._false_alarms_per_hour:
                self._begin_or_extend(time_ns, alarms_per_hour, data)
        except (IndexError, struct.error, RuntimeError):
            self.unreadable += 1

    def _begin_or_extend(self, time_ns: int, alarms_per_hour: float, data: bytes) -> None:
        """Write what the ring holds of the time before, and go on until some time after."""
        start_ns, end_ns = time_ns - self._before_ns, time_ns + self._after_ns
        if self._moment is not None and start_ns > self._moment.end_ns:
            self._end(self._moment.end_ns)
        moment = self._moment
        if moment is None or alarms_per_hour < moment.alarms_per_hour:
            fused = deserialize_message(data, FusedSalience)
            peak = (time_ns, fused.total, alarms_per_hour, fused.dominant_modality, fused.reason)
            if moment is None:
                moment = SalientMoment(start_ns, start_ns, *peak)
            else:
                moment = SalientMoment(moment.start_ns, moment.end_ns, *peak, moment.missing_ns)
        missing_ns = self._ring.missing_ns(max(moment.end_ns, start_ns))
        self._moment = replace(
            moment,
            end_ns=max(moment.end_ns, end_ns),
            missing_ns=moment.missing_ns + missing_ns,
        )
        for waiting in self._ring.take_all():
            if waiting.time_ns >= start_ns:
                self._put(waiting)

    def _end(self, end_ns: int) -> None:
        assert self._moment is not None
        ended = replace(self._moment, end_ns=end_ns)
        self.moments.append(ended)
        self._moment = None
        self._bag.add_metadata(MOMENT, ended.as_metadata())

    def _put(self, message: Waiting) -> None:
        self.written_bytes += len(message.data)
        self._bag.write(*message)
