"""What is wrong with a graph, told once and where it begins."""

from __future__ import annotations

import pytest
from diagnostic_msgs.msg import DiagnosticStatus, KeyValue

from sage_common.core.diagnosis.ended import Ended
from sage_common.core.diagnosis.node_status import NodeStatus, read_status
from sage_common.core.diagnosis.root_causes import Cause, outputs, root_causes

FLOW = {
    "camera": ((), ("camera_info", "image_raw")),
    "microphone": ((), ("audio",)),
    "vision_encoder": (("image_raw",), ("vision/puzzle",)),
    "audio_encoder": (("audio",), ("audio/puzzle",)),
    "vision_scorer": (("vision/puzzle",), ("vision/salience",)),
    "audio_scorer": (("audio/puzzle",), ("audio/salience",)),
    "fusion": (("vision/salience", "audio/salience", "vision/puzzle"), ("salience",)),
    "attention": (("salience", "vision/salience", "camera_info"), ("attention",)),
    "memory": (("salience", "vision/puzzle", "audio/puzzle", "image_raw"), ("experience",)),
    "orchestrator": (("salience", "attention", "image_raw"), ("budget",)),
}
BEHIND_THE_CAMERA = (
    "attention", "fusion", "memory", "orchestrator", "vision_encoder", "vision_scorer",
)  # fmt: skip


def graph(**unwell: tuple[int, str, tuple[str, ...]]) -> list[NodeStatus]:
    """Statuses of the whole flow; `unwell`: level, message and inputs at fault, by node."""
    return [status(name, *unwell.get(name, (0, "running", ()))) for name in FLOW]


def status(name: str, level: int, message: str, at_fault: tuple[str, ...]) -> NodeStatus:
    inputs, outputs = FLOW[name]
    told = {f"/sage/{topic} received": "7" for topic in inputs}
    told |= {f"/sage/{topic} published": "7" for topic in outputs}
    if at_fault:
        told["inputs at fault"] = ", ".join(f"/sage/{topic}" for topic in at_fault)
    pairs = [KeyValue(key=key, value=value) for key, value in told.items()]
    full = f"/sage/{name}"
    return read_status(
        DiagnosticStatus(name=full, level=bytes([level]), message=message, values=pairs)
    )


def causes(statuses: list[NodeStatus], **silent_s: float) -> list[Cause]:
    return root_causes(statuses, silent_s)


def starved(*topics: str) -> tuple[int, str, tuple[str, ...]]:
    return (1, f"no fresh input on {', '.join(topics)}", topics)


WITHOUT_A_CAMERA = {
    "vision_encoder": starved("image_raw"),
    "vision_scorer": starved("vision/puzzle"),
    "fusion": starved("vision/salience", "vision/puzzle"),
    "attention": starved("vision/salience", "camera_info"),
    "memory": starved("vision/puzzle", "image_raw"),
    "orchestrator": starved("image_raw"),
}


def test_a_graph_that_is_well_has_no_cause() -> None:
    assert causes(graph()) == []


@pytest.mark.parametrize("level", [1, 2])
def test_a_dead_camera_is_the_one_cause_of_all_that_lies_behind_it(level: int) -> None:
    dead = (level, "no device /dev/video0", ())
    found = causes(graph(camera=dead, **WITHOUT_A_CAMERA))
    word = ("", "warn", "error")[level]
    assert found == [Cause("camera", word, "no device /dev/video0", BEHIND_THE_CAMERA)]
    assert found[0].words == (
        "camera: no device /dev/video0; therefore at fault: " + ", ".join(BEHIND_THE_CAMERA)
    )


def test_a_node_that_was_killed_is_the_cause_though_its_last_word_was_that_it_is_well() -> None:
    found = causes(graph(**WITHOUT_A_CAMERA), camera=17.0)
    assert found == [Cause("camera", "silent", "no status for 17 s", BEHIND_THE_CAMERA)]


