"""What hands a payload over, as a bench sees it: one side sends, the other receives."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True)
class Arrival:
    """A payload that came: when it was committed, and when its two ends had been looked at."""

    stamp_ns: int
    seen_ns: int

    @property
    def latency_us(self) -> float:
        return (self.seen_ns - self.stamp_ns) / 1000


class Sender(Protocol):
    """The sending side."""

    def wait_for(self, receivers: int) -> None:
        """Return once so many receivers are there.

        Raises:
            RuntimeError: they did not come in time.
        """

    def fill(self, value: int) -> None:
        """Get a payload ready in memory that the transport can send, and write all its bytes."""

    def commit(self, stamp_ns: int) -> None:
        """Hand the payload over; `stamp_ns` travels with it."""

    def close(self) -> None:
        """Let go of everything."""


class Receiver(Protocol):
    """The receiving side."""

    def poll(self) -> Arrival | None:
        """The next payload, once its first and last byte were looked at; None: nothing came."""

    def wait(self, timeout_s: float) -> None:
        """Sleep until there may be something, or the time is over."""

    def close(self) -> None:
        """Let go of everything."""


class Transport(Protocol):
    """A way of handing payloads over between processes of this host.

    Attributes:
        name: as it stands in tables.
        has_threads: whether it works in threads of its own, which need a core, too.
        can_sleep: whether a receiver can sleep until something comes.
        most_hz: how many large payloads it is asked to hand over in a second, at most.
    """

    name: str
    has_threads: bool
    can_sleep: bool
    most_hz: float

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables that both sides' processes need on top of this one's; `folder`: for files."""

    def sender(self, channel: str, payload_bytes: int, polling: bool) -> Sender:
        """The sending side of a channel, made before any receiver.

        Args:
            polling: whether its receivers poll; else they sleep, and are to be woken.
        """

    def receiver(self, channel: str, payload_bytes: int, polling: bool) -> Receiver:
        """A receiving side of a channel."""
