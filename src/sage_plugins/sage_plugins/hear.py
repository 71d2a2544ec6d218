"""Names what is heard: dogs, rain, a crying baby."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.core.labels import Labels
from sage_encoders.backends.speech import sound_classifier, speech_recogniser
from sage_encoders.backends.speech.sound_classifier import (
    CLASSES,
    LEAST_S,
    LOOKS_S,
    WINDOW_S,
    SoundClassifier,
    surer,
)
from sage_encoders.core.speech.spectrum import SAMPLE_RATE
from sage_orchestrator.core.plugin import (
    Budget,
    History,
    ModelLease,
    NothingToDo,
    Plugin,
    PluginContext,
    Task,
    Vocabulary,
)
from sage_plugins.params import HearParameters

NS_PER_S = 1_000_000_000
WINDOW_NS = round(WINDOW_S * NS_PER_S)


@dataclass(frozen=True)
class HearState:
    """A sound, and its names once it has some.

    Attributes:
        samples: of the last seconds, 16 kHz, float32 [n].
        names: the best first; None: it was not named yet.
        looks: so many of LOOKS_S were taken.
    """

    samples: NDArray[np.float32]
    names: Labels | None = None
    looks: int = 0

    @property
    def wrong(self) -> float:
        """Probability that the best name is wrong, [0, 1]; 1 without a name."""
        return 1.0 - self.names.labels[0].probability if self.names and self.names.labels else 1.0


class HearPlugin(Plugin[HearState]):
    """Energy = probability that the best name is wrong, in [0, 1]; 1 without a name.

    It listens to the last five seconds, and where no name is sure to the last two alone.
    """

    nominal_step_ns = 30_000_000
    max_steps = len(LOOKS_S)

    def __init__(self, context: PluginContext, parameters: HearParameters) -> None:
        self._context, self._parameters = context, parameters
        self._leases: list[ModelLease] = []
        self._classifier: SoundClassifier | None = None

    def load(self) -> None:
        encoder = self._lease(speech_recogniser.ENCODER, "int8")
        speech_recogniser.ENCODER_SIGNATURE.check(str(encoder.path), encoder.signature)
        classifier = self._lease(sound_classifier.MODEL, "fp32")
        sound_classifier.SIGNATURE.check(str(classifier.path), classifier.signature)
        self._classifier = SoundClassifier(encoder, classifier)
        self.vocabulary = Vocabulary(self._classifier.model_id, CLASSES)

    def unload(self) -> None:
        self._classifier = self.vocabulary = None
        while self._leases:
            self._leases.pop().close()

    def init_state(self, task: Task, budget: Budget) -> HearState:
        pieces = self._context.sounds(task.stamp_ns - WINDOW_NS + 1, task.stamp_ns)
        samples = np.concatenate([np.zeros(0, np.float32), *(p.samples for p in pieces)])
        if len(samples) < LEAST_S * SAMPLE_RATE:
            raise NothingToDo(f"less than {LEAST_S:g} s of sound")
        if not samples.any():
            raise NothingToDo("silence")
        return HearState(samples)

    def step(self, state: HearState) -> HearState:
        if self._classifier is None:
            raise RuntimeError("hear runs before its networks are loaded")
        named = self._classifier.name(state.samples, LOOKS_S[state.looks])
        return HearState(state.samples, surer(state.names, named), state.looks + 1)

    def energy(self, state: HearState) -> float:
        return state.wrong

    def feasible(self, state: HearState) -> bool:
        is_sure = 1.0 - state.wrong >= self._parameters.least_probability
        return is_sure or state.looks == len(LOOKS_S)

    def halt(self, history: History) -> str:
        return "the sound is named" if history.feasible else ""

    def result(self, state: HearState) -> Mapping[str, Any]:
        if state.names is None:
            return {"summary": "a sound that was not named yet"}
        names, least = state.names.labels, self._parameters.least_probability
        sure = [name for name in names if name.probability >= least]
        said = ", ".join(f"{CLASSES[n.number]} {n.probability:.2f}" for n in sure)
        return {
            "summary": f"heard: {said}" if said else "none of the sounds that it knows",
            "labels": [CLASSES[name.number] for name in sure],
            "classes": [[name.number, name.probability] for name in names],
        }

    def _lease(self, name: str, precision: str) -> Any:
        self._leases.append(self._context.model_session(name, precision))
        return self._leases[-1].model
