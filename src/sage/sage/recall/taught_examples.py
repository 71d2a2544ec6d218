"""Examples of words that are taught: from files, and from what was kept last."""

from __future__ import annotations

import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import numpy as np

from sage.memory.opening import open_memory
from sage.recall.embedding import embed_sound
from sage.recall.examples import read_image, read_sound, shows_something
from sage.recall.question import Sound
from sage_common.core.errors import InvalidInput
from sage_memory.backends.payload_decoding import picture
from sage_memory.backends.picture_looks import LEAST_SIDE_PX, PictureLooks, Pixels
from sage_memory.core.experience import Experience
from sage_memory.core.ingest.privacy import WITHHELD
from sage_memory.core.memory import Memory
from sage_memory.core.recall.query import Answer, Query
from sage_memory.core.taught.examples import Example
from sage_memory.core.taught.taught_word import TaughtWord

LAST = 20
"""So many kept moments are looked through for one that has something to show."""
LONGEST_S = 30.0
"""Of a sound file, from its end on, the loudest second is looked for."""


def shown_by_images(word: str, paths: Sequence[Path]) -> TaughtWord:
    """A word with pictures of it as examples.

    Raises:
        InvalidInput: a file is no picture, too small a one, or uniform.
        ModelError: the model is not installed.
    """
    images = [read_image(path) for path in paths]
    for path, image in zip(paths, images, strict=True):
        if min(image.shape[:2]) < LEAST_SIDE_PX:
            size = f"{image.shape[1]}x{image.shape[0]}"
            expected = f"{LEAST_SIDE_PX} pixels a side or more, not {size}"
            raise InvalidInput("image", str(path), expected)
    return _shown(word, [(image, b"") for image in images])


def shown_by_sounds(word: str, paths: Sequence[Path]) -> TaughtWord:
    """A word with sounds as examples: the loudest second of each.

    Raises:
        InvalidInput: a file is no sound, too short, or silent.
        ModelError: the model is not installed.
    """
    found = [embed_sound(_loudest_second(read_sound(path, LONGEST_S))) for path in paths]
    examples = tuple(Example.of(vector) for vector, _ in found)
    return TaughtWord(word, "sound", found[0][1], examples, taught_ns=time.time_ns())


def shown_last(word: str, home: Path, modality: str) -> tuple[TaughtWord, Experience]:
    """A word with the last kept moment of a modality as example, and that moment.

    Raises:
        InvalidInput: nothing of it is kept that can show a word, or the last is private.
        MemoryFailure: the store cannot be opened.
        ModelError: the model is not installed.
    """
    with open_memory(home, read_only=True) as memory:
        spec = memory.modality_specs.get(modality)
        kind = spec.payload if spec is not None else ""
        if kind not in ("picture", "sound"):
            raise InvalidInput("modality", modality, "one that keeps pictures or sounds")
        query = Query(modality=modality, limit=LAST, newest_first=True, with_embedding=True)
        answers = memory.recall(query)
        for answer in answers:
            experience = answer.experience
            if experience.encoder_id == WITHHELD:
                raise InvalidInput("last", modality, f"a {kind} to learn from: the last is private")
            if kind == "sound":
                return _heard(word, experience), experience
            image = _kept_picture(memory, answer)
            if image is not None:
                if not shows_something(image):
                    expected = "a picture that shows something: the last is of one colour"
                    raise InvalidInput("last", modality, expected)
                return _shown(word, [(image, experience.id)]), experience
    raise InvalidInput("last", modality, f"a kept {kind}; {home} has none")


def _heard(word: str, experience: Experience) -> TaughtWord:
    example = Example.of(experience.embedding, experience.id)
    return TaughtWord(word, "sound", experience.encoder_id, (example,), taught_ns=time.time_ns())


def _kept_picture(memory: Memory, answer: Answer) -> Pixels | None:
    payload, _ = memory.payload(answer.experience)
    return None if payload is None else picture(payload)


def _shown(word: str, images: Sequence[tuple[Pixels, bytes]]) -> TaughtWord:
    with closing(PictureLooks()) as opened:
        examples = tuple(Example.of(opened.features_of(image), key) for image, key in images)
        by = opened.model_id
    return TaughtWord(word, "picture", by, examples, taught_ns=time.time_ns())


def _loudest_second(sound: Sound) -> Sound:
    rate_hz, samples = sound.rate_hz, sound.samples
    begins = range(0, max(len(samples) - rate_hz // 2, 1), max(rate_hz // 2, 1))
    parts = [samples[begin : begin + rate_hz] for begin in begins]
    loudest = max(parts, key=lambda part: float(np.square(part).sum()))
    return Sound(loudest, rate_hz)
