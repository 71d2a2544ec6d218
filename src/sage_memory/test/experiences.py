"""Experiences in which everything follows from a number."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from sage_memory import Experience, Memory

START_NS = 1_700_000_000_000_000_000


def numbered(index: int = 0, dim: int = 16, **changes: Any) -> Experience:
    """Experience number `index`, with an embedding of `dim` and with some fields changed."""
    rng = np.random.default_rng(index)
    values: dict[str, Any] = {
        "start_ns": START_NS + index * 1_000_000,
        "end_ns": START_NS + index * 1_000_000 + 1000,
        "modality": "vision",
        "source": "front",
        "codes": rng.integers(0, 10, (30, 30), dtype=np.uint8),
        "embedding": rng.normal(size=dim).astype(np.float32),
        "encoder_id": "vision-1-abc",
        "surprise": 0.1,
        "novelty": 0.2,
        "arousal": 0.3,
        "reward": 0.5,
        "conflict": 0.4,
        "total": round(float(rng.random()), 3),
        "reason": f"reason {index}",
    }
    return Experience(**(values | changes))


def fill(home: Path, count: int) -> Path:
    """Remember the first `count` of them in `home`; the database, closed."""
    with Memory.open(home) as memory:
        for future in [memory.remember(numbered(index)) for index in range(count)]:
            future.result()
    return home / "memory.db"
