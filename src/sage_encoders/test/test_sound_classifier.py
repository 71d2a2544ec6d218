"""Naming sounds: what its card says, on clips that nothing was trained on."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator

import numpy as np
import pytest
from speech_sounds import AUDIO, INSTALLED, SAMPLE_RATE, recorded

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.speech import sound_classifier, speech_recogniser
from sage_encoders.backends.speech.sound_classifier import CLASSES, SoundClassifier
from sage_encoders.core.card import read_card

CLIPS = "esc10_folds1to4_16k_flac.zip"
HELD_OUT_FOLD = "4"


@pytest.fixture(scope="module")
def classifier() -> Iterator[SoundClassifier]:
    encoder = REGISTRY.open(
        speech_recogniser.ENCODER, INSTALLED, "int8", "cpu",
        signature=speech_recogniser.ENCODER_SIGNATURE,
    )  # fmt: skip
    name, signature = sound_classifier.MODEL, sound_classifier.SIGNATURE
    head = REGISTRY.open(name, INSTALLED, "fp32", "cpu", signature=signature)
    with encoder as first, head as second:
        yield SoundClassifier(first, second)


def test_as_many_are_named_right_as_its_card_says(classifier: SoundClassifier) -> None:
    recorded(CLIPS, "001_dog_bark/4-182395-A.flac")  # skips where there are no recordings
    with zipfile.ZipFile(AUDIO / CLIPS) as archive:
        names = [name for name in archive.namelist() if name.endswith(".flac")]
    held_out = [name for name in names if name.split("/")[-1].startswith(HELD_OUT_FOLD)]
    right = []
    for name in held_out:
        labels = classifier.name(recorded(CLIPS, name)).labels
        right.append(bool(labels) and labels[0].number == int(name[:3]) - 1)
    card = read_card(INSTALLED / "sound_classifier.json").body["held_out"]
    assert len(right) == card["clips"] == 80
    assert np.mean(right) == pytest.approx(card["right"], abs=0.0126)
    assert np.mean(right) >= 0.88 > 1 / len(CLASSES)


def test_silence_has_no_name(classifier: SoundClassifier) -> None:
    assert all(label.probability < 0.5 for label in classifier.name(np.zeros(100)).labels)


@pytest.mark.parametrize("samples", [np.full(SAMPLE_RATE, np.inf), np.zeros((2, SAMPLE_RATE))])
def test_what_is_no_sound_is_refused(classifier: SoundClassifier, samples: np.ndarray) -> None:
    with pytest.raises(InvalidInput):
        classifier.name(samples.astype(np.float32))
