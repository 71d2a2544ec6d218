"""Experiences to remember, and the homes of their stores."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from sage_common.core.clock import ManualClock
from sage_memory import Experience

START_NS = 1_700_000_000_000_000_000
Make = Callable[..., Experience]


def make(index: int = 0, **changes: Any) -> Experience:
    """Experience number `index`: everything in it follows from the number."""
    rng = np.random.default_rng(index)
    values: dict[str, Any] = {
        "start_ns": START_NS + index * 1_000_000,
        "end_ns": START_NS + index * 1_000_000 + 1000,
        "modality": "vision",
        "source": "front",
        "codes": rng.integers(0, 10, (30, 30), dtype=np.uint8),
        "embedding": rng.normal(size=16).astype(np.float32),
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


@pytest.fixture
def experience() -> Make:
    """Makes experiences; keyword arguments change fields."""
    return make


@pytest.fixture
def clock() -> ManualClock:
    """A clock that stands still."""
    return ManualClock(START_NS)
