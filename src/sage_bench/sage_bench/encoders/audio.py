"""Time of the audio encoder for one hop, beside the reference architecture and PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_bench.encoders.section import NO_TORCH, Figures, Setting, has_torch
from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.audio import PERIOD, AudioEncoder
from sage_encoders.core.log_mel import FRAMES, HOP, N_FFT, LogMelStream, frames_db, normalise
from sage_training import data

MODEL, REFERENCE = "audio_encoder", "reference/audio_encoder.onnx"
GOAL_MS = 1.0
PERIOD_NS = 100_000_000
SPAN = N_FFT + (FRAMES - 1) * HOP
HELD_OUT_FOLD = 4
CLIPS_HEARD = 20

Floats = NDArray[np.float32]


def time_rows(setting: Setting) -> Figures:
    """Milliseconds of one 100 ms hop, and of its log-mel apart."""
    heard = Heard(setting)
    encode_ms = alternating_ms(_encoders(setting, heard), setting.runs, setting.limit_s)
    stream = LogMelStream()

    def hop(number: int) -> None:
        stream.push(heard.hop(number))
        normalise(stream.window())

    mel = {
        "a hop": Variant(hop),
        "whole window": Variant(lambda number: normalise(frames_db(heard.window(number)))),
    }
    mel_ms = alternating_ms(mel, setting.runs, setting.limit_s)
    rows = (
        row_of_variants("audio encode with log-mel, one core, p50", encode_ms, GOAL_MS),
        row_of_variants("audio log-mel of a 100 ms hop, p50", mel_ms),
    )
    return Figures(rows, () if has_torch() else (NO_TORCH,))


class Heard:
    """Held-out clips, one after the other, as a stream of 100 ms hops."""

    def __init__(self, setting: Setting) -> None:
        clips = data.sounds(setting.file(data.ESC10))
        kept = [samples for name, samples in clips if data.fold(name) == HELD_OUT_FOLD]
        self._samples: Floats = np.concatenate(kept[::4][:CLIPS_HEARD])
        self._hops = len(self._samples) // PERIOD

    def hop(self, number: int) -> Floats:
        """The samples of a hop, [1600]; the stream begins anew at its end."""
        begin = number % self._hops * PERIOD
        return self._samples[begin : begin + PERIOD]

    def window(self, number: int) -> Floats:
        """The last 1.054 s up to a hop, [16864]."""
        begin = number % self._hops * PERIOD
        return self._samples[min(begin, len(self._samples) - SPAN) :][:SPAN]


class Listener:
    """Pushes hop after hop into the encoder, without a gap in the stamps."""

    def __init__(self, model: OnnxModel, heard: Heard) -> None:
        self._encoder, self._heard, self._stamp_ns = AudioEncoder(model, "bench"), heard, 0
        for number in range(FRAMES):
            self(number)

    def __call__(self, number: int) -> None:
        self._stamp_ns += PERIOD_NS
        self._encoder.push(self._heard.hop(number), self._stamp_ns)


def _encoders(setting: Setting, heard: Heard) -> dict[str, Variant]:
    """The first is what is measured; the others stand beside it."""
    reference = setting.model(REFERENCE)
    theirs = {n: OnnxModel(reference, threads=n) for n in (1, 2)}

    def each(run: Callable[[Floats], Any]) -> Callable[[int], Any]:
        return lambda number: run(normalise(frames_db(heard.window(number)))[None])

    variants = {
        "ours": Variant(Listener(setting.open(MODEL), heard)),
        "ours, two threads": Variant(Listener(setting.open(MODEL, 2), heard)),
        "reference, whole-window log-mel": Variant(each(lambda x: theirs[1].run(log_mel=x))),
        "reference, two threads": Variant(each(lambda x: theirs[2].run(log_mel=x))),
    }
    if has_torch():
        from sage_training import eager

        own, other = each(eager.audio()), each(eager.audio_of_reference())
        variants |= {
            "ours in PyTorch, whole-window log-mel": Variant(own, lambda: eager.set_threads(1)),
            "reference in PyTorch": Variant(other, lambda: eager.set_threads(1)),
            "reference in PyTorch, two threads": Variant(other, lambda: eager.set_threads(2)),
        }
    return variants
