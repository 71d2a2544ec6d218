"""While learning is off, samples are scored, and nothing is remembered or got used to."""

from __future__ import annotations

import numpy as np

from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.msg import MetabolicState
from sage_snarc.core.fusion import Fusion, ModalSalience
from sage_snarc.core.scorer import VectorScorer
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

TICK_NS = 100_000_000
LEARNED = ("memory", "habituation", "false_alarms", "combined", "distance", "surprise", "reward")


def learned(scorer: VectorScorer) -> dict[str, bytes]:
    state = scorer.state()
    parts = {key: array for key, array in state.items() if key.split(".")[1:2] and
             key.split(".")[1] in LEARNED}  # fmt: skip
    return {key: np.asarray(array).tobytes() for key, array in parts.items()}


def test_a_scorer_scores_and_learns_nothing() -> None:
    generator, scorer = np.random.default_rng(0), VectorScorer("current")
    for tick in range(100):
        scorer.score(tick * TICK_NS, generator.normal(size=3))
    before = learned(scorer)
    assert len(before) >= len(LEARNED)
    scorer.learning = False
    totals = [scorer.score(t * TICK_NS, generator.normal(size=3)).total for t in range(100, 200)]
    bang = scorer.score(200 * TICK_NS, np.full(3, 50.0))
    assert learned(scorer) == before
    assert bang.total > max(totals)
    assert scorer.learn(0, 10**12, 1.0) == 0
    scorer.learning = True
    scorer.score(201 * TICK_NS, generator.normal(size=3))
    assert learned(scorer) != before


def test_a_fusion_learns_nothing() -> None:
    fusion = Fusion(("audio",))
    fusion.learning = False
    before = {
        key: np.asarray(value).tobytes() for key, value in fusion.false_alarms.state().items()
    }
    for tick in range(50):
        fusion.fuse(ModalSalience(tick * TICK_NS, "audio", 0.5, 0.5, 0.5, 0.9, "audio: loud"))
    after = {key: value.tobytes() for key, value in fusion.false_alarms.state().items()}
    assert after == before
    assert not fusion.learn(0, 10**12, 1.0)


def test_nodes_hear_it_of_the_state() -> None:
    host = LockstepHost()
    scorer = host.add(ScorerNode, parameters={"modality": "audio"})
    fusion = host.add(FusionNode)
    for learning in (False, True):
        host.publish("state", MetabolicState(learning=learning))
        host.run_for(0.1)
        assert scorer._scorer.learning == fusion._fusion.learning == learning
