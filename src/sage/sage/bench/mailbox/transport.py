"""What hands a payload over, as a bench sees it: one side sends, the other receives."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol


class Sender(Protocol):
    """The sending side, with its payload ready in memory that the transport can send."""

    def send(self, stamp_ns: int) -> None:
        """Hand the payload over; `stamp_ns` travels with it."""

    def close(self) -> None:
        """Let go of everything."""


class Receiver(Protocol):
    """The receiving side."""

    def poll(self) -> int | None:
        """The stamp of the next payload, once its first and last byte were looked at; else None."""

    def wait(self, timeout_s: float) -> None:
        """Sleep until there may be something, or the time is over."""

    def close(self) -> None:
        """Let go of everything."""


class Transport(Protocol):
    """A way of handing payloads over between processes of this host.

    Attributes:
        name: as it stands in tables.
    """

    name: str

    def environment(self, folder: Path) -> dict[str, str]:
        """Variables that both sides' processes need on top of this one's; `folder`: for files."""

    def sender(self, channel: str, payload_bytes: int) -> Sender:
        """The sending side of a channel, made before any receiver."""

    def receiver(self, channel: str, payload_bytes: int) -> Receiver:
        """A receiving side of a channel."""
