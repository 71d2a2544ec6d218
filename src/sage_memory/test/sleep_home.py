"""A memory with something to sleep on: moments that come in groups of near-duplicates."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from experiences import START_NS, numbered
from numpy.typing import NDArray
from sqlalchemy import select

from sage_common.core.clock import ManualClock
from sage_memory import Experience, Limits, Memory, Payload, Query
from sage_memory.core.engine import schema
from sage_memory.core.sleep.options import SleepOptions
from sage_memory.core.sleep.records import forgetting_list

DIM = 32
GROUPS, SIZE = 12, 6
OPTIONS = SleepOptions(target_share=0.3, questions=40, grace_s=3600.0)
THOROUGH = replace(OPTIONS, target_share=0.05)
TABLES = ("experiences", "vectors", "summary_members", "payloads")


def moment(index: int = 0, **changes: Any) -> Experience:
    """Experience number `index`, which does not stand out."""
    return numbered(index, DIM, **({"total": 0.2} | changes))


def group_vector(group: int, member: int, dim: int = DIM) -> NDArray[np.float32]:
    """Members of one group have a cosine of about 0.98."""
    centre = np.random.default_rng(group).normal(size=dim)
    noise = np.random.default_rng([group, member]).normal(size=dim)
    return (centre + 0.1 * noise).astype(np.float32)


def fill(memory: Memory, groups: int = GROUPS, size: int = SIZE, **changes: Any) -> list[bytes]:
    """Remember groups of alike moments with payloads, every tenth of them salient; their ids."""
    futures = []
    for index in range(groups * size):
        group, member = divmod(index, size)
        values: dict[str, Any] = {
            "embedding": group_vector(group, member),
            "total": 0.9 if index % 10 == 0 else 0.3 + 0.2 * (index % 7) / 7,
            "text": f"group {group} member {member}" if member % 2 else "",
            "entity": f"thing {group}",
        }
        payload = Payload(f"payload {index} ".encode() * 50, "image/webp")
        futures.append(memory.remember(moment(index, **(values | changes)), payload))
    return [future.result().id for future in futures]


def opened(home: Path, clock: ManualClock | None = None) -> Memory:
    """The memory in `home`, with a clock an hour after what `fill` remembers."""
    clock = clock or ManualClock(START_NS + 3600 * 10**9)
    limits = Limits(min_free_bytes=0, queue_size=100_000)
    rng = np.random.default_rng(0)
    return Memory.open(home, clock=clock, rng=rng, device_id="robot", limits=limits)


def content(memory: Memory) -> dict[str, list[tuple[Any, ...]]]:
    """All rows that are not tombstones, without the numbers of vectors."""
    found = {}
    with memory._reader.snapshot() as connection:
        for name in TABLES:
            table = schema.metadata.tables[name]
            columns = [c for c in table.columns if name != "vectors" or c.name != "number"]
            columns = [c for c in columns if c.name != "last_used_ns"]
            rows = connection.execute(select(*columns))
            found[name] = sorted(
                map(tuple, rows), key=lambda row: [str(value) for value in row[:4]]
            )
            if name == "experiences":
                last = [c.name for c in columns].index("forgotten_ns")
                found[name] = [row for row in found[name] if row[last] is None]
    return found


def like(group: int, member: int, **changes: Any) -> Query:
    """What resembles a member of a group."""
    return Query(example=group_vector(group, member), example_encoder_id="vision-1-abc", **changes)


def rows_of(memory: Memory, *columns: Any) -> list[Any]:
    """These columns of every row, from within."""
    return memory.read(lambda connection: connection.execute(select(*columns)).all())


def list_of(memory: Memory) -> list[tuple[bytes, str]]:
    """What was evicted of whom, and why, whether it can still be undone or not."""
    column = schema.forgettings.c
    rows = rows_of(memory, column.experience_id, column.reason, column.undo_until_ns, column.saved)
    listed = []
    for row in rows:
        one = [(bytes(row.experience_id), row.reason)]
        listed += one if row.undo_until_ns is not None else forgetting_list.unpack(row.saved)
    return sorted(listed)
