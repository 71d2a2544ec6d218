"""How much a store may take."""

from __future__ import annotations

from dataclasses import dataclass, field

from sage_memory.core.payloads import PayloadRules


@dataclass(frozen=True)
class Limits:
    """How much the store may take.

    Attributes:
        queue_size: experiences that may wait for the disk.
        payload_cap_bytes: most bytes of all payloads together, with the copies that undoing a
            sleep needs, which have up to half of it.
        min_free_bytes: payloads are refused when the disk would have less left.
        payload_rules: when payloads go although there is room.
    """

    queue_size: int = 256
    payload_cap_bytes: int = 500_000_000
    min_free_bytes: int = 200_000_000
    payload_rules: PayloadRules = field(default_factory=PayloadRules)
