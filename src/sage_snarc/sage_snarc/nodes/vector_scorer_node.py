"""Scores a stream of bare vectors: a motor current, a temperature, features of a laser scan."""

from __future__ import annotations

import numpy as np
from std_msgs.msg import Float32MultiArray, Header

from sage_common.core.diagnosis import stages
from sage_common.ros.conversions.stamps import to_stamp
from sage_snarc.core.scorer import VectorScorer
from sage_snarc.nodes.stream_scorer_node import StreamScorerNode
from sage_snarc.params import VectorScorerParameters


class VectorScorerNode(StreamScorerNode):
    """Salience of vectors, which bring no header: the stamp is the node's clock at reception.

    The first vector sets the size of all others; an array of several dimensions is taken
    row by row.
    """

    default_name = "vector_scorer"
    parameters_type = VectorScorerParameters
    sample_noun = "vector"
    _scorer: VectorScorer

    def make_scorer(self) -> VectorScorer:
        p = self.parameters
        return VectorScorer(p.modality, p.modality, p.memory, p.false_alarms_per_hour)

    def subscribe_samples(self) -> None:
        name = self.parameters.modality
        health = self.subscribe("vector", self._on_vector, self.on_rejected, name=name)
        health.timing = self.timing(stages.score(name))

    def on_configure(self) -> None:
        super().on_configure()
        self._source = self.parameters.modality

    def _on_vector(self, message: Float32MultiArray) -> None:
        now_ns = self.clock.now_ns()
        vector = np.frombuffer(message.data, np.float32)
        result = self._scorer.score(now_ns, vector)
        header = Header(stamp=to_stamp(now_ns))
        self.publish_salience(header, self._source, result, vector.tobytes())
