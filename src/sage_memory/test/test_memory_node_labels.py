"""The memory node keeps what plugins recognise, also when it comes late, and recalls it."""

from __future__ import annotations

from pathlib import Path

import node_inputs as inputs
import pytest
from experiences import numbered
from sensor_msgs.msg import CameraInfo

from sage_common.core.labels import Label, Labels
from sage_common.ros.conversions.labels import classification, detection_array, label_info
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import read_card
from sage_memory import Memory, Query
from sage_memory.nodes.memory_node import MemoryNode
from sage_msgs.srv import Recall

T0 = DEFAULT_START_NS
FRAME = 1_000_000_000 // 30
PEAK = [0.2] * 6 + [0.9] + [0.2] * 8
KEPT_NS = T0 + 6 * FRAME
CLASSES = ("cat", "dog", "a car")
MODEL = "sight-1@abc"


class PackagedEmbedNode(inputs.EmbedNode):
    """Says that it is the packaged encoder, whose words have a floor."""

    def _embed(self, request, response):
        super()._embed(request, response)
        response.encoder_id = read_card(models_folder() / "minilm.json").encoder_id
        return response


def start(home: Path) -> LockstepHost:
    host = LockstepHost(home=home)
    host.add(MemoryNode, parameters={"device_id": "robot"})
    return host


def see(host: LockstepHost, until: int = len(PEAK), first: int = 0) -> None:
    for index in range(first, until):
        stamp = T0 + index * FRAME
        host.publish("puzzle", inputs.puzzle(stamp), modality="vision")
        host.publish("fused_salience", inputs.fused(stamp, PEAK[index]))
    host.run_until(T0 + until * FRAME)


def named(*pairs: tuple[int, float]) -> Labels:
    return Labels(MODEL, tuple(Label(number, share) for number, share in pairs))


def say_classes(host: LockstepHost, labels: Labels, stamp_ns: int, source: str = "front") -> None:
    message = classification(labels, CLASSES, stamp_ns, source)
    host.publish("classes", message, modality="vision")
    host.run_for(0.01)


def announce(host: LockstepHost) -> None:
    host.publish("label_info", label_info(MODEL, CLASSES), modality="vision")
    host.run_for(0.001)


def kept(home: Path) -> list[dict[str, tuple[float, bool]]]:
    """Of each experience the names, their probabilities, and whether they have a box."""
    with Memory.open(home, read_only=True) as memory:
        return [
            {
                one.vocabulary[label.number]: (round(label.probability, 2), label.box is not None)
                for one in memory.labels(answer.experience.id)
                for label in one.labels
            }
            for answer in memory.recall(Query(limit=10))
        ]


def test_what_was_recognised_before_a_moment_is_kept_goes_with_it(tmp_path: Path) -> None:
    host = start(tmp_path)
    announce(host)
    see(host, 7)
    say_classes(host, named((0, 0.9)), KEPT_NS - 3 * FRAME)
    say_classes(host, named((1, 0.7), (2, 0.1)), KEPT_NS)
    say_classes(host, named((2, 0.9)), KEPT_NS, source="back")
    assert not host.messages("experience")
    see(host, first=7)
    assert len(host.messages("experience")) == 1
    assert kept(tmp_path) == [{"dog": (0.7, False), "a car": (0.1, False)}]
    host.close()


def test_what_is_recognised_some_seconds_later_goes_with_the_kept_moment(tmp_path: Path) -> None:
    host = start(tmp_path)
    announce(host)
    info = CameraInfo(header=inputs.header(T0), width=200, height=100)
    host.publish("camera/info", info, name="front")
    see(host)
    assert len(host.messages("experience")) == 1 and kept(tmp_path) == [{}]
    host.run_for(5.0)
    say_classes(host, named((1, 0.7), (0, 0.2)), KEPT_NS)
    assert kept(tmp_path) == [{"dog": (0.7, False), "cat": (0.2, False)}]
    found = Labels(MODEL, (Label(1, 0.8, (0.5, 0.0, 0.5, 1.0)),))
    message = detection_array(found, CLASSES, KEPT_NS, "front", (200, 100))
    host.publish("detections", message, modality="vision")
    host.run_for(0.01)
    assert kept(tmp_path) == [{"dog": (0.8, True), "cat": (0.2, False)}]
    with Memory.open(tmp_path, read_only=True) as memory:
        (answer,) = memory.recall(Query())
        ((_, _, labels),) = memory.labels(answer.experience.id)
    assert labels[0].box == pytest.approx((0.5, 0.0, 0.5, 1.0), abs=1e-4)
    host.close()


def test_labels_of_a_model_that_nobody_announced_are_counted(tmp_path: Path) -> None:
    host = start(tmp_path)
    see(host)
    say_classes(host, named((1, 0.7)), KEPT_NS)
    host.run_for(3.0)
    arrays = [item.message() for item in host.outputs if item.topic == "/diagnostics"]
    (status,) = [s for s in arrays[-1].status if s.name.endswith("memory")]
    assert {p.key: p.value for p in status.values}["labels_of_unknown_models"] == "1"
    assert kept(tmp_path) == [{}]
    host.close()


def test_other_names_of_a_models_classes_cost_labels_and_no_moment(tmp_path: Path) -> None:
    with Memory.open(tmp_path, device_id="robot") as memory:
        memory.remember(numbered(1, end_ns=10, start_ns=10), None, [(named(), ["x"])]).result()
    host = start(tmp_path)
    announce(host)
    see(host, 7)
    say_classes(host, named((1, 0.7)), KEPT_NS)
    see(host, first=7)
    assert len(host.messages("experience")) == 1
    host.close()


def test_words_find_what_was_recognised(tmp_path: Path) -> None:
    host = start(tmp_path)
    host.add(PackagedEmbedNode)
    announce(host)
    see(host, 7)
    say_classes(host, named((1, 0.71)), KEPT_NS)
    see(host, first=7)
    answers = host.call("memory/recall", Recall.Request(text="dog"))
    assert list(answers.reasons) == ["seen: dog 0.71"], answers.message
    assert answers.scores[0] == pytest.approx(0.71, abs=1e-3)
    nothing = host.call("memory/recall", Recall.Request(text="a car"))
    assert nothing.success and not nothing.experiences
    host.close()
