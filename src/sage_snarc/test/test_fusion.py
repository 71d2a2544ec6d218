"""Fusion: one strong sense is heard, order does not matter, what is stale falls out."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sage_common.core.errors import InvalidInput
from sage_snarc.core.fusion import Fusion, ModalSalience

NAMES = ("vision", "audio", "language", "proprioception")
S = 10**9
share = st.floats(0.0, 1.0)


def said(name: str, total: float, stamp_ns: int = S, valid: bool = True) -> ModalSalience:
    return ModalSalience(stamp_ns, name, 0.5, 0.5, 0.5, total, f"{name}: because", valid)


@pytest.mark.parametrize("total", [0.0, 1.0])
def test_a_total_may_be_none_or_whole(total: float) -> None:
    """As float32, which messages hold, totals next to 1 are 1."""
    fused = Fusion(("vision",)).fuse(said("vision", total))
    assert fused.total == pytest.approx(total, abs=1e-6)
    assert 0.0 <= fused.alarms_per_hour < np.inf


@given(st.lists(st.tuples(st.sampled_from(NAMES), share, st.integers(0, 5 * S), st.booleans())))
def test_always_in_bounds_and_consistent(items: list[tuple[str, float, int, bool]]) -> None:
    fusion = Fusion(NAMES)
    for name, total, stamp, valid in items:
        fused = fusion.fuse(said(name, total, stamp, valid))
        assert 0.0 <= fused.total <= 1.0
        assert fused.total == fused.equal
        assert fused.learned == pytest.approx(fused.equal, abs=0.01 + 1e-9)
        assert fused.valid == bool(fused.live)
        assert len(fused.weights) == len(fused.conflicts) == len(fused.live)
        if fused.live:
            assert sum(fused.weights) == pytest.approx(1.0)
            assert fused.dominant in fused.live
        else:
            assert (fused.total, fused.dominant) == (0.0, "")


@given(st.tuples(share, share, share, share), share)
def test_more_salience_never_lowers_the_whole(totals: tuple[float, ...], more: float) -> None:
    def whole(values: tuple[float, ...]) -> float:
        fusion = Fusion(NAMES)
        for name, value in zip(NAMES, values, strict=True):
            fused = fusion.fuse(said(name, value))
        return fused.total

    raised = (max(totals[0], more), *totals[1:])
    assert whole(raised) >= whole(totals) - 1e-12


@given(st.tuples(share, share, share, share))
def test_order_does_not_matter(totals: tuple[float, ...]) -> None:
    results = set()
    for order in itertools.permutations(range(4)):
        fusion = Fusion([NAMES[i] for i in order])
        for i in order:
            fused = fusion.fuse(said(NAMES[i], totals[i]))
        scores = round(fused.total, 12), round(fused.learned, 12)
        results.add((*scores, fused.dominant, fused.live, fused.reason))
    assert len(results) == 1


def test_one_strong_sense_raises_the_whole() -> None:
    fusion = Fusion(NAMES)
    for name in NAMES[1:]:
        assert fusion.fuse(said(name, 0.0)).total == 0.0
    fused = fusion.fuse(said("vision", 0.9))
    assert fused.total > 0.6
    assert fused.dominant == "vision"
    assert fused.reason == "vision: because"


def test_all_quiet_is_quiet() -> None:
    fusion = Fusion(NAMES)
    for name in NAMES:
        fused = fusion.fuse(said(name, 0.05))
    assert fused.total < 0.1


def test_the_stale_falls_out_and_is_said() -> None:
    fusion = Fusion(NAMES, max_age_s=1.0, events=("language",))
    fusion.fuse(said("audio", 0.9, S))
    fusion.fuse(said("language", 0.8, S))
    assert fusion.fuse(said("vision", 0.1, 2 * S)).dominant == "audio"
    fused = fusion.fuse(said("vision", 0.1, 4 * S))
    assert fused.live == ("vision",)
    assert fused.stale == ("audio",)
    assert fused.total == pytest.approx(0.1)
    assert fused.reason == "vision: because (audio silent for 3.0 s)"


def test_an_invalid_modality_falls_out_at_once_and_comes_back() -> None:
    fusion = Fusion(NAMES)
    fusion.fuse(said("audio", 0.9))
    fused = fusion.fuse(said("audio", 0.0, 2 * S, valid=False))
    assert not fused.valid
    assert fused.reason == "no modality is live; audio: because"
    assert fusion.fuse(said("audio", 0.9, 3 * S)).valid


@pytest.mark.parametrize(
    ("salience", "field"),
    [
        (said("smell", 0.5), "modality"),
        (said("vision", 1.5), "total"),
        (said("vision", float("nan")), "total"),
        (ModalSalience(S, "vision", 0.5, -0.1, 0.5, 0.5, "vision: because"), "novelty"),
    ],
)
def test_wrong_input_is_refused_by_name(salience: ModalSalience, field: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        Fusion(NAMES).fuse(salience)
    assert caught.value.field == field


def test_modalities_must_be_named_once() -> None:
    for names in ((), ("vision", "vision")):
        with pytest.raises(InvalidInput, match="modalities"):
            Fusion(names)


def test_outcomes_teach_whom_to_trust() -> None:
    """Audio calls at successes, vision at failures."""
    fusion = Fusion(("vision", "audio"))
    for index in range(60):
        stamp = index * S
        good = index % 2 == 0
        fusion.fuse(said("audio", 0.9 if good else 0.1, stamp))
        fusion.fuse(said("vision", 0.1 if good else 0.9, stamp + 1))
        assert fusion.learn(stamp + 1, stamp + 1, 1.0 if good else -1.0)
    audio = fusion.fuse(said("audio", 0.5, 60 * S))
    both = fusion.fuse(said("vision", 0.6, 60 * S))
    assert both.dominant == "audio"
    assert both.weights[0] > 0.8
    assert both.total < both.equal
    assert audio.total == pytest.approx(
        audio.equal + fusion.weights.trust * (audio.learned - audio.equal)
    )
    assert fusion.weights.report().stamp_ns == 59 * S + 1


def test_an_outcome_about_nothing_teaches_nothing() -> None:
    fusion = Fusion(NAMES)
    fusion.fuse(said("vision", 0.9, S))
    fusion.fuse(said("vision", 0.0, 2 * S, valid=False))
    before = fusion.weights.report()
    assert not fusion.learn(2 * S, 3 * S, 1.0)
    assert fusion.weights.report() == before == Fusion(NAMES).weights.report()


def test_conflict_raises_the_whole_and_is_said() -> None:
    generator = np.random.default_rng(0)
    fusion = Fusion(("vision", "audio"))

    def tick(index: int, agree: bool) -> tuple[float, float, str]:
        cause = generator.standard_normal(16).astype(np.float32)
        other = cause if agree else generator.standard_normal(16).astype(np.float32)
        for name, view in (("audio", cause), ("vision", other)):
            stamp = index * 33 * 10**6
            fusion.see(name, stamp, view / np.linalg.norm(view))
            fused = fusion.fuse(said(name, 0.2, stamp))
        return fused.total, fused.conflict, fused.reason

    agreed = [tick(index, True) for index in range(1500)]
    assert agreed[0][1] == 0.0
    contradicted = [tick(1500 + index, False) for index in range(5)]
    before = np.mean([total for total, *_ in agreed[-100:]])
    assert np.mean([total for total, *_ in contradicted]) > before + 0.05
    assert max(conflict for _, conflict, _ in contradicted) > 0.9
    assert any("contradicts the others" in reason for *_, reason in contradicted)


def test_state_resumes_bit_equal_and_refuses_other_modalities() -> None:
    def run(fusion: Fusion, start: int, count: int, seed: int) -> list[float]:
        generator = np.random.default_rng(seed)
        totals = []
        for index in range(start, start + count):
            for name in ("vision", "audio"):
                view = generator.standard_normal(8).astype(np.float32)
                fusion.see(name, index * S // 30, view / np.linalg.norm(view))
                totals.append(
                    fusion.fuse(said(name, float(generator.random()), index * S // 30)).total
                )
            fusion.learn(index * S // 30, index * S // 30, float(generator.uniform(-1, 1)))
        return totals

    whole, first = Fusion(("vision", "audio")), Fusion(("vision", "audio"))
    run(whole, 0, 200, 1)
    run(first, 0, 200, 1)
    second = Fusion(("audio", "vision"))
    second.restore(first.state())
    # What was last heard is not kept: the first tick is audio's alone, as after any restart.
    one, other = run(whole, 1000, 100, 2), run(second, 1000, 100, 2)
    assert one[1:] == other[1:]
    with pytest.raises(InvalidInput, match=r"modalities = .*expected"):
        Fusion(NAMES).restore(first.state())
