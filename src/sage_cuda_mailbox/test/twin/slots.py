"""Slots of the tensor mailbox, and the leases on them."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from sage_cuda_mailbox import Expired, GenerationMismatch, NotLeased

NOBODY = object()
OPEN = ("pending", "held")


@dataclass
class Lease:
    """One reader's on one slot. States: none, pending, held, released, expired, overwritten."""

    reader: object = NOBODY
    generation: int = 0
    state: str = "none"


@dataclass
class Slot:
    leases: list[Lease]
    state: str = "vacant"  # or writing, published
    writer: object = NOBODY
    generation: int = 0
    order: int = 0
    published_ns: int = 0
    ttl_ns: int = 0
    tensor: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint8))
    tag: int = 0


def lease_at(slot: Slot, place: int, generation: int) -> Lease:
    """The lease of the reader at `place`; raises if it never had one on this generation."""
    lease = slot.leases[place]
    if lease.generation != generation:
        raise NotLeased if slot.generation == generation else GenerationMismatch
    return lease


def ended(lease: Lease) -> Exception:
    """What to say of a lease that is not open."""
    return Expired() if lease.state in ("expired", "overwritten") else NotLeased()
