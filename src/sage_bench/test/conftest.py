"""What several tests share: streams of percepts, and toys of the memory bench."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from sage_bench.encoders.section import Setting
from sage_bench.salience.played import Played
from sage_bench.salience.streams.percepts import CACHE, MODALITIES, Percepts, Sensed
from sage_bench.salience.streams.schedule import Event
from sage_bench.salience.streams.windows import judged_windows
from sage_bench.salience.trace import score

if TYPE_CHECKING:
    from sage_bench.memory.inputs.sentences import Sentences
    from sage_bench.memory.workplace import Workplace

EVENTS = (Event("cut", 34.0, 34.5), Event("sound 0 dB", 44.0, 44.4), Event("cut", 54.0, 54.5))


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


@pytest.fixture(scope="session")
def streams(random_percepts: Callable[..., Percepts]) -> Played:
    """Two streams of 70 s that do not change but at events, where all is noise for 0.5 s."""
    made = []
    for number in range(2):
        noise: Percepts = random_percepts(700, seed=number)
        for sensed in noise.sensed.values():
            times_s = noise.times_s[sensed.ticks]
            loud = np.zeros(len(times_s), bool)
            for event in EVENTS:
                loud |= (times_s > event.onset_s) & (times_s <= event.onset_s + 0.5)
            sensed.embeddings[~loud], sensed.codes[~loud] = sensed.embeddings[0], sensed.codes[0]
        known = {"name": f"made {number}", "events": EVENTS, "ignored": ((0.0, 30.0),)}
        made.append(replace(noise, **known))
    scored = tuple(score(percepts, number) for number, percepts in enumerate(made))
    return Played(tuple(made), scored, judged_windows(made))


@pytest.fixture(scope="session")
def toy_sentences() -> Sentences:
    from memory_bench_toys import made_sentences

    return made_sentences()


@pytest.fixture
def toy_place(
    toy_sentences: Sentences, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[..., Workplace]:
    """A workplace with these sentences, without a cache."""
    from memory_bench_toys import TOY

    from sage_bench.memory.workplace import Workplace

    monkeypatch.delenv(CACHE, raising=False)
    monkeypatch.setattr(
        "sage_bench.memory.workplace.sentences", lambda setting, most: toy_sentences
    )

    def make(**sizes: object) -> Workplace:
        setting = Setting(tmp_path / "data", tmp_path / "models", quick=True)
        return Workplace(setting, replace(TOY, **sizes), tmp_path)

    return make
