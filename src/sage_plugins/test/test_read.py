"""Reading: what it says of what is attended, when it stops, and what it publishes."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import PackageNotFoundError
from pathlib import Path

import cv2
import numpy as np
import pytest
from orchestrator_graph import attention, header, started
from test_look import FixedBudget

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns
from sage_encoders.backends.model_registry import REGISTRY
from sage_orchestrator.core.plugin import HeardUtterance, NothingToDo, Region, Task
from sage_orchestrator.core.plugin.halting import History
from sage_orchestrator.core.plugin.setup import set_up
from sage_orchestrator.core.running.answer import checked_result
from sage_orchestrator.core.running.words import recognised_words
from sage_plugins.params import ReadParameters
from sage_plugins.read.plugin import ReadPlugin
from sage_plugins.specs import READ

INSTALLED = Path(sys.prefix, "share", "sage_encoders", "models")
WIDTH, HEIGHT = 640, 360
STAMP_NS = 60_000_000_000
SIGN = Region(380, 100, 200, 120)


class World:
    """A context with one picture, the words of lately, and the models of this environment."""

    def __init__(self, image: np.ndarray | None, heard: Sequence[HeardUtterance] = ()) -> None:
        self._image, self._heard = image, heard

    def frames(self, source: str, stamp_ns: int) -> np.ndarray | None:
        return self._image

    def utterances(self, start_ns: int, end_ns: int) -> Sequence[HeardUtterance]:
        return [words for words in self._heard if start_ns <= words.stamp_ns <= end_ns]

    def model_session(self, name: str, precision: str = "auto"):
        return REGISTRY.open(name, INSTALLED, precision)


@pytest.fixture(scope="module")
def scene() -> np.ndarray:
    """A sign of two lines in the right half, and words far away from it in the left."""
    image = np.full((HEIGHT, WIDTH, 3), 110, np.uint8)
    right, bottom = SIGN.left + SIGN.width, SIGN.top + SIGN.height
    cv2.rectangle(image, (SIGN.left, SIGN.top), (right, bottom), (240, 240, 240), -1)
    for words, place in (("Gate 12", (400, 150)), ("Push", (400, 200)), ("OPEN", (20, 40))):
        cv2.putText(image, words, place, cv2.FONT_HERSHEY_DUPLEX, 1.0, (20, 20, 20), 2, cv2.LINE_AA)
    return image


@pytest.fixture
def plugin() -> Iterator[ReadPlugin]:
    made = ReadPlugin(World(None), ReadParameters())
    made.load()
    yield made
    made.unload()


def refined(plugin: ReadPlugin, image: np.ndarray, region: Region | None, heard=()):
    """All states until it halts."""
    plugin._context = World(image, heard)
    task = Task(STAMP_NS, "vision", "front", 0.8, region)
    states = [plugin.init_state(task, FixedBudget())]
    while not plugin.feasible(states[-1]):
        states.append(plugin.step(states[-1]))
    return states


def test_it_reads_what_is_attended(plugin: ReadPlugin, scene: np.ndarray) -> None:
    states = refined(plugin, scene, SIGN)
    energies = [plugin.energy(state) for state in states]
    assert energies[0] == 1.0 and energies[1] == pytest.approx(0.5, abs=0.1)
    assert 0.0 < energies[2] < 0.1
    result = checked_result(plugin.result(states[-1]))
    assert result["summary"] == 'reads: "Gate 12 Push"'
    assert result["labels"] == ["Gate 12", "Push"]
    box = np.array(result["boxes"][0])
    assert np.abs(box[0] - (400, 128)).max() < 10, "in pixels of the native picture"
    words = recognised_words(result)
    assert words is not None and words.text == "Gate 12 Push" and words.confidence > 0.9
    assert plugin.telemetry(states[-1])["read"] == 2


def test_it_says_what_it_has_when_it_is_stopped_early(
    plugin: ReadPlugin, scene: np.ndarray
) -> None:
    first, second, _ = refined(plugin, scene, SIGN)
    result = plugin.result(first)
    assert result["summary"] == "text that was not read yet" and result["labels"] == []
    assert "words" not in result
    assert len(plugin.result(second)["labels"]) == 1


def test_a_whole_picture_is_read_where_nothing_is_attended(
    plugin: ReadPlugin, scene: np.ndarray
) -> None:
    result = plugin.result(refined(plugin, scene, None)[-1])
    assert sorted(result["labels"]) == ["Gate 12", "OPEN", "Push"]


@pytest.mark.parametrize(("height", "width"), [(1, 1), (4320, 7680), (3, 4000), (HEIGHT, WIDTH)])
def test_without_text_there_is_none(plugin: ReadPlugin, height: int, width: int) -> None:
    (only,) = refined(plugin, np.full((height, width, 3), 90, np.uint8), None)
    result = plugin.result(only)
    assert plugin.energy(only) == 0.0
    assert result == {"summary": "no text", "labels": [], "boxes": []}
    assert plugin.halt(History([0.0], feasible=True)) and not plugin.halt(History([1.0]))


def test_what_is_hardly_read_is_neither_shown_nor_published(
    plugin: ReadPlugin, scene: np.ndarray
) -> None:
    last = refined(plugin, scene, SIGN)[-1]
    plugin._parameters = ReadParameters(published_probability=1.0)
    assert "words" not in plugin.result(last)
    plugin._parameters = ReadParameters(least_probability=1.0)
    assert plugin.result(last)["summary"] == "text that cannot be read"


def test_the_same_words_are_not_published_twice_within_some_seconds(
    plugin: ReadPlugin, scene: np.ndarray
) -> None:
    def published(text: str, ago_s: float) -> bool:
        heard = HeardUtterance(STAMP_NS - round(ago_s * 1e9), text, "", 0.9)
        return "words" in plugin.result(refined(plugin, scene, SIGN, [heard])[-1])

    assert not published("gate 12, push", 9.0)
    assert published("gate 12, push", 11.0)
    assert published("gate 13, push", 1.0)


def test_a_region_at_the_edge(plugin: ReadPlugin, scene: np.ndarray) -> None:
    for region in (Region(-50, -50, 60, 60), Region(WIDTH - 2, HEIGHT - 2, 40, 2)):
        assert refined(plugin, scene, region)


def test_without_a_picture_there_is_nothing_to_do(plugin: ReadPlugin) -> None:
    with pytest.raises(NothingToDo, match="front"):
        plugin.init_state(Task(5, "vision", "front", 0.8), FixedBudget())


def test_without_the_package_it_is_left_out_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> None:
        raise PackageNotFoundError(name)

    offered = {name: lambda: None for name in READ.needs}
    assert set_up(READ, ReadParameters(), offered).spec is READ
    monkeypatch.setattr("sage_orchestrator.core.plugin.spec.distribution", missing)
    with pytest.raises(InvalidInput, match=r"rapidocr-onnxruntime.*make demo OPTIONS=1"):
        set_up(READ, ReadParameters(), offered)


@pytest.mark.parametrize(
    "words",
    ["EXIT", ["EXIT"], ["", 0.9], ["EXIT", 1.1], ["EXIT", "0.9"], ["EX\0IT", 0.9], [3, 0.9]],
)
def test_words_that_are_none_are_refused(words: object) -> None:
    with pytest.raises(InvalidInput, match="words"):
        recognised_words({"words": words})


def test_what_it_read_is_published_as_words_and_not_twice(tmp_path: Path) -> None:
    host = started(tmp_path, ["sage_plugins.specs:READ"], models_dir=str(INSTALLED))
    image = np.full((480, 640, 3), 225, np.uint8)
    cv2.putText(image, "EXIT 12", (310, 240), cv2.FONT_HERSHEY_DUPLEX, 0.5, (20, 20, 60), 1)
    begin_ns = host.clock.now_ns()
    for tenth in range(120):
        at_ns = begin_ns + tenth * 100_000_000 + 5_000_000
        message = array_to_image(image, "rgb8", header(at_ns))
        host.publish("camera/image_raw", message, name="front")
        host.publish("attention", attention(at_ns))
    host.run_for(12.5)
    answers = [m for m in host.messages("refinement") if m.plugin == "read"]
    assert len(answers) >= 10 and {tuple(m.labels) for m in answers} == {("EXIT 12",)}
    said = host.messages("text")
    assert [(m.text, m.speaker, m.header.frame_id) for m in said] == [("EXIT 12", "", "read")] * 2
    first, second = (stamp_ns(m.header.stamp) for m in said)
    assert second - first > 10_000_000_000 and first in [stamp_ns(m.header.stamp) for m in answers]
    assert all(0.9 <= m.confidence <= 1.0 for m in said)
