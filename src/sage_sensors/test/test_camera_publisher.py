"""Frames of a camera in slots: drawn there, handed over, and sent otherwise before that."""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

mailbox = pytest.importorskip("sage_cuda_mailbox", reason="the mailboxes are not built")

from sage_common.core.diagnosis.timing import Timing  # noqa: E402
from sage_common.core.health import PressureLevel  # noqa: E402
from sage_common.ros.conversions.images import compressed_to_rgb, image_to_array  # noqa: E402
from sage_common.ros.tensors.output import SLOTS, SLOTS_AT, TensorOutput  # noqa: E402
from sage_sensors.core.samples import Frame  # noqa: E402
from sage_sensors.core.synthetic_scene import SyntheticScene  # noqa: E402
from sage_sensors.publishers.camera import CameraPublisher  # noqa: E402

COUNT = 3 * SLOTS


class Sink:
    """A publisher that everybody listens to."""

    def __init__(self, topic: str) -> None:
        self.topic, self.subscriber_count = topic, 1
        self.sent: list[Any] = []

    def publish(self, message: Any) -> None:
        self.sent.append(message)


class Later:
    """A worker that does its jobs when it is told to."""

    def __init__(self) -> None:
        self.jobs: list[tuple[Callable[..., None], tuple[Any, ...]]] = []

    def submit(self, job: Callable[..., None], *arguments: Any) -> bool:
        self.jobs.append((job, arguments))
        return True


class Stand:
    """What a camera publishes through."""

    def __init__(self) -> None:
        self.sinks: dict[str, Sink] = {}
        self.later = Later()
        self.log = SimpleNamespace(warning=lambda *_words: None)

    def publisher(self, key: str, **_names: str) -> Sink:
        return self.sinks.setdefault(key, Sink(key))

    def tensor_publisher(self, key: str, **names: str) -> TensorOutput:
        name = f"test.{os.getpid()}.{uuid.uuid4().hex}"
        self.output = TensorOutput(self.publisher(key, **names), name, lambda: True, self.log)
        return self.output

    def reclaimable(self, *registered: Any) -> None:
        self.reclaimables = [*getattr(self, "reclaimables", ()), registered]

    def worker(self, _name: str, _queue_size: int) -> Later:
        return self.later

    def timing(self, _stage: str) -> Timing:
        return Timing(time.monotonic_ns)

    def age_ns(self, _stamp_ns: int) -> int:
        return 0


@pytest.fixture
def stand() -> Iterator[Stand]:
    made = Stand()
    yield made
    made.output.close()


def test_images_and_jpegs_show_the_frame_even_if_its_slot_was_written_anew(stand: Stand) -> None:
    camera = CameraPublisher(stand, "front", "", 95)  # type: ignore[arg-type]
    for number in range(COUNT):
        frame = camera.canvas(16, 32)
        frame.pixels[:] = number
        camera.send(frame, camera.header(number))
    for job, arguments in stand.later.jobs:
        job(*arguments)
    assert stand.output.in_place == COUNT and stand.output.by_copy == 0
    images = stand.sinks["camera/image_raw"].sent
    jpegs = stand.sinks["camera/compressed"].sent
    assert [int(image_to_array(image)[0, 0, 0]) for image in images] == list(range(COUNT))
    assert [compressed_to_rgb(jpeg).mean() for jpeg in jpegs] == pytest.approx(
        list(range(COUNT)), abs=1.0
    )
    stamps = [message.header.stamp for message in stand.sinks["camera/info"].sent]
    assert [handle.header.stamp for handle in stand.sinks["camera/tensor"].sent] == stamps


def test_frames_from_elsewhere_are_copied(stand: Stand) -> None:
    camera = CameraPublisher(stand, "front", "", 95)  # type: ignore[arg-type]
    camera.send(Frame(np.zeros((16, 32, 3), np.uint8)), camera.header(1))
    assert (stand.output.in_place, stand.output.by_copy) == (0, 1)


def test_without_readers_frames_are_drawn_in_memory_of_their_own(stand: Stand) -> None:
    camera = CameraPublisher(stand, "front", "", 95)  # type: ignore[arg-type]
    stand.sinks["camera/tensor"].subscriber_count = 0
    frame = camera.canvas(16, 32)
    camera.send(frame, camera.header(1))
    assert frame.slot is None and stand.sinks["camera/tensor"].sent == []
    assert len(stand.sinks["camera/info"].sent) == 1


def test_a_scene_is_painted_into_the_slot(stand: Stand) -> None:
    camera = CameraPublisher(stand, "front", "", 95)  # type: ignore[arg-type]
    frames = SyntheticScene(32, 16, seed=5, canvas=camera.canvas).items()
    for _ in range(3):
        sample = next(frames)
        assert sample.value.slot is not None
        expected = SyntheticScene(32, 16, seed=5).render(sample.time_ns)
        np.testing.assert_array_equal(sample.value.pixels, expected)


def test_under_pressure_frames_are_smaller_and_so_is_the_memory_that_they_lie_in(
    stand: Stand,
) -> None:
    camera = CameraPublisher(stand, "front", "", 90)  # type: ignore[arg-type]

    def sent(level: PressureLevel) -> tuple[tuple[int, ...], int, int]:
        stand.output.relieve(level)
        camera.relieve(level)
        frame = camera.canvas(480, 640)
        frame.pixels[:] = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
        camera.send(frame, camera.header(0))
        info = stand.sinks["camera/info"].sent[-1]
        for job, arguments in stand.later.jobs:
            job(*arguments)
        stand.later.jobs.clear()
        shape = image_to_array(stand.sinks["camera/image_raw"].sent[-1]).shape
        assert (info.height, info.width) == shape[:2]
        size = len(stand.sinks["camera/compressed"].sent[-1].data)
        return shape, stand.output.held_bytes() // SLOTS_AT[level], size

    whole, held_whole, jpeg_whole = sent(PressureLevel.GREEN)
    assert sent(PressureLevel.YELLOW) == (whole, held_whole, jpeg_whole)
    half, held_half, jpeg_half = sent(PressureLevel.ORANGE)
    assert (whole, half) == ((480, 640, 3), (240, 320, 3))
    assert held_half < held_whole / 3 and jpeg_half < jpeg_whole / 3
    assert sent(PressureLevel.CRITICAL)[0] == (120, 160, 3)
    assert sent(PressureLevel.GREEN) == (whole, held_whole, jpeg_whole)
