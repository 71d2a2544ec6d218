"""Naming: what it looks at, when it stops, and what it publishes."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from orchestrator_graph import play, started
from test_look import FixedBudget

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.recognition.concepts import read_concepts
from sage_orchestrator.core.plugin import NothingToDo, Region, Task, Vocabulary
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.running.recognised import recognised
from sage_plugins.params import RecogniseParameters
from sage_plugins.recognise.plugin import LEAST_SIDE_PX, RecognisePlugin

WIDTH, HEIGHT = 640, 360
GOLDFISH = "n01443537_goldfish.jpg"
PLACE = Region(380, 100, 200, 200)


class World:
    """A context with one picture and the models of this environment."""

    def __init__(self, image: np.ndarray | None) -> None:
        self._image = image

    def frames(self, source: str, stamp_ns: int) -> np.ndarray | None:
        return self._image

    def model_session(self, name: str, precision: str = "auto"):
        return REGISTRY.open(name, models_folder(), precision)


@pytest.fixture(scope="module")
def scene(data: Path) -> np.ndarray:
    """A goldfish in the right half of a grey picture."""
    with zipfile.ZipFile(data / "images/photos800_224px.zip") as archive:
        content = np.frombuffer(archive.read(GOLDFISH), np.uint8)
    photo = cv2.cvtColor(cv2.imdecode(content, 1), cv2.COLOR_BGR2RGB)
    image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    side = PLACE.width
    image[PLACE.top : PLACE.top + side, PLACE.left : PLACE.left + side] = cv2.resize(
        photo, (side, side), interpolation=cv2.INTER_AREA
    )
    return image


class Finder:
    """A detector that finds the same objects in any picture."""

    def __init__(self, *objects: Label) -> None:
        self.found = Labels("finder-1@0", objects)
        self.calls = 0

    def find(self, image: np.ndarray) -> Labels:
        self.calls += 1
        return self.found


@pytest.fixture
def plugin() -> Iterator[RecognisePlugin]:
    """Without the detector, which is an option of the set-up."""
    made = RecognisePlugin(World(None), RecogniseParameters())
    made.load()
    made._detector, made.objects = None, None
    yield made
    made.unload()


@pytest.fixture
def finding(plugin: RecognisePlugin) -> RecognisePlugin:
    """With one that finds a boat where the goldfish is, and a person beside it."""
    there = (380 / 640, 100 / 360, 200 / 640, 200 / 360)
    names = read_concepts(models_folder()).object_names
    boat, person = (names.index(name) for name in ("boat", "person"))
    objects = Label(boat, 0.98, there), Label(person, 0.7, (0.0, 0.0, 0.2, 0.9))
    plugin._detector = Finder(*objects)
    plugin.objects = Vocabulary("finder-1@0", names)
    return plugin


def refined(plugin: RecognisePlugin, image: np.ndarray, region: Region | None):
    """All states until it halts."""
    plugin._context = World(image)
    states = [plugin.init_state(Task(5, "vision", "front", 0.8, region), FixedBudget())]
    while not plugin.feasible(states[-1]):
        states.append(plugin.step(states[-1]))
    return states


def test_it_names_what_is_attended(plugin: RecognisePlugin, scene: np.ndarray) -> None:
    states = refined(plugin, scene, PLACE)
    assert plugin.vocabulary is not None
    result = plugin.result(states[-1])
    assert result["labels"][0] == "goldfish"
    assert result["summary"].startswith("attended: goldfish 0.")
    energies = [plugin.energy(state) for state in states]
    assert energies[0] == 1.0 and energies[-1] < 0.5
    (found,) = recognised(result, plugin.vocabulary, plugin.objects)
    assert found.detections is not None and found.classes is not None
    assert (found.width, found.height) == (WIDTH, HEIGHT)
    box = found.detections.labels[0].box
    assert box == pytest.approx((380 / 640, 100 / 360, 200 / 640, 200 / 360))
    assert len(found.classes.labels) == len(found.detections.labels) == 10


def test_it_stops_when_it_is_sure_enough(plugin: RecognisePlugin, scene: np.ndarray) -> None:
    quick = refined(plugin, scene, PLACE)
    plugin._parameters = RecogniseParameters(good_enough=0.0)
    settled = refined(plugin, scene, PLACE)
    assert len(quick) == 2 and quick[-1].wrong <= 0.5
    assert len(settled) == 3 and settled[-1].settled and not settled[-2].settled
    assert settled[-1].waiting, "two looks agreed"
    history = History([1.0, 0.1], feasible=True)
    assert plugin.halt(history) and not plugin.halt(History([1.0]))


def test_objects_are_looked_for_last_where_it_is_not_sure_before(
    finding: RecognisePlugin, scene: np.ndarray
) -> None:
    states = refined(finding, scene, PLACE)
    assert finding._detector.calls == 0, "the goldfish was enough"
    finding._parameters = RecogniseParameters(good_enough=0.0)
    states = refined(finding, scene, PLACE)
    assert finding._detector.calls == 1 and states[-2].settled
    assert finding.energy(states[-1]) == pytest.approx(0.02)
    result = finding.result(states[-1])
    assert result["summary"].startswith("attended: boat 0.98, goldfish 0.")
    assert result["labels"][:2] == ["boat", "goldfish"] and "person" not in result["labels"]
    seen, objects = recognised(result, finding.vocabulary, finding.objects)
    assert seen.detections is not None and len(seen.detections.labels) == 10
    assert objects.classes is None and objects.detections == finding._detector.found
    assert (objects.width, objects.height) == (WIDTH, HEIGHT)


def test_without_a_region_objects_are_looked_for_in_the_picture(
    finding: RecognisePlugin, scene: np.ndarray
) -> None:
    finding._parameters = RecogniseParameters(good_enough=0.0)
    first, last = refined(finding, scene, None)
    assert finding.energy(first) >= finding.energy(last)
    assert {"boat", "person"} <= set(finding.result(last)["labels"])


def test_objects_of_a_model_without_a_vocabulary_are_refused() -> None:
    result = {"objects": [[0, 0.5, [0.0, 0.0, 1.0, 1.0]]], "picture_size": [4, 3]}
    with pytest.raises(InvalidInput, match=r"objects.*vocabulary"):
        recognised(result, Vocabulary("a-1@0", ["person"]), None)
    (found,) = recognised(result, None, Vocabulary("a-1@0", ["person"]))
    assert found.detections == Labels("a-1@0", (Label(0, 0.5, (0.0, 0.0, 1.0, 1.0)),))


def test_without_a_region_the_picture_is_named(plugin: RecognisePlugin, scene: np.ndarray) -> None:
    (only,) = refined(plugin, scene, None)
    result = plugin.result(only)
    assert result["summary"].startswith("in sight: ") and "detections" not in result
    assert 0.0 < plugin.energy(only) < 1.0


def test_a_region_at_the_edge_and_a_small_one(plugin: RecognisePlugin, scene: np.ndarray) -> None:
    for region in (Region(-50, -50, 60, 60), Region(WIDTH - 2, HEIGHT - 2, 40, 2)):
        squares = [view.square for view in refined(plugin, scene, region)[-1].looks]
        assert squares
        for left, top, side in squares:
            assert left >= 0 and top >= 0 and left + side <= WIDTH and top + side <= HEIGHT
            assert side >= min(LEAST_SIDE_PX, HEIGHT)


def test_without_a_picture_there_is_nothing_to_do(plugin: RecognisePlugin) -> None:
    with pytest.raises(NothingToDo, match="front"):
        plugin.init_state(Task(5, "vision", "front", 0.8), FixedBudget())


def test_what_it_recognised_is_published(tmp_path: Path) -> None:
    host = started(tmp_path, ["sage_plugins.specs:RECOGNISE"])
    play(host)
    classes = host.messages("classes", modality="vision")
    info, *others = host.messages("label_info", modality="vision")
    assert [other.header.frame_id.partition("@")[0] for other in others] in ([], ["nanodet-g-1"])
    found = host.messages("detections", modality="vision")
    assert classes and found
    names = {item.class_name for item in info.class_map}
    assert info.header.frame_id.startswith("efficientnet-lite0-1@") and len(names) == 1000
    for message in classes:
        assert message.header.frame_id == "front"
        scores = [result.score for result in message.results]
        assert scores == sorted(scores, reverse=True) and len(scores) == 10
        assert {result.class_id for result in message.results} <= names
    assert {m.header.stamp.nanosec for m in found} <= {m.header.stamp.nanosec for m in classes}
    answers = [m for m in host.messages("refinement") if m.plugin == "recognise"]
    assert answers and all(message.labels for message in answers)
