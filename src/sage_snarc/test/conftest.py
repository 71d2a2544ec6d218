"""Percepts and streams for the tests, made from arrays."""

from __future__ import annotations

import array
import os
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_common.core.puzzle import Percept
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.msg import Puzzle

PERIOD_NS = 33_333_333


def unit(vector: NDArray[np.generic]) -> NDArray[np.float32]:
    wide = np.asarray(vector, np.float64)
    return (wide / np.linalg.norm(wide)).astype(np.float32)


def codes_of(vector: NDArray[np.generic]) -> NDArray[np.uint8]:
    """A puzzle that depends on the vector: a fixed mixing, cut to 0..9."""
    mixing = np.random.default_rng(7).standard_normal((900, len(vector)))
    mixed = 4.5 + 3.0 * mixing @ np.asarray(vector, np.float64)
    return np.clip(np.floor(mixed), 0, 9).astype(np.uint8).reshape(30, 30)


@pytest.fixture
def percept() -> Callable[..., Percept]:
    """Makes one percept from a vector of any length, and codes that go with it."""

    def make(
        vector: NDArray[np.generic],
        stamp_ns: int = 0,
        modality: str = "vision",
        codes: NDArray[np.uint8] | None = None,
        encoder_id: str = "test 1 000000000000",
    ) -> Percept:
        embedding = unit(vector)
        return Percept(
            stamp_ns=stamp_ns,
            modality=modality,
            source="front",
            codes=codes_of(embedding) if codes is None else codes,
            embedding=embedding,
            encoder_id=encoder_id,
        )

    return make


@pytest.fixture
def puzzle(percept: Callable[..., Percept]) -> Callable[..., Puzzle]:
    """Makes the message of one percept, of the same arguments."""

    def make(*arguments: Any, **names: Any) -> Puzzle:
        item = percept(*arguments, **names)
        message = Puzzle(modality=item.modality, source=item.source, encoder_id=item.encoder_id)
        message.header.stamp = to_stamp(item.stamp_ns)
        message.header.frame_id = "camera_front"
        message.codes = item.codes.ravel()
        message.embedding = array.array("f", item.embedding.tobytes())
        message.valid = True
        return message

    return make


@pytest.fixture
def stream(percept: Callable[..., Percept]) -> Callable[..., Iterator[Percept]]:
    """Makes percepts at 30/s from rows of vectors."""

    def make(
        rows: Iterable[NDArray[np.generic]], start_ns: int = 0, modality: str = "vision"
    ) -> Iterator[Percept]:
        for index, row in enumerate(rows):
            yield percept(row, start_ns + index * PERIOD_NS, modality)

    return make


@pytest.fixture
def host(tmp_path: Path) -> LockstepHost:
    return LockstepHost(home=tmp_path)


@pytest.fixture
def health() -> Callable[[LockstepHost, str], tuple[str, str]]:
    """Level and text that a node said of itself last, in /diagnostics."""

    def newest(host: LockstepHost, node: str) -> tuple[str, str]:
        sent = (i.message().status[0] for i in reversed(host.outputs) if i.topic == "/diagnostics")
        status = next(status for status in sent if status.name == host.resolve(node))
        return ("ok", "warn", "error")[status.level[0]], status.message

    return newest


@pytest.fixture(scope="session")
def data_folder() -> Path:
    """The folder of recorded data; skips where it is absent."""
    default = Path(__file__).resolve().parents[3].parent / "shared" / "data"
    folder = Path(os.environ.get("SAGE_DATA", default))
    if not (folder / "video" / "gopro_max_walk.mp4").exists():
        pytest.skip(f"no recorded data at {folder} (SAGE_DATA)")
    return folder
