"""Remembers recent fused salience and answers salience/explain."""

from __future__ import annotations

import array

from std_msgs.msg import Header

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_common.ros.node import SageNode
from sage_msgs.msg import FusedSalience, Salience
from sage_msgs.srv import Explain
from sage_snarc.core.history import NUMBERS, History, ModalityScore, Moment, Tick
from sage_snarc.core.reason import duration

DEFAULT_TOLERANCE_S = 1.0


class ExplainService(Stateful):
    """Serves salience/explain from a bounded history of what the node has published.

    Args:
        node: that serves it.
        history: of the node's modalities.
    """

    _history: State[History]

    def __init__(self, node: SageNode, history: History) -> None:
        self._node = node
        self._history = history
        node.service("salience/explain", self._explain)

    def keep(self, fused: FusedSalience, trigger: Salience | None) -> None:
        """Remember a fused message and the salience that triggered it (None: a silence)."""
        score = None
        if trigger is not None:
            # The copy in the fused message knows its conflict; one that is not live has none.
            among = (item for item in fused.modalities if item.modality == trigger.modality)
            score = _modality_score(next(among, trigger))
        names = (item.modality for item in fused.modalities)
        self._history.add(
            Tick(
                stamp_ns=stamp_ns(fused.header.stamp),
                score=score,
                total=fused.total,
                alarms_per_hour=fused.alarms_per_hour,
                conflict=fused.conflict,
                latency_ms=fused.latency_ms,
                dominant=fused.dominant_modality,
                weights=dict(zip(names, fused.weights, strict=True)),
                reason=fused.reason,
            )
        )

    def _explain(self, request: Explain.Request, response: Explain.Response) -> Explain.Response:
        wanted_ns = stamp_ns(request.stamp)
        if not 0.0 <= request.tolerance_s < float("inf"):
            raise InvalidInput("tolerance_s", request.tolerance_s, "a number of at least 0")
        tolerance_s = request.tolerance_s or DEFAULT_TOLERANCE_S
        with self._node.guard:
            moment = self._history.nearest(wanted_ns)
            oldest_ns = self._history.oldest_ns
        if moment is None:
            response.message = "no moment is known yet"
            return response
        response.salience = _fused(moment)
        response.rank = moment.rank
        response.oldest = to_stamp(oldest_ns)
        away_s = (moment.tick.stamp_ns - wanted_ns) / NS_PER_S if wanted_ns else 0.0
        response.found = abs(away_s) <= tolerance_s
        if not response.found:
            side = "later" if away_s > 0.0 else "earlier"
            nearest = f"the nearest moment that is known is {duration(abs(away_s))} {side}"
            response.message = f"nothing within {tolerance_s:g} s: {nearest}"
        return response


def _modality_score(message: Salience) -> ModalityScore:
    return ModalityScore(
        stamp_ns=stamp_ns(message.header.stamp),
        modality=message.modality,
        source=message.source,
        frame_id=message.header.frame_id,
        numbers=tuple(getattr(message, name) for name in NUMBERS),
        p_value=message.p_value,
        neighbour_id=message.neighbour_id,
        conflict_known=message.conflict_known,
        valid=message.valid,
        reason=message.reason,
        invalid_reason=message.invalid_reason,
    )


def _fused(moment: Moment) -> FusedSalience:
    """The message of a moment; modalities that were not live follow with weight 0, not valid."""
    tick = moment.tick
    frame_id = tick.score.frame_id if tick.score else ""
    message = FusedSalience(header=Header(stamp=to_stamp(tick.stamp_ns), frame_id=frame_id))
    message.modalities = [_salience(score) for score in moment.live]
    message.reward = 0.5
    for salience in message.modalities:
        if salience.modality == tick.dominant:
            for name in ("surprise", "novelty", "arousal", "reward"):
                setattr(message, name, getattr(salience, name))
    message.modalities += [_absent(score, tick.stamp_ns) for score in moment.absent]
    weights = [tick.weights[score.modality] for score in moment.live] + [0.0] * len(moment.absent)
    message.weights = array.array("f", weights)
    message.trigger_modality = tick.score.modality if tick.score else ""
    message.dominant_modality = tick.dominant
    message.conflict = tick.conflict
    message.total = tick.total
    message.alarms_per_hour = tick.alarms_per_hour
    message.latency_ms = tick.latency_ms
    message.reason = tick.reason
    message.valid = bool(moment.live)
    message.invalid_reason = "" if message.valid else tick.reason
    return message


def _salience(score: ModalityScore) -> Salience:
    message = Salience(modality=score.modality, source=score.source)
    message.header = Header(stamp=to_stamp(score.stamp_ns), frame_id=score.frame_id)
    for name, value in zip(NUMBERS, score.numbers, strict=True):
        setattr(message, name, value)
    message.p_value = score.p_value
    message.neighbour_id = score.neighbour_id
    message.conflict_known = score.conflict_known
    message.valid = score.valid
    message.reason = score.reason
    message.invalid_reason = score.invalid_reason
    return message


def _absent(score: ModalityScore, now_ns: int) -> Salience:
    """What was heard last of a modality that was not fused, and why it was not."""
    message = _salience(score)
    if score.valid:
        silent_s = (now_ns - score.stamp_ns) / NS_PER_S
        message.invalid_reason = f"silent for {duration(max(silent_s, 0.0))}"
    message.valid, message.total = False, 0.0
    return message
