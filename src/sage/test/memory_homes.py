"""Stores for the tests of what looks after the memory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
from experiences import START_NS, numbered

from sage_common.core.clock import ManualClock
from sage_common.core.labels import Label, Labels
from sage_memory import Experience, Memory, Payload, Place
from sage_memory.core.taught.examples import Example
from sage_memory.core.taught.taught_word import TaughtWord

DIM = 16
CLASSES = ("cat", "bicycle", "tree", "bell")
MY_CUP = TaughtWord("my cup", "picture", "small-1", (Example.of(np.ones(8, np.float32)),))
SEEN = Labels("classes-1@abc", (Label(1, 0.7, (0.0, 0.25, 0.5, 0.5)), Label(2, 0.01)))
MEDIA_TYPES = ("image/webp", "audio/flac", "application/x-mcap")


def experience(index: int, **changes: Any) -> Experience:
    """Experience number `index`, one a second, seen or heard by turns."""
    modality = ("vision", "audio")[index % 2]
    start_ns = START_NS + index * 1_000_000_000
    values: dict[str, Any] = {
        "start_ns": start_ns,
        "end_ns": start_ns + 1000,
        "modality": modality,
        "encoder_id": f"{modality}-1-abc",
    }
    return numbered(index, DIM, **(values | changes))


def rich(index: int) -> Experience:
    """One with everything that an experience can have."""
    rng = np.random.default_rng(1000 + index)
    return experience(
        index,
        text=f"Grüße\n\u2028 {index}",
        text_embedding=rng.normal(size=8).astype(np.float32),
        text_encoder_id="words-1",
        place=Place("map", (0.1 * index, -1.0, 2.5), covariance=tuple(rng.random(36))),
        entity="anna",
        context={"vision": (0.1, 0.2, 0.3, 0.5, 0.4), "audio": (0.9, 0.2, 0.3, 0.5, 0.4)},
    )


def made_home(home: Path, count: int = 6, rich_ones: int = 3) -> list[Experience]:
    """A store with plain and rich experiences, payloads among them; all that was kept."""
    with Memory.open(home, clock=ManualClock(START_NS), rng=np.random.default_rng(1)) as memory:
        futures = []
        for index in range(count):
            payload = None
            if index % 2:
                data = hashlib.sha256(str(index).encode()).digest() * 9
                payload = Payload(data, MEDIA_TYPES[index // 2 % len(MEDIA_TYPES)])
            made = rich(index) if index < rich_ones else experience(index)
            futures.append(memory.remember(made, payload))
        return [future.result() for future in futures]
