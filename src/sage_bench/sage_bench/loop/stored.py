"""A store with many random experiences in it."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sage_common.ros.lockstep.host import DEFAULT_START_NS
from sage_memory import Experience, Memory

GROUP = 200


def fill(home: Path, count: int, device_id: str = "") -> None:
    """Store `count` random moments in a memory in `home`, which may be new."""
    rng = np.random.default_rng(0)
    with Memory.open(home, device_id=device_id) as memory:
        futures = []
        for number in range(count):
            futures.append(memory.remember(random_experience(rng, number)))
            if len(futures) >= GROUP or number == count - 1:
                for future in futures:
                    future.result()
                futures.clear()


def random_experience(rng: np.random.Generator, number: int) -> Experience:
    """A random moment of vision."""
    stamp_ns = DEFAULT_START_NS + number * 10**9
    return Experience(
        start_ns=stamp_ns,
        end_ns=stamp_ns,
        modality="vision",
        source="front",
        codes=rng.integers(0, 10, (30, 30), np.uint8),
        embedding=rng.standard_normal(128).astype(np.float32),
        encoder_id="bench-1",
        surprise=0.5,
        novelty=0.5,
        arousal=0.5,
        reward=0.5,
        conflict=0.0,
        total=float(rng.random()),
    )
