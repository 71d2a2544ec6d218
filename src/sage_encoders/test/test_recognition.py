"""Naming pictures, and which names answer to words."""

import io
import sys
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.opencv_resize import resize
from sage_encoders.backends.packaged import conversion
from sage_encoders.backends.packaged.name_vectors import read_name_vectors, vectors_file
from sage_encoders.core.card import ModelError, read_card
from sage_encoders.core.recognition.concepts import FILE, OBJECTS_FILE, Concepts, read_concepts
from sage_encoders.core.recognition.picture_classifier import (
    MODEL,
    SIGNATURE,
    PictureClassifier,
    temperature,
)
from sage_encoders.core.recognition.word_fit import ClassFit, Vector, phrasings

Fits = Callable[[str], Vector]
HELD_OUT = 400
"""Photographs of odd classes, which nothing was chosen by."""


@pytest.fixture(scope="module")
def installed() -> Path:
    """The models' folder of this environment, into which the set-up writes the networks."""
    return Path(sys.prefix, "share", "sage_encoders", "models")


@pytest.fixture(scope="module")
def concepts(models: Path) -> Concepts:
    return read_concepts(models)


@pytest.fixture(scope="module", params=["fp32", "int8"])
def classifier(request: pytest.FixtureRequest, installed: Path) -> Iterator[PictureClassifier]:
    with REGISTRY.open(MODEL, installed, request.param, "cpu", signature=SIGNATURE) as model:
        yield PictureClassifier(model, resize)


@pytest.fixture(scope="module")
def asked(installed: Path) -> Callable[[str], list[Vector]]:
    embedder = OpenTextEmbedder(installed).embedder
    return lambda words: [embedder.embed(text) for text in phrasings(words)]


@pytest.fixture(scope="module")
def class_fit(installed: Path, concepts: Concepts) -> ClassFit:
    encoder_id = OpenTextEmbedder(installed).embedder.encoder_id
    return ClassFit(concepts, read_name_vectors(installed, concepts, encoder_id))


@pytest.fixture(scope="module")
def fits(class_fit: ClassFit, asked: Callable[[str], list[Vector]]) -> Fits:
    return lambda words: class_fit.fits(words, asked(words))[0]


def photographs(data: Path, concepts: Concepts) -> Iterator[tuple[int, np.ndarray]]:
    """Class and picture, uint8 RGB [224, 224, 3], of each photograph of an odd class."""
    with zipfile.ZipFile(data / "images/photos800_224px.zip") as archive:
        for name in sorted(archive.namelist()):
            number = concepts.ids.index(name.split("_")[0])
            if number % 2:
                content = np.frombuffer(archive.read(name), np.uint8)
                yield number, cv2.cvtColor(cv2.imdecode(content, 1), cv2.COLOR_BGR2RGB)


def test_the_card_holds(classifier: PictureClassifier, data: Path, concepts: Concepts) -> None:
    named = [(n, classifier.name(image)) for n, image in photographs(data, concepts)]
    assert len(named) == HELD_OUT
    best = np.array([int(naming.probabilities.argmax()) for _, naming in named])
    right = best == [number for number, _ in named]
    sure = np.array([float(naming.probabilities.max()) for _, naming in named])
    installed = Path(sys.prefix, "share", "sage_encoders", "models")
    cards = [read_card(installed / f"{name}.json") for name in (MODEL, f"{MODEL}_int8")]
    (card,) = [card for card in cards if card.encoder_id == classifier.model_id]
    assert right.mean() == pytest.approx(card.body["held_out"]["photographs_right"], abs=0.011)
    tenths = np.minimum((sure * 10).astype(int), 9)
    apart = [abs(sure[tenths == t].mean() - right[tenths == t].mean()) for t in set(tenths)]
    shares = [(tenths == t).mean() for t in set(tenths)]
    assert np.dot(apart, shares) < 0.05


@pytest.mark.parametrize("shape", [(1, 1, 3), (3, 4000, 3), (4320, 7680, 3), (224, 224, 3)])
def test_any_size(classifier: PictureClassifier, shape: tuple[int, int, int]) -> None:
    naming = classifier.name(np.full(shape, 90, np.uint8))
    assert naming.probabilities.shape == (1000,) and naming.features.shape == (1280,)
    assert naming.probabilities.sum() == pytest.approx(1.0, abs=1e-4)
    labels = naming.labels(classifier.model_id).labels
    assert len(labels) == 10
    assert [label.probability for label in labels] == sorted(naming.probabilities)[:-11:-1]


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
    ],
)
def test_no_picture_is_refused(classifier: PictureClassifier, image: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="image"):
        classifier.name(image)


def test_what_was_enlarged_is_named_with_less_certainty() -> None:
    by_side = [temperature(side) for side in (1, 32, 64, 128, 224, 4000)]
    assert by_side == sorted(by_side, reverse=True)
    assert temperature(224) == temperature(4000)


def test_concepts(concepts: Concepts) -> None:
    assert len(concepts.class_names) == 1000
    assert concepts.class_names[0] == "tench"
    vehicles = concepts.members("n04524313")
    assert vehicles[concepts.class_names.index("sports car")]
    assert not vehicles[0]
    with pytest.raises(ValueError, match="n00000000"):
        concepts.members("n00000000")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("", "0 and 80 concepts"),
        ("n1\tone\n", "line 1"),
        ("n1\tone\tn2\n" * 1000, "n2"),
        ("n1\t\t\n", "line 1"),
    ],
)
def test_damaged_concepts_are_refused(
    models: Path, tmp_path: Path, content: str, words: str
) -> None:
    (tmp_path / OBJECTS_FILE).write_bytes((models / OBJECTS_FILE).read_bytes())
    (tmp_path / FILE).write_text(content)
    with pytest.raises(ModelError, match=words):
        read_concepts(tmp_path)
    with pytest.raises(ModelError, match="cannot be read"):
        read_concepts(tmp_path / "none")


