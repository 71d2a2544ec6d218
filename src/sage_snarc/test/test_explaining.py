"""salience/explain on the lock-step host: the moments that were published, asked for again."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS as T0
from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.msg import FusedSalience, Salience
from sage_msgs.srv import Explain
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.messages import invalid_salience

MS = 10**6
S = 10**9


@pytest.fixture
def host(tmp_path: Path) -> LockstepHost:
    return LockstepHost(home=tmp_path)


def salience(modality: str, stamp: int, total: float, **changes: Any) -> Salience:
    message = Salience(modality=modality, source="front", total=total, reward=0.5, valid=True)
    message.header.stamp = to_stamp(stamp)
    message.header.frame_id = f"{modality}_front"
    message.reason = f"{modality}: novelty {total:.2f}"
    message.grid_rows, message.grid_columns, message.grid = 1, 2, [0.25, 0.75]
    message.p_value, message.alarms_per_hour = 0.03125, 12.5
    message.neighbour_id, message.neighbour_age_s = 12, 41.0
    message.neighbour_distance, message.habituation = 0.86, 0.125
    message.prediction_error, message.usual_error = 0.45, 0.12
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def play(host: LockstepHost, count: int = 40) -> None:
    """Vision 30/s and audio 10/s, with totals that vary."""
    generator = np.random.default_rng(3)
    for index in range(count):
        stamp = T0 + index * 33 * MS
        for name in ("vision", "audio") if index % 3 == 0 else ("vision",):
            total = float(np.float32(generator.random()))
            host.publish("salience", salience(name, stamp, total), modality=name)
        host.run_until(stamp)


def ask(host: LockstepHost, stamp: int = 0, tolerance_s: float = 0.0) -> Explain.Response:
    request = Explain.Request(stamp=to_stamp(stamp), tolerance_s=tolerance_s)
    return host.call("salience/explain", request)


def without_grids(message: FusedSalience) -> FusedSalience:
    bare = copy.deepcopy(message)
    for item in bare.modalities:
        item.grid_rows, item.grid_columns, item.grid = 0, 0, []
    return bare


def test_every_moment_is_answered_as_it_was_published(host: LockstepHost) -> None:
    host.add(FusionNode)
    play(host)
    fused = host.messages("fused_salience")
    last_of = {stamp_ns(item.header.stamp): item for item in fused}
    assert len(last_of) == 40
    for stamp, message in last_of.items():
        answer = ask(host, stamp + 5 * MS)
        assert answer.found and answer.message == ""
        assert answer.salience == without_grids(message)
        smaller = sum(item.total < message.total for item in fused)
        assert answer.rank == pytest.approx(smaller / len(fused))
        assert stamp_ns(answer.oldest) == T0
    assert ask(host).salience == without_grids(fused[-1])


def test_what_was_not_fused_follows_with_the_reason(host: LockstepHost) -> None:
    host.add(FusionNode)
    play(host, 1)
    stamp = T0 + 2500 * MS
    dark = invalid_salience(salience("vision", stamp, 0.0).header, "vision", "front", "dark")
    host.run_until(stamp)
    host.publish("salience", dark, modality="vision")
    spoken = salience("language", stamp, 0.5)
    host.publish("salience", spoken, modality="language")
    host.run_until(stamp)
    answer = ask(host, stamp)
    assert answer.found
    told = {item.modality: item for item in answer.salience.modalities}
    assert list(told) == ["language", "audio", "vision"]
    assert list(answer.salience.weights) == [1.0, 0.0, 0.0]
    assert [item.valid for item in told.values()] == [True, False, False]
    assert told["audio"].invalid_reason == "silent for 2.5 s"
    assert told["vision"].invalid_reason == "dark"
    assert answer.salience.dominant_modality == "language"
    assert answer.salience.novelty == told["language"].novelty


def test_the_silence_of_all_is_explained(host: LockstepHost) -> None:
    host.add(FusionNode)
    play(host, 1)
    host.run_until(T0 + 5 * S)
    answer = ask(host)
    assert answer.found
    assert not answer.salience.valid
    assert answer.salience.invalid_reason.startswith("no valid salience for ")
    assert answer.salience.invalid_reason == host.messages("fused_salience")[-1].invalid_reason
    assert [item.valid for item in answer.salience.modalities] == [False, False]


@pytest.mark.parametrize(
    ("away_ms", "tolerance_s", "found"),
    [(900, 0.0, True), (1100, 0.0, False), (1100, 2.0, True), (90, 0.05, False)],
)
def test_only_within_the_tolerance(
    host: LockstepHost, away_ms: int, tolerance_s: float, found: bool
) -> None:
    host.add(FusionNode)
    play(host, 1)
    answer = ask(host, T0 + away_ms * MS, tolerance_s)
    assert answer.found == found
    assert bool(answer.message) != found
    assert stamp_ns(answer.salience.header.stamp) == T0
    if not found:
        assert answer.message.endswith(f"{away_ms / 1000:.1f} s earlier")


def test_questions_that_cannot_be_answered(host: LockstepHost) -> None:
    host.add(FusionNode)
    answer = ask(host)
    assert (answer.found, answer.message) == (False, "no moment is known yet")
    play(host, 1)
    wrong = ask(host, T0, -1.0)
    assert not wrong.found
    assert wrong.message.startswith("tolerance_s = -1.0: expected ")


def test_only_the_last_moments_are_known(host: LockstepHost) -> None:
    host.add(FusionNode, parameters={"history": 10})
    play(host)
    fused = host.messages("fused_salience")
    assert ask(host).oldest == fused[-10].header.stamp
    assert not ask(host, T0, 0.5).found
