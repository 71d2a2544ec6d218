"""Words find the classes that they ask for, in every vocabulary that a memory knows."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest

from sage_encoders.backends.class_judge import MOST_NAMES, ClassJudge
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.speech.sound_classifier import CLASSES
from sage_encoders.core.recognition.concepts import read_concepts

OBJECTS = ("bicycle", "cat", "frying pan", "traffic light")


@pytest.fixture(scope="module")
def installed() -> Path:
    """The models' folder of this environment."""
    return Path(sys.prefix, "share", "sage_encoders", "models")


class Meaning:
    """Embeds words, and counts how often."""

    def __init__(self, folder: Path) -> None:
        self._embedder = OpenTextEmbedder(folder).embedder
        self.count = 0

    def __call__(self, text: str) -> tuple[np.ndarray, str]:
        self.count += 1
        return self._embedder.embed(text), self._embedder.encoder_id


@pytest.fixture(scope="module")
def meaning(installed: Path) -> Meaning:
    return Meaning(installed)


def test_the_picture_classifier_is_known_by_its_names_and_wider_words_find_it(
    meaning: Meaning, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGE_MODELS", str(installed))
    names = tuple(read_concepts(installed).class_names)
    judge = ClassJudge(meaning, pytest.fail)
    fits = judge("where did I see a vehicle?", {"sight-1@a": names, "sight-2@b": names})
    assert fits.keys() == {"sight-1@a", "sight-2@b"}
    found = dict(zip(names, fits["sight-1@a"].tolist(), strict=True))
    assert found["sports car"] > 0.5 and found["tench"] < 0.1
    assert fits["sight-1@a"].dtype == np.float32 and fits["sight-1@a"].shape == (1000,)


def test_the_detector_is_known_likewise(
    meaning: Meaning, installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGE_MODELS", str(installed))
    names = tuple(read_concepts(installed).object_names)
    before = meaning.count
    fits = ClassJudge(meaning, pytest.fail)("a vehicle", {"finder-1@c": names})["finder-1@c"]
    assert fits[names.index("car")] > 0.5 > 0.2 > fits[names.index("cat")]
    assert meaning.count - before <= 2, "of the words only"


def test_where_the_names_were_not_embedded_the_classifier_is_left_out(
    meaning: Meaning, installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = tuple(read_concepts(installed).class_names)
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    said: list[str] = []
    assert ClassJudge(meaning, said.append)("a vehicle", {"sight-1@a": names}) == {}
    (fault,) = said
    assert fault.startswith("what sight-1@a recognised is not searched: ")
    assert "imagenet_concepts" in fault


def test_other_models_are_asked_by_their_names_embedded_once(meaning: Meaning) -> None:
    judge = ClassJudge(meaning, pytest.fail)
    fits = judge("a bicycle", {"finder-1@c": OBJECTS})["finder-1@c"]
    assert fits.argmax() == 0 and fits[0] > 0.5 and fits[1] < 0.1
    before = meaning.count
    again = judge("where is the cat?", {"finder-1@c": OBJECTS})["finder-1@c"]
    assert again.argmax() == 1
    assert meaning.count - before <= 2, "of the words only"


def test_a_large_vocabulary_that_nobody_knows_is_left_out(meaning: Meaning) -> None:
    names = tuple(f"class {number}" for number in range(MOST_NAMES + 1))
    said: list[str] = []
    judge = ClassJudge(meaning, said.append)
    assert judge("a cat", {"odd-1@d": names, "finder-1@c": OBJECTS}).keys() == {"finder-1@c"}
    assert len(said) == 1 and "nobody embedded" in said[0]


def test_sounds_are_found_by_other_words_for_them(installed: Path) -> None:
    embedder = OpenTextEmbedder(installed).embedder
    judge = ClassJudge(lambda text: (embedder.embed(text), embedder.encoder_id), pytest.fail)
    asked = {"a dog": "dog barking", "the sea": "sea waves", "a clock": "ticking clock"}
    for words, name in asked.items():
        fits = judge(words, {"sounds": CLASSES})["sounds"]
        assert CLASSES[int(fits.argmax())] == name and fits.max() > 0.9
    assert judge("a bicycle", {"sounds": CLASSES})["sounds"].max() < 0.1


def test_what_is_somebodys_is_found_by_what_it_is_and_by_whose(meaning: Meaning) -> None:
    judge = ClassJudge(meaning, pytest.fail)
    known = {"taught-picture@1": ("my cup",), "taught-picture@2": ("anna's dog",)}
    for words, best in {"where is my cup?": 0, "a cup": 0, "a dog": 1, "Anna's dog": 1}.items():
        fits = [float(fit[0]) for fit in judge(words, known).values()]
        assert fits[best] > 0.9 and fits[1 - best] < 0.1, words
