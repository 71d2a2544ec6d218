"""Remembers experiences until it is killed; run by test_kill.py in a process of its own.

Globals given by the test: HOME (folder of the store), OPTIONS (of `Memory.open`), FIRST (number
of the first experience), ACKS (a pipe: (number, id) goes into it once one is acknowledged).
"""

from __future__ import annotations

from collections import deque
from pathlib import Path

import numpy as np

from sage_common.core.labels import Label, Labels
from sage_memory import Experience, Future, Memory, Payload, Place

IN_FLIGHT = 12


def numbered(number: int) -> Experience:
    """An experience that can be told from all others by its vectors, its time and its place."""
    rng = np.random.default_rng(number)
    return Experience(
        start_ns=number * 10, end_ns=number * 10, modality="vision", source="front",
        codes=rng.integers(0, 10, (30, 30), dtype=np.uint8),
        embedding=rng.normal(size=64).astype(np.float32), encoder_id="vision-1",
        surprise=0.1, novelty=0.2, arousal=0.3, reward=0.5, conflict=0.4, total=0.6,
        text=f"word {number}", text_embedding=rng.normal(size=32).astype(np.float32),
        text_encoder_id="words-1", place=Place("map", (float(number), 0.5, 0.25)),
    )  # fmt: skip


def payload(number: int) -> Payload | None:
    """Every fourth has one."""
    return Payload(f"payload {number}".encode() * 50, "image/webp") if number % 4 == 0 else None


def recognised(number: int) -> list[tuple[Labels, tuple[str, ...]]]:
    """Every third one was recognised as the class that has its number."""
    if number % 3:
        return []
    labels = Labels(f"classes-{number // 100_000}", (Label(number % 7, 0.5),))
    return [(labels, tuple(f"class {name}" for name in range(7)))]


def remember(memory: Memory, number: int) -> Future[Experience]:
    return memory.remember(numbered(number), payload(number), recognised(number))


def remember_until_killed(home: Path, options: dict, first: int, acks) -> None:
    waiting: deque = deque()
    with Memory.open(home, **options) as memory:
        number = first
        while True:
            waiting.append((number, remember(memory, number)))
            number += 1
            if len(waiting) == IN_FLIGHT:
                oldest, future = waiting.popleft()
                acks.send((oldest, future.result().id))


if "ACKS" in globals():
    given = globals()
    remember_until_killed(Path(given["HOME"]), given["OPTIONS"], given["FIRST"], given["ACKS"])
