"""Percepts made at random, a run over a rich bag that several share; modules beside the tests."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sage.bench.salience.percepts import MODALITIES, Percepts, Sensed

if TYPE_CHECKING:
    from rich_bag import RichRun

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(scope="session")
def rich_run(tmp_path_factory: pytest.TempPathFactory) -> RichRun:
    """Made once: it is only read. It needs the models, which few of the tests do."""
    from rich_bag import run_over_rich_bag

    return run_over_rich_bag(tmp_path_factory.mktemp("rich"))


@pytest.fixture(scope="session")
def random_percepts() -> Callable[..., Percepts]:
    """Makes independent percepts of every modality at every tick; no events."""

    def make(ticks: int, seed: int = 0) -> Percepts:
        generator = np.random.default_rng(seed)
        sensed = {}
        for modality in MODALITIES:
            vectors = generator.standard_normal((ticks, 16)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            codes = generator.integers(0, 10, (ticks, 30, 30), np.uint8)
            sensed[modality] = Sensed(np.arange(ticks), codes, vectors, "made 1")
        return Percepts("made", "", ticks / 10, (), (), np.arange(1, ticks + 1) / 10.0, sensed)

    return make
