"""What comes from a generated signal says so everywhere, from the message to the memory."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from sage.graph.description import GraphOptions, describe
from sage.graph.outages import Outages
from sage.observe.latest import Latest
from sage.observe.live_view import render
from sage.observe.sensors import all_absent, backends
from sage.observe.tally import Tally
from sage.run.session import RunOptions, Session
from sage.run.waiting import Waiting
from sage_common.core.synthetic import is_synthetic, percept_source, sensor_name, synthetic_frame
from sage_common.ros.container import node_class
from sage_common.ros.lockstep.host import LockstepHost
from sage_msgs.srv import Recall, StoreExperience


def test_a_mark_is_put_on_and_taken_off() -> None:
    marked = percept_source("front", synthetic_frame("camera_link"))
    assert marked == "synthetic:front"
    assert is_synthetic(marked) and sensor_name(marked) == "front"
    assert percept_source("front", "camera_link") == "front"
    assert not is_synthetic("front") and sensor_name("front") == "front"


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """The whole graph after five seconds of generated signals."""
    home = tmp_path_factory.mktemp("home")
    host = LockstepHost(home=home)
    for spec in describe(GraphOptions(source="synthetic", home=str(home))).nodes:
        small = {"width_px": 160, "height_px": 120} if spec.kind == "camera" else {}
        host.add(node_class(spec.type.node_class), spec.name, {**spec.parameters, **small})
    host.run_for(5.0)
    yield host
    host.close()


def test_every_message_of_a_generated_signal_says_so(played: LockstepHost) -> None:
    frames = {
        "camera/info": "synthetic/camera_front_optical_frame",
        "microphone/audio": "synthetic/microphone_front",
        "imu/data": "synthetic/imu_link",
    }
    names = {"camera/info": "front", "microphone/audio": "front", "imu/data": "body"}
    for key, frame_id in frames.items():
        messages = played.messages(key, name=names[key])
        assert messages and {m.header.frame_id for m in messages} == {frame_id}
    marked = {"vision": "front", "audio": "front", "proprioception": "body"}
    for modality, sensor in marked.items():
        for key in ("puzzle", "salience"):
            valid = [m for m in played.messages(key, modality=modality) if m.valid]
            assert valid, f"{modality} {key}"
            assert {m.source for m in valid} == {f"synthetic:{sensor}"}
    fused = played.messages("fused_salience")[-1]
    assert all(is_synthetic(own.source) for own in fused.modalities if own.valid)
    attended = [m for m in played.messages("attention") if m.valid and m.modality == "vision"]
    assert attended and all(is_synthetic(m.source) for m in attended)
    assert all(m.roi.width for m in attended), "its camera is still known by name"


def test_a_kept_moment_of_a_generated_signal_says_so(played: LockstepHost) -> None:
    stored = played.call("memory/store", StoreExperience.Request(modality="vision"))
    assert stored.success, stored.message
    answer = played.call("memory/recall", Recall.Request(modality="vision"))
    kept = answer.experiences[[e.id for e in answer.experiences].index(stored.id)]
    assert kept.source == "synthetic:front"
    assert kept.payload_media_type == "image/webp", "the picture is kept, too"
    real = played.call("memory/recall", Recall.Request(modality="vision", source="front"))
    assert not real.experiences
    latest = Latest(experiences=[kept])
    console = Console(width=200, record=True)
    console.print(render(latest, Tally(), "a title"))
    assert "synthetic:front" in console.export_text()


def status(name: str, **values: str) -> Any:
    """A node's diagnostics as they come."""
    items = [SimpleNamespace(key=k.replace("_", " "), value=v) for k, v in values.items()]
    return SimpleNamespace(name=f"/sage/{name}", values=items)


def test_a_run_tells_what_its_sensors_are(tmp_path: Path) -> None:
    graph = describe(GraphOptions(source="live", home=str(tmp_path)))
    assert backends(graph, [])["camera"] == "auto"
    camera = status("camera", camera_backend="absent: no camera")
    microphone = status("microphone", microphone_backend="absent: no microphone")
    imu = status("imu", imu_backend="absent: no IMU")
    seen = [camera, microphone, imu, status("fusion", camera_backend="nonsense")]
    assert backends(graph, seen) == {
        "camera": "absent: no camera", "microphone": "absent: no microphone",
        "imu": "absent: no IMU", "text": "topic",
    }  # fmt: skip
    assert all_absent(graph, seen) == [
        "camera absent: no camera", "microphone absent: no microphone", "imu absent: no IMU",
    ]  # fmt: skip
    assert all_absent(graph, [camera, imu]) == [], "the microphone has not been heard of yet"
    found = status("microphone", microphone_backend="portaudio:default")
    assert all_absent(graph, [camera, found, imu]) == []
    others = describe(GraphOptions(source="topics", home=str(tmp_path)))
    assert all_absent(others, seen) == [], "a robot publishes them"


def test_a_run_without_any_sensor_ends_and_says_what_it_looked_for(tmp_path: Path) -> None:
    graph = describe(GraphOptions(source="live", home=str(tmp_path)))
    events: list[str] = []
    session = Session(graph, RunOptions(), on_event=events.append)
    names = ("camera", "microphone", "imu")
    told = {name: status(name, **{f"{name}_backend": "absent: none"}) for name in names}
    session.observer = SimpleNamespace(latest=Latest(diagnostics=told))  # type: ignore[assignment]
    session.supervisor = SimpleNamespace(outages=Outages({}))  # type: ignore[assignment]
    assert Waiting(session, 0.0).is_over(3.0)
    assert "camera absent: none; microphone absent: none; imu absent: none" in events[0]
    assert "--wait" in events[1]
    told["imu"] = status("imu", imu_backend="iio:bmi160")
    assert not Waiting(session, 0.0).is_over(3.0)
