"""The byte cap of the payloads: what of it is theirs now."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.engine import Connection

from sage_common.core.health import PressureLevel
from sage_memory.core.engine.schema import forgettings

OPEN_COPY = (
    forgettings.c.saved.is_not(None)
    & forgettings.c.undo_until_ns.is_not(None)
    & forgettings.c.undone_ns.is_(None)
)
"""Rows of the list that hold what undoing a sleep needs."""


@dataclass(frozen=True)
class PayloadRules:
    """When payloads go although there is room.

    Attributes:
        ttl_s: those not asked for in this time go; 0: never for age.
        yellow_share, red_share: of the cap that may be used when memory is tight, [0, 1].
    """

    ttl_s: float = 0.0
    yellow_share: float = 0.5
    red_share: float = 0.1


class ByteCap:
    """Most bytes of payloads, which shrink with pressure and with copies for undoing a sleep.

    Args:
        most_bytes: of all payloads together, without pressure.
        rules: which share of it is left under pressure.

    Attributes:
        pressure: how tight memory is; any thread may set it.
        copies_bytes: of the copies that undoing a sleep needs; they count under the cap.
    """

    def __init__(self, most_bytes: int, rules: PayloadRules) -> None:
        self.pressure = PressureLevel.GREEN
        self.copies_bytes = 0
        self._most_bytes = most_bytes
        self._rules = rules

    def count_copies(self, connection: Connection) -> None:
        """Take the bytes of the copies for undoing from the rows."""
        size = select(func.sum(func.length(forgettings.c.saved))).where(OPEN_COPY)
        self.copies_bytes = int(connection.execute(size).scalar_one() or 0)

    @property
    def now_bytes(self) -> int:
        """The cap under the present pressure."""
        yellow, red = self._rules.yellow_share, self._rules.red_share
        share = (1.0, yellow, yellow, red, red)[self.pressure]
        return round(share * self._most_bytes)

    @property
    def room_bytes(self) -> int:
        """What the payloads may take: copies for undoing have up to half of the cap."""
        return self.now_bytes - min(self.copies_bytes, self.now_bytes // 2)
