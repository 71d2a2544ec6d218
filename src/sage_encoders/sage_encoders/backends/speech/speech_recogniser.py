"""Speech to text: Whisper tiny.en, as `sage weights` writes it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import ModelError
from sage_encoders.core.signature import Signature, Tensor
from sage_encoders.core.speech.spectrum import BANDS, HOP, SAMPLE_RATE, log_mel, padded
from sage_encoders.core.speech.transcript import Token, Word, repeats, text_of, words_of

ENCODER, DECODER = "speech_encoder", "speech_decoder"
LAYERS, HEADS, WIDTH, HEAD = 4, 6, 384, 64
LONGEST, TOKENS = 1500, 51864
HEARD = tuple(f"{part}{n}" for n in range(LAYERS) for part in ("heard_key", "heard_value"))
"""What the encoder hands to the decoder: keys and values for each of its layers."""
SAID = tuple(f"{part}{n}" for n in range(LAYERS) for part in ("said_key", "said_value"))
"""What the decoder hands to its next run: keys and values of what it has said."""
_HEARD, _SAID = Tensor("float32", (1, HEADS, "S", HEAD)), Tensor("float32", (1, HEADS, "P", HEAD))
_NOW = Tensor("float32", (1, HEADS, "N", HEAD))
ENCODER_SIGNATURE = Signature(
    inputs={"mel": Tensor("float32", (1, BANDS, "T"))},
    outputs={
        "features": Tensor("float32", (1, "S", WIDTH)),
        **dict.fromkeys(HEARD, _HEARD),
    },
)
DECODER_SIGNATURE = Signature(
    inputs={
        "token": Tensor("int64", (1,)),
        "place": Tensor("int64", (1,)),
        **dict.fromkeys(HEARD, _HEARD),
        **dict.fromkeys(SAID, _SAID),
    },
    outputs={
        "logits": Tensor("float32", (1, TOKENS)),
        **{f"{name}_now": _NOW for name in SAID},
    },
)
BEGIN = ("<|startoftranscript|>", "<|notimestamps|>")
END, NO_SPEECH = "<|endoftext|>", "<|nocaptions|>"
LONGEST_S = 2 * LONGEST * HOP / SAMPLE_RATE
AFTER_S, LEAST_S = 3.0, 10.0
"""Silence that is added, and least length of what the network hears: it learned on 30 s, and says
things again and again where there is less of it. Chosen on the first four clips of LJSpeech."""
TOKENS_PER_S, TOKENS_MORE = 8, 8
"""Nobody says more."""
LEVEL, SLOPE = -3.73, -2.40
"""Of the probability that a word is wrong: fitted on the first four clips of LJSpeech that have a
transcript, as they are, in noise and with echo, and on digits of fsdd of even number."""

Floats = NDArray[np.float32]
Tensors = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Heard:
    """What the encoder heard.

    Attributes:
        features: float32 [S, 384], 50 a second.
        attended: what the decoder attends to, by name.
        most_tokens: that so much sound may have.
    """

    features: Floats
    attended: Tensors
    most_tokens: int


@dataclass(frozen=True)
class Transcript:
    """What was understood so far.

    Attributes:
        tokens: pieces of words.
        no_speech: probability that there is no speech, [0, 1].
        is_done: there is no more.
        is_endless: it repeats itself, or has more words than anybody says in the time.
        said: for the decoder.
        next_logits: of the token that comes next, float32 [51864].
    """

    tokens: tuple[Token, ...]
    no_speech: float
    is_done: bool
    said: Tensors
    next_logits: Floats
    is_endless: bool = False

    @property
    def text(self) -> str:
        """In words."""
        return text_of([token.piece for token in self.tokens])

    @property
    def words(self) -> list[Word]:
        """Each with the probability that it is wrong."""
        return words_of(self.tokens, LEVEL, SLOPE)

    @property
    def wrong(self) -> float:
        """Mean probability that a word is wrong, [0, 1]; 1 of no words, or of no end of them."""
        words = [] if self.is_endless else self.words
        return float(np.mean([word.wrong for word in words])) if words else 1.0


class SpeechRecogniser:
    """Understands one utterance at a time, a few tokens a call.

    Args:
        encoder, decoder: with ENCODER_SIGNATURE and DECODER_SIGNATURE; the decoder's metadata
            `tokens` lists what it says, a line each, and `suppressed` what it never does.

    Raises:
        ModelError: it lists others than it says.
    """

    def __init__(self, encoder: OnnxModel, decoder: OnnxModel) -> None:
        self._encoder, self._decoder = encoder, decoder
        self._pieces = decoder.metadata.get("tokens", "").split("\n")
        if len(self._pieces) != TOKENS:
            raise ModelError(f"{decoder.path}: {len(self._pieces)} tokens: expected {TOKENS}")
        self._begin = [self._pieces.index(piece) for piece in BEGIN]
        self._end, self._no_speech = (self._pieces.index(piece) for piece in (END, NO_SPEECH))
        never = [int(number) for number in decoder.metadata["suppressed"].split()]
        self._never = np.array([*never, *range(self._end + 1, TOKENS)])
        self._space = self._pieces.index("\u0120")

    def hear(self, samples: Floats) -> Heard:
        """Encode an utterance, 16 kHz, float32 [n], full scale 1; of a longer one the first 27 s.

        Raises:
            InvalidInput: not one-dimensional, or not finite.
        """
        most = round((LONGEST_S - AFTER_S) * SAMPLE_RATE)
        speech = samples[:most]
        count = max(len(speech) + round(AFTER_S * SAMPLE_RATE), round(LEAST_S * SAMPLE_RATE))
        mel = log_mel(padded(speech, count // (2 * HOP) * 2 * HOP))
        outputs = self._encoder.run(mel=mel[None])
        features = outputs.pop("features")[0]
        tokens = TOKENS_MORE + round(TOKENS_PER_S * len(speech) / SAMPLE_RATE)
        return Heard(features, outputs, tokens)

    def begin(self, heard: Heard) -> Transcript:
        """A transcript without words yet."""
        said: Tensors = {n: np.zeros((1, HEADS, 0, HEAD), np.float32) for n in SAID}
        logits, said = self._decoded(self._begin[0], 0, heard, said)
        no_speech = float(np.exp(_log_softmax(logits)[self._no_speech]))
        logits, said = self._decoded(self._begin[1], 1, heard, said)
        logits[[self._space, self._end]] = -np.inf
        return Transcript((), no_speech, False, said, logits)

    def go_on(self, transcript: Transcript, heard: Heard, tokens: int) -> Transcript:
        """So many tokens more, each the most probable one."""
        for _ in range(tokens):
            if transcript.is_done:
                break
            transcript = self._longer(transcript, heard)
        return transcript

    def _longer(self, before: Transcript, heard: Heard) -> Transcript:
        logits = before.next_logits.copy()
        logits[self._never] = -np.inf
        number = int(np.argmax(logits))
        if number == self._end:
            return replace(before, is_done=True)
        token = Token(self._pieces[number], float(_log_softmax(logits)[number]))
        tokens = (*before.tokens, token)
        if repeats([token.piece for token in tokens]) or len(tokens) >= heard.most_tokens:
            return replace(before, tokens=tokens, is_done=True, is_endless=True)
        place = len(self._begin) + len(tokens) - 1
        following, said = self._decoded(number, place, heard, before.said)
        return Transcript(tokens, before.no_speech, False, said, following)

    def _decoded(
        self, token: int, place: int, heard: Heard, said: Tensors
    ) -> tuple[Floats, Tensors]:
        inputs = {"token": np.array([token], np.int64), "place": np.array([place], np.int64)}
        outputs = self._decoder.run(**inputs, **heard.attended, **said)
        logits = np.asarray(outputs["logits"][0], np.float32)
        return logits, {name: outputs[f"{name}_now"] for name in SAID}


def _log_softmax(logits: Floats) -> Floats:
    shifted = logits - logits.max()
    return np.asarray(shifted - np.log(np.exp(shifted).sum()), np.float32)
