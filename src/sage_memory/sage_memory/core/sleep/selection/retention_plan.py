"""What to evict: rung by rung of the ladder, least valuable first, until few enough are left."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.selection.rarity import Rarity
from sage_memory.core.sleep.selection.survey import LISTING_BYTES, Survey

NOTHING, PAYLOAD, TEXT, INT8, VECTORS = range(5)
"""Rungs: each one evicts what those before it do, and more."""
BAND = 32_768
"""Evictions that are made in the order of the file, which touches each of its pages once."""


@dataclass(frozen=True)
class Plan:
    """What a run evicts.

    Attributes:
        depth: deepest rung of each experience of the survey, int64 [n].
        order: rows with a depth above 0, the least valuable first, int64.
        freed_bytes: by all of it.
    """

    depth: NDArray[np.int64]
    order: NDArray[np.int64]
    freed_bytes: int


@dataclass(frozen=True)
class Eviction:
    """One experience to evict from.

    Attributes:
        identifier: 16 bytes.
        rung: how deep, see `plan`.
        reason: why, in words; without content.
        summary: 16 bytes of the summary that covers it; empty: none.
        last_user: no other experience has its payload.
    """

    identifier: bytes
    rung: int
    reason: str
    summary: bytes = b""
    last_user: bool = True


def value(seen: Survey, half_life_s: float) -> NDArray[np.float64]:
    """Worth of each experience: its salience, halved with age, less the more are like it.

    Age is that beside the newest experience, so that nothing loses by the robot's being off.
    """
    if not len(seen):
        return np.zeros(0)
    age_s = (seen.start_ns.max() - seen.start_ns) / NS_PER_S
    alike = np.where(seen.summary >= 0, np.maximum(seen.covers[seen.summary], 1), 1)
    return np.asarray(seen.total * 0.5 ** (age_s / half_life_s) / (1 + np.log(alike)), np.float64)


def plan(
    seen: Survey, options: SleepOptions, target_bytes: int, rare: Rarity | None = None
) -> Plan:
    """How deep each experience must go so that at most `target_bytes` are left, if it can be.

    Args:
        rare: what keeps its words, or all, because nothing is like it; None: nothing does.
    """
    free = ~seen.protected(options.salience_floor)
    rare = rare or Rarity.none(seen)
    touchable, payload_free = free & ~rare.words, free & ~rare.payloads
    moment = seen.covers == 0
    gains = {
        PAYLOAD: seen.payload_bytes * payload_free,
        TEXT: seen.text_bytes * (touchable & moment),
        INT8: (seen.vector_bytes - seen.int8_bytes) * (touchable & moment),
        VECTORS: seen.int8_bytes * (touchable & moment & (seen.summary >= 0)),
    }
    shared = payload_free & (seen.payload != "") & (seen.payload_bytes == 0)
    order = np.argsort(value(seen, options.half_life_s), kind="stable")
    depth = np.zeros(len(seen), np.int64)
    excess = int(seen.bytes.sum()) - target_bytes
    freed = 0
    for rung, gain in gains.items():
        if excess <= freed:
            break
        # what frees no more than its entry in the list takes is not worth forgetting
        cost = np.where(depth == NOTHING, LISTING_BYTES, 0)
        gets = gain > cost
        if rung == PAYLOAD:
            gets |= shared
        rows = order[gets[order]]
        if not rows.size:
            continue
        sums = freed + np.cumsum((gain - cost)[rows])
        count = 1 + int(np.argmax(sums >= excess)) if sums.max() >= excess else len(rows)
        depth[rows[:count]] = rung
        freed = int(sums[count - 1])
    return Plan(depth, order[depth[order] > 0], freed)


def evictions_of(seen: Survey, decided: Plan, now_ns: int) -> list[Eviction]:
    """All evictions of a plan, with their ages at a stamp [ns]."""
    holders: dict[str, int] = {}
    for sha in seen.payload:
        holders[sha] = holders.get(sha, 0) + 1
    evictions = []
    for row in _in_bands(decided.order):
        sha = seen.payload[row]
        holders[sha] -= 1
        summary = int(seen.summary[row])
        days = (now_ns - int(seen.start_ns[row])) / (86400 * NS_PER_S)
        reason = f"salience {seen.total[row]:.2f}, {days:.1f} d old"
        if summary >= 0:
            reason += f", 1 of {seen.covers[summary]}"
        evictions.append(
            Eviction(
                identifier=bytes(seen.identifier[row]),
                rung=int(decided.depth[row]),
                reason=reason,
                summary=bytes(seen.identifier[summary]) if summary >= 0 else b"",
                last_user=bool(sha) and holders[sha] == 0,
            )
        )
    return evictions


def _in_bands(order: NDArray[np.int64]) -> NDArray[np.int64]:
    """The least valuable first, a band at a time, and those of a band as they lie in the file."""
    bands = [np.sort(order[k : k + BAND]) for k in range(0, len(order), BAND)]
    return np.concatenate(bands) if bands else order
