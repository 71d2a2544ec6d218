"""Understands what is said: waits for an utterance to end, hears it, and writes it down."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sage_encoders.backends.speech import speech_recogniser, voice_activity
from sage_encoders.backends.speech.speech_recogniser import SpeechRecogniser
from sage_encoders.backends.speech.voice_activity import VoiceActivity
from sage_encoders.core.speech.endpointer import Endpointer
from sage_orchestrator.core.plugin import (
    Budget,
    History,
    ModelLease,
    NothingToDo,
    Plugin,
    PluginContext,
    Task,
)
from sage_plugins.listen.state import ListenState
from sage_plugins.listen.stream import SoundStream
from sage_plugins.params import ListenParameters

SIGNATURES = {
    voice_activity.MODEL: voice_activity.SIGNATURE,
    speech_recogniser.ENCODER: speech_recogniser.ENCODER_SIGNATURE,
    speech_recogniser.DECODER: speech_recogniser.DECODER_SIGNATURE,
}
PRECISIONS = ("fp32", "int8", "int8")
TOKENS = 4
"""Of a step: some 10 ms."""
NS_PER_S = 1_000_000_000
FIRST_NS, MOST_PIECES = NS_PER_S, 20
"""Sound before its first run that it hears, too, and pieces that one run hears: others wait."""
LONGEST = 4000
"""Characters of an utterance."""


class ListenPlugin(Plugin[ListenState]):
    """Energy = mean probability that a word is wrong, in [0, 1]; 1 before it is written down.

    It follows a stream: where it is in the sound, and what it has not understood yet, goes on from
    run to run, so that an utterance may take as many runs as its share of the budget makes of it.
    """

    nominal_step_ns = 20_000_000

    def __init__(self, context: PluginContext, parameters: ListenParameters) -> None:
        self._context, self._parameters = context, parameters
        self._leases: list[ModelLease] = []
        self._recogniser: SpeechRecogniser | None = None
        self._stream: SoundStream | None = None
        self._now: ListenState | None = None

    def load(self) -> None:
        models = []
        for (name, signature), precision in zip(SIGNATURES.items(), PRECISIONS, strict=True):
            self._leases.append(self._context.model_session(name, precision))
            model = self._leases[-1].model
            signature.check(str(model.path), model.signature)
            models.append(model)
        activity, encoder, decoder = models
        endpointer = Endpointer(self._parameters.pause_s, self._parameters.longest_s)
        self._stream = SoundStream(VoiceActivity(activity), endpointer)
        self._recogniser = SpeechRecogniser(encoder, decoder)

    def unload(self) -> None:
        self._recogniser = self._stream = self._now = None
        while self._leases:
            self._leases.pop().close()

    def init_state(self, task: Task, budget: Budget) -> ListenState:
        if self._stream is None:
            raise RuntimeError("listen runs before its networks are loaded")
        self._hear(self._stream, task.stamp_ns)
        if self._now is None:
            if not self._stream.waiting:
                speaking_s = self._stream.speaking_s
                speaks = f"somebody has been speaking for {speaking_s:.1f} s"
                raise NothingToDo(speaks if speaking_s else "nobody speaks")
            self._now = ListenState(self._stream.waiting.popleft())
        return self._now

    def step(self, state: ListenState) -> ListenState:
        if self._recogniser is None:
            raise RuntimeError("listen runs before its networks are loaded")
        heard, transcript = state.heard, state.transcript
        if heard is None:
            state = replace(state, heard=self._recogniser.hear(state.speech.samples))
        elif transcript is None:
            state = replace(state, transcript=self._recogniser.begin(heard))
        else:
            longer = self._recogniser.go_on(transcript, heard, TOKENS)
            state = replace(state, transcript=longer)
        self._now = None if state.is_done else state
        return state

    def energy(self, state: ListenState) -> float:
        return state.wrong

    def feasible(self, state: ListenState) -> bool:
        return state.is_done

    def halt(self, history: History) -> str:
        return "all that was said is written down" if history.feasible else ""

    def result(self, state: ListenState) -> Mapping[str, Any]:
        text = "" if state.transcript is None else state.transcript.text[:LONGEST]
        if not state.is_done:
            return {"summary": f'hears: "{text} ..."' if text else "speech, not understood yet"}
        right = 1.0 - state.wrong
        if not text or right < self._parameters.published_probability:
            return {"summary": "speech that cannot be understood"}
        return {"summary": f'hears: "{text}"', "words": [text, right, state.speech.end_ns]}

    def telemetry(self, state: ListenState) -> Mapping[str, float | str | bool]:
        lost = 0 if self._stream is None else self._stream.lost
        seconds = round(state.speech.voiced_s, 2)
        return {"speech_s": seconds, "wrong": round(state.wrong, 4), "lost_utterances": lost}

    def _hear(self, stream: SoundStream, stamp_ns: int) -> None:
        """Take in the sound up to a percept, from where it has heard it on."""
        begin_ns = stamp_ns - FIRST_NS if stream.end_ns is None else stream.end_ns + 1
        stream.take(self._context.sounds(begin_ns, stamp_ns)[:MOST_PIECES])
