"""From what the user calls the source to the sensor nodes that it needs."""

from __future__ import annotations

from pathlib import Path

from sage.sources.bag_plan import plan_bag
from sage.sources.sensor_plan import SensorNode, SensorPlan
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import STREAMS, ModalitySpec
from sage_common.core.synthetic import SYNTHETIC
from sage_sensors.backends.catalogue import camera_backends
from sage_sensors.backends.recording import (
    GENERATED,
    data_folder,
    find_demo_recording,
    plan_recording,
)
from sage_sensors.backends.story.opening import STORY, SUFFIXES, Story, demo_story
from sage_sensors.core.story.labels import bed, played


def plan_sensors(
    source: str, camera: str, namespace: str, loop: bool, own: tuple[ModalitySpec, ...] = ()
) -> SensorPlan:
    """The sensors for a source.

    Args:
        source: `story` (what the demo plays), `recording` (the best recording at hand), `live`
            (devices of this machine), `topics` (somebody else publishes them), `synthetic`
            (generated signals), or the path of a composition, a media file or a bag.
        camera: for `live`: auto, v4l2, synthetic, what a package offers, a device such as
            /dev/video2, or a media file.
        namespace: of the graph; a bag's own topics are played under it.
        loop: play a recording again and again.
        own: modalities that come from none of these sensors, which a bag may hold.

    Raises:
        InvalidInput: it is none of these.
        FileNotFoundError: it is a path, and nothing is there.
    """
    if source == "recording":
        return _demo_recording(loop)
    if source == STORY:
        return _story(demo_story(data_folder()), loop)
    if source == "live":
        return _live(camera)
    if source == SYNTHETIC:
        return _synthetic()
    if source == "topics":
        return SensorPlan((), dict.fromkeys(STREAMS, "topic"))
    path = Path(source).expanduser()
    if not path.exists():
        if path.suffix or path.name != source:
            raise FileNotFoundError(f"source {path.absolute()}: no such file")
        raise InvalidInput(
            "source",
            source,
            "story, recording, live, topics, synthetic, or the path of a composition, a media file "
            "or a bag",
        )
    if is_bag(path):
        return plan_bag(path, namespace, own)
    return _story(path, loop) if path.suffix in SUFFIXES else _media(path, loop)


def is_bag(path: Path) -> bool:
    """True if the path looks like a ROS bag: a rosbag2 folder, or an mcap, db3 or bag file."""
    if path.is_dir():
        return any(path.glob("*.mcap")) or any(path.glob("*.db3"))
    return path.suffix in (".mcap", ".db3", ".bag")


def _demo_recording(loop: bool) -> SensorPlan:
    folder = data_folder()
    # A demonstration asks for them by name: whoever looks at it sees all kinds of sensors.
    plan = find_demo_recording(folder, GENERATED)
    parameters: dict[str, object] = {"data_dir": str(folder), "loop": loop}
    generated = [stream for stream, backend in plan.backends.items() if backend == SYNTHETIC]
    if generated:
        parameters["synthetic"] = generated
    notes = []
    if plan.imu_csv is None:
        instead = plan.backends["camera"].removeprefix("file:")
        notes.append(
            f"the recorded walk is not in {folder / 'video'} ($SAGE_DATA names another folder): "
            f"this plays {instead}"
        )
    if loop:
        notes.append("a short recording begins again at its end, and what comes again fades")
    notes += [
        f"{stream} is {backend}: no recording of it is at hand"
        for stream, backend in plan.backends.items()
        if not backend.startswith("file:")
    ]
    if generated:
        notes.append("what is synthetic is marked synthetic:NAME in every percept and memory")
    node = SensorNode("recording", "recording", parameters)
    return SensorPlan((node,), plan.backends, tuple(notes))


def _story(path: Path, loop: bool) -> SensorPlan:
    data = data_folder()
    story = Story(path.absolute(), data)
    notes = [f"{story.composition.title}: {bed(story.composition)}"]
    notes += [
        f"{one.start_ns / NS_PER_S:g} s: {played(story.composition, one)}"
        for one in story.laps.of(0)
    ]
    parameters: dict[str, object] = {"story": str(path.absolute()), "loop": loop}
    parameters["data_dir"] = str(data)
    node = SensorNode("recording", "recording", parameters)
    return SensorPlan((node,), story.backends, tuple(notes))


def _media(path: Path, loop: bool) -> SensorPlan:
    plan = plan_recording(path)
    absent = [stream for stream, backend in plan.backends.items() if backend == "absent"]
    notes = (f"{path.name} has no {', '.join(absent)}",) if absent else ()
    node = SensorNode("recording", "recording", {"media": str(path.absolute()), "loop": loop})
    return SensorPlan((node,), plan.backends, notes)


def _synthetic() -> SensorPlan:
    nodes = tuple(SensorNode(kind, kind, {"backend": SYNTHETIC}) for kind in GENERATED)
    return SensorPlan(nodes, {**dict.fromkeys(GENERATED, SYNTHETIC), "text": "topic"})


def _live(camera: str) -> SensorPlan:
    known = ("auto", *(name for name in camera_backends() if name != "file"))
    if camera in known:
        parameters = {"backend": camera}
    elif camera.startswith("/dev/"):
        parameters = {"backend": "v4l2", "device": camera}
    elif Path(camera).is_file():
        parameters = {"backend": "file", "path": str(Path(camera).absolute())}
    else:
        expected = ", ".join((*known, "a device such as /dev/video0", "a media file"))
        raise InvalidInput("camera", camera, expected)
    nodes = (
        SensorNode("camera", "camera", parameters),
        SensorNode("microphone", "microphone"),
        SensorNode("imu", "imu"),
    )
    backends = {"camera": camera, "microphone": "auto", "imu": "auto", "text": "topic"}
    return SensorPlan(nodes, backends)