@pytest.mark.parametrize("is_heard", [True, False])
def test_a_process_that_ended_is_the_cause_at_once_though_its_node_was_never_heard(
    is_heard: bool,
) -> None:
    statuses = graph(**WITHOUT_A_CAMERA)
    gone = Ended("camera", "its process ended (killed)", ("camera",), outputs(statuses, ["camera"]))
    assert gone.topics == ("/sage/camera_info", "/sage/image_raw")
    heard = [s for s in statuses if is_heard or s.name != "camera"]
    assert root_causes(heard, {}, [gone]) == [
        Cause("camera", "ended", "its process ended (killed)", BEHIND_THE_CAMERA)
    ]


def test_what_nobody_else_publishes_is_laid_to_a_process_that_ended_before_it_was_heard() -> None:
    heard = [s for s in graph(**WITHOUT_A_CAMERA) if s.name != "camera"]
    gone = Ended("camera", "its process ended (killed)", ("camera",))
    (found,) = root_causes(heard, {}, [gone])
    assert (found.name, found.consequences) == ("camera", BEHIND_THE_CAMERA)


def test_a_process_of_several_nodes_is_told_once() -> None:
    gone = Ended("container", "its process ended (killed)", tuple(FLOW))
    assert root_causes(graph(), dict.fromkeys(FLOW, 20.0), [gone]) == [
        Cause("container", "ended", "its process ended (killed)", tuple(FLOW))
    ]


def test_the_cause_is_found_through_a_node_that_does_not_complain() -> None:
    slow = (1, "input below half its rate on audio/puzzle", ("audio/puzzle",))
    found = causes(graph(microphone=(1, "stale", ()), audio_scorer=slow, memory=slow))
    assert found == [Cause("microphone", "warn", "stale", ("audio_scorer", "memory"))]


def test_where_everybody_upstream_is_well_the_topic_is_named_once_with_its_giver() -> None:
    slow = (1, "input below half its rate on audio/puzzle", ("audio/puzzle",))
    (found,) = causes(graph(audio_scorer=slow, memory=slow))
    assert (found.name, found.consequences) == ("/sage/audio/puzzle", ("audio_scorer", "memory"))
    assert "audio_encoder" in found.message


def test_a_topic_that_nobody_publishes_is_the_cause() -> None:
    lacking = {name: fault for name, fault in WITHOUT_A_CAMERA.items() if name != "attention"}
    without = [s for s in graph(**lacking) if s.name != "camera"]
    (found,) = causes(without)
    assert found.name == "/sage/image_raw" and "no node of the graph publishes" in found.message
    assert found.consequences == tuple(n for n in BEHIND_THE_CAMERA if n != "attention")


def test_two_causes_are_told_the_worse_first_and_an_own_error_is_no_consequence() -> None:
    broken = (2, "models/audio.onnx: the file is damaged", ("audio",))
    dead = (1, "absent: no device /dev/video0", ())
    found = causes(graph(camera=dead, audio_encoder=broken, **WITHOUT_A_CAMERA))
    assert [(cause.name, cause.level) for cause in found] == [
        ("audio_encoder", "error"), ("camera", "warn"),
    ]  # fmt: skip
    assert found[0].consequences == ()


def test_nodes_that_wait_for_each_other_are_told_and_end_the_search() -> None:
    found = causes(graph(attention=starved("salience"), fusion=starved("vision/salience")))
    assert {cause.name for cause in found} == {"/sage/vision/salience"}
    assert found[0].consequences == ("attention", "fusion")


def test_what_was_shed_is_no_fault_and_what_follows_of_it_is_said() -> None:
    unwell = {"vision_encoder": (1, "inactive", ()), "vision_scorer": starved("vision/puzzle")}
    governor = DiagnosticStatus(name="/sage/governor", level=b"\x00", message="running")
    governor.values = [KeyValue(key="shed nodes", value="vision_encoder red")]
    (found,) = causes([*graph(**unwell), read_status(governor)])
    assert (found.name, found.level) == ("vision_encoder", "shed")
    assert found.message == "shed at pressure red" and found.consequences == ("vision_scorer",)
