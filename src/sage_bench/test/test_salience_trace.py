"""Streams through encoders and the salience core: percepts, their cache, traces."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_bench.salience.streams import percepts
from sage_bench.salience.streams.percepts import Percepts, percepts_of, stamp_ns
from sage_bench.salience.streams.schedule import Event
from sage_bench.salience.streams.stream import Moment
from sage_bench.salience.trace import FUSED, fuse, score
from sage_snarc.core.fusion import FusedResult, Fusion

MODELS = Path(__file__).resolve().parents[3] / "models"


class Made:
    """Noise at all senses; counts how often it is played."""

    half, name, seed = "development", "made", 1
    events = (Event("cut", 1.0, 1.2, "to noise"),)
    ignored = ((0.0, 0.5),)

    def __init__(self, length_s: float = 2.0) -> None:
        self.length_s = length_s
        self.played = 0

    def moments(self) -> Iterator[Moment]:
        self.played += 1
        generator = np.random.default_rng(self.seed)
        for tick in range(round(self.length_s * 10)):
            yield Moment(
                time_s=(tick + 1) / 10,
                frame=generator.integers(0, 256, (224, 224, 3), np.uint8),
                sound=generator.normal(0, 0.1, 1600).astype(np.float32),
                acceleration=generator.normal((0, 0, 9.8), 0.1, (10, 3)),
                rotation=generator.normal(0, 0.1, (10, 3)),
            )


def test_every_tick_has_a_percept_of_each_modality_and_sound_after_a_second() -> None:
    found = percepts_of(Made(), MODELS)  # type: ignore[arg-type]
    assert len(found.times_s) == 20 and found.times_s[-1] == 2.0
    assert found.sensed["vision"].ticks.tolist() == list(range(20))
    assert found.sensed["proprioception"].ticks.tolist() == list(range(20))
    assert found.sensed["audio"].ticks.tolist() == list(range(10, 20))
    ticks = found.at_ticks()
    assert [item.modality for item in ticks[9]] == ["proprioception", "vision"]
    assert [item.modality for item in ticks[10]] == list(percepts.MODALITIES)
    assert {item.stamp_ns for item in ticks[10]} == {stamp_ns(1.1)}
    assert ticks[10][2].embedding.shape == (128,)


def test_the_cache_gives_the_same_and_spares_the_stream(tmp_path: Path) -> None:
    stream: Any = Made(1.3)
    first = percepts_of(stream, MODELS, tmp_path)
    again = percepts_of(stream, MODELS, tmp_path)
    assert stream.played == 1 and len(list(tmp_path.iterdir())) == 1
    assert (again.name, again.length_s) == ("made", 1.3)
    assert again.digest == first.digest and len(first.digest) == 64
    assert again.events == stream.events and again.ignored == stream.ignored
    for modality, sensed in first.sensed.items():
        kept = again.sensed[modality]
        assert (kept.codes == sensed.codes).all()
        assert (kept.embeddings == sensed.embeddings).all()
        assert kept.encoder_id == sensed.encoder_id
    other: Any = Made(1.4)
    percepts_of(other, MODELS, tmp_path)
    assert percepts_of(other, MODELS, tmp_path).digest != first.digest
    assert other.played == 1 and len(list(tmp_path.iterdir())) == 2


def test_a_trace_has_every_dimension_at_every_tick(
    random_percepts: Callable[..., Percepts],
) -> None:
    scored = score(random_percepts(80))
    trace = fuse(scored)
    assert set(trace.scores) >= {FUSED, "surprise", "novelty", "arousal", "reward", "conflict"}
    for name, scores in trace.scores.items():
        assert scores.shape == (80,), name
        assert ((scores >= 0.0) & (scores <= 1.0)).all(), name
    novelties = [trace.scores[f"{modality} novelty"] for modality in percepts.MODALITIES]
    assert (trace.scores["novelty"] == np.max(novelties, axis=0)).all()
    assert (trace.scores["reward"] == 0.5).all()


def test_fusing_again_is_the_same_and_outcomes_reach_the_fusion(
    random_percepts: Callable[..., Percepts],
) -> None:
    scored = score(random_percepts(60))
    seen: list[int] = []

    def praise(tick: int, fused: FusedResult, fusion: Fusion) -> None:
        seen.append(tick)
        assert fused.stamp_ns == stamp_ns(float(scored.times_s[tick]))
        assert fusion.learn(fused.stamp_ns - 1, fused.stamp_ns, 1.0)

    first, second = fuse(scored), fuse(scored)
    assert all((first.scores[name] == second.scores[name]).all() for name in first.scores)
    taught = fuse(scored, after_tick=praise)
    assert seen == list(range(60))
    assert (taught.scores["novelty"] == first.scores["novelty"]).all()


def test_a_missing_model_is_named(tmp_path: Path) -> None:
    from sage_encoders.core.card import ModelError

    with pytest.raises(ModelError, match="vision_encoder"):
        percepts_of(Made(), tmp_path)  # type: ignore[arg-type]