def test_words_find_classes_by_name_and_by_wider_concepts(fits: Fits, concepts: Concepts) -> None:
    names = concepts.class_names
    car, fish, bike = names.index("sports car"), names.index("tench"), names.index("mountain bike")
    asked = fits("a vehicle")
    assert asked.shape == (1000,) and asked.min() >= 0.0 and asked.max() <= 1.0
    assert asked[[car, bike]].min() > 0.5 > 0.05 > asked[fish]
    assert fits("where did I see a bicycle?")[bike] > 0.9
    assert fits("where did I see a bicycle?")[car] < 0.2
    assert fits("quarterly tax return").max() < 0.2


def test_words_find_objects_by_name_and_by_wider_concepts(
    class_fit: ClassFit, concepts: Concepts, asked: Callable[[str], list[Vector]]
) -> None:
    names = concepts.object_names
    assert len(names) == 80 and names[0] == "person" and names[-1] == "toothbrush"
    for words, wanted in {
        "where did I see a car?": {"car"},
        "a man": {"person"},
        "a bike": {"bicycle", "motorcycle"},
        "a vehicle": {"bicycle", "car", "motorcycle", "airplane", "bus", "truck", "boat"},
        "a fruit": {"banana", "apple", "orange"},
    }.items():
        _, found = class_fit.fits(words, asked(words))
        assert found.shape == (80,) and found.dtype == np.float32
        best = {names[number] for number in np.flatnonzero(found > 0.7)}
        assert wanted <= best, words
        assert "broccoli" not in best


def test_a_sentence_asks_for_what_it_names(
    class_fit: ClassFit, concepts: Concepts, asked: Callable[[str], list[Vector]]
) -> None:
    share = class_fit.named_share
    assert share("where did I see a car?") == 1.0
    assert share("a red car") == pytest.approx(1 / 2)
    assert share("A man with two dogs beside a traffic light") == pytest.approx(4 / 5)
    assert share("quarterly tax return") == share("") == share("of the") == 0.0
    words = "A man with two dogs beside a traffic light"
    _, found = class_fit.fits(words, asked(words))
    best = {concepts.object_names[number] for number in np.argsort(-found)[:3]}
    assert {"dog", "traffic light"} <= best
    assert found.max() <= share(words) + 1e-6
    _, red = class_fit.fits("a red car", asked("a red car"))
    assert red.argmax() == concepts.object_names.index("car") and red.max() >= 0.5


def test_vectors_of_names_are_those_of_this_encoder(
    installed: Path, concepts: Concepts, tmp_path: Path
) -> None:
    with pytest.raises(ModelError, match="sage weights"):
        read_name_vectors(installed, concepts, "another-1@0")
    for name in (FILE, OBJECTS_FILE):
        (tmp_path / name).write_bytes((installed / name).read_bytes())
    path = vectors_file(tmp_path, "any")
    for damaged in (b"no numbers", b""):
        path.write_bytes(damaged)
        with pytest.raises(ModelError, match="not the vectors"):
            read_name_vectors(tmp_path, concepts, "any")
    content = io.BytesIO()
    np.save(content, np.zeros((3, 4), np.float16))
    path.write_bytes(content.getvalue())
    with pytest.raises(ModelError, match=r"\(3, 4\)"):
        read_name_vectors(tmp_path, concepts, "any")


def test_what_is_whole_is_not_written_again_and_what_is_damaged_is(
    installed: Path, models: Path, tmp_path: Path
) -> None:
    for path in installed.iterdir():
        if path.is_file():
            (tmp_path / path.name).write_bytes(path.read_bytes())
    said: list[str] = []
    conversion.convert(tmp_path, said.append)
    assert not said
    damaged = tmp_path / f"{MODEL}_int8.onnx"
    damaged.write_bytes(damaged.read_bytes()[:-1])
    conversion.convert(tmp_path, said.append)
    assert len(said) == 1 and damaged.name in said[0]
    assert damaged.read_bytes() == (installed / damaged.name).read_bytes()
    (vectors,) = tmp_path.glob("imagenet_concepts-*.npy")
    vectors.write_bytes(vectors.read_bytes()[:1000])
    conversion.convert(tmp_path, said.append)
    assert len(said) == 2 and vectors.name in said[1]
    assert vectors.stat().st_size == (installed / vectors.name).stat().st_size


def test_other_weights_than_were_measured_are_refused(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in (MODEL, f"{MODEL}_int8"):
        (tmp_path / f"{name}.json").write_bytes((installed / f"{name}.json").read_bytes())
    monkeypatch.setattr(conversion, "efficientnet_lite0", lambda *_: b"another network")
    with pytest.raises(ModelError, match="SHA-256"):
        conversion.convert(tmp_path, lambda _: None)
    assert not list(tmp_path.glob("*.onnx"))
    monkeypatch.setattr(conversion, "PACKAGE", "no_such_package")
    with pytest.raises(ModelError, match="pip install no-such-package"):
        conversion.convert(tmp_path, lambda _: None)
