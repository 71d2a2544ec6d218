"""A device that comes and goes: opening, losing, waiting, opening again; or it is absent."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.ros.lockstep.host import LockstepHost
from sage_sensors.backends import catalogue
from sage_sensors.core.samples import Frame, SourceError, Stamped
from sage_sensors.nodes.camera_node import CameraNode
from sage_sensors.nodes.imu_node import ImuNode
from sage_sensors.nodes.microphone_node import MicrophoneNode

PERIOD_NS = NS_PER_S // 10


class FakeCamera:
    """A camera of 10 frames/s; `present` says whether it is plugged in."""

    source = "fake:0"
    period_s = 0.1
    polled = False

    def __init__(self, clock: Any) -> None:
        self.present = True
        self.broken: Exception | None = None
        self.frozen = False
        self.overruns = 0
        self.attempts: list[int] = []
        self.closed = 0
        self._clock = clock
        self._next_ns = 0

    def open(self) -> None:
        self.attempts.append(self._clock.now_ns())
        if not self.present:
            raise SourceError("fake:0: no such device")
        self._next_ns = self._clock.now_ns()

    def read(self) -> Stamped[Frame] | None:
        if not self.present:
            raise SourceError("fake:0: unplugged")
        if self.broken is not None:
            raise self.broken
        if self._clock.now_ns() < self._next_ns:
            return None
        stamp_ns = self._next_ns
        self._next_ns += PERIOD_NS
        level = 0 if self.frozen else (stamp_ns // PERIOD_NS) % 251
        return Stamped(stamp_ns, Frame(np.full((16, 16, 3), level, np.uint8)))

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def host(tmp_path: Path) -> Iterator[LockstepHost]:
    host = LockstepHost(home=tmp_path)
    yield host
    host.close()


@pytest.fixture
def fake(host: LockstepHost, monkeypatch: pytest.MonkeyPatch) -> FakeCamera:
    camera = FakeCamera(host.clock)
    real = catalogue.camera

    def make(backend: str, *arguments: Any) -> Any:
        return camera if backend == "v4l2" else real(backend, *arguments)

    monkeypatch.setattr(catalogue, "camera", make)
    return camera


def diagnostics(host: LockstepHost) -> dict[str, str]:
    """Level, message and values of the newest diagnostics."""
    from diagnostic_msgs.msg import DiagnosticArray

    newest: DiagnosticArray = [o for o in host.outputs if o.topic == "/diagnostics"][-1].message()
    status = newest.status[0]
    values = {item.key: item.value for item in status.values}
    return {"level": str(status.level[0]), "message": status.message, **values}


def test_frames_keep_the_capture_time_of_the_device(host: LockstepHost, fake: FakeCamera) -> None:
    start_ns = host.clock.now_ns()
    host.add(CameraNode, parameters={"backend": "v4l2"})
    host.run_for(2.05)
    stamps = [m.header.stamp for m in host.messages("camera/info", name="front")]
    times = [s.sec * NS_PER_S + s.nanosec for s in stamps]
    assert len(times) in (20, 21)
    assert np.diff(times).tolist() == [PERIOD_NS] * (len(times) - 1)
    assert 0 <= times[0] - start_ns < PERIOD_NS
    host.run_for(1.0)  # a healthy node reports every 2 s
    seen = diagnostics(host)
    assert seen["camera backend"] == "fake:0"
    assert float(seen["camera rate_hz"]) == pytest.approx(10.0)
    assert seen["level"] == "0"


def test_a_lost_device_is_tried_again_after_1_2_4_seconds_and_returns(
    host: LockstepHost, fake: FakeCamera
) -> None:
    host.add(CameraNode, parameters={"backend": "v4l2"})
    host.run_for(1.0)
    fake.attempts.clear()
    lost_ns = host.clock.now_ns()
    fake.present = False
    host.run_for(8.0)
    waits = np.diff([lost_ns, *fake.attempts]) / NS_PER_S
    assert waits == pytest.approx([1.0, 2.0, 4.0], abs=0.01)
    seen = diagnostics(host)
    assert seen["level"] == "2" and "no such device" in seen["message"]
    assert seen["camera stale"] == "True" and float(seen["camera trust"]) == 0.0
    before = len(host.messages("camera/info", name="front"))
    fake.present = True
    host.run_for(10.0)
    assert len(host.messages("camera/info", name="front")) > before + 10
    assert diagnostics(host)["level"] == "0"
    errors = [line for line in host.logs if line.level == "error"]
    assert len(errors) == 4
    assert any("opened" in line.text for line in host.logs)


def test_a_device_that_is_absent_at_the_start_is_waited_for(
    host: LockstepHost, fake: FakeCamera
) -> None:
    fake.present = False
    host.add(CameraNode, parameters={"backend": "v4l2"})
    host.run_for(2.0)
    assert host.messages("camera/info", name="front") == []
    fake.present = True
    host.run_for(3.0)
    assert len(host.messages("camera/info", name="front")) > 10


def test_a_driver_that_raises_anything_is_opened_again(
    host: LockstepHost, fake: FakeCamera
) -> None:
    host.add(CameraNode, parameters={"backend": "v4l2"})
    host.run_for(0.5)
    fake.broken = ZeroDivisionError("driver bug")
    host.run_for(0.1)
    fake.broken = None
    host.run_for(3.0)
    assert len(host.messages("camera/info", name="front")) > 20
    assert any("driver bug" in line.text for line in host.logs)


def test_a_wrong_sample_is_dropped_and_the_device_kept(
    host: LockstepHost, fake: FakeCamera
) -> None:
    host.add(CameraNode, parameters={"backend": "v4l2"})
    fake.broken = InvalidInput("frame", "empty", "pixels")
    host.run_for(0.5)
    fake.broken = None
    host.run_for(1.0)
    assert fake.attempts == fake.attempts[:1]
    assert len(host.messages("camera/info", name="front")) >= 10
    assert any("dropped a sample: frame" in line.text for line in host.logs)


def test_an_imu_that_measures_nan_says_so_and_goes_on_when_it_measures_again(
    host: LockstepHost, tmp_path: Path
) -> None:
    folder = tmp_path / "iio:device0"
    folder.mkdir()
    (folder / "name").write_text("imu")
    for channel in ("in_accel", "in_anglvel"):
        for axis in "xyz":
            (folder / f"{channel}_{axis}_raw").write_text("1")
    host.add(ImuNode, parameters={"backend": "iio", "iio_root": str(tmp_path)})
    host.run_for(4.0)
    (folder / "in_anglvel_x_raw").write_text("nan")
    before = len(host.messages("imu/data", name="body"))
    host.run_for(2.0)
    assert len(host.messages("imu/data", name="body")) <= before + 1
    seen = diagnostics(host)
    assert seen["level"] == "2" and "a wrong sample: angular_velocity" in seen["message"]
    (folder / "in_anglvel_x_raw").write_text("2")
    host.run_for(2.0)
    sent = host.messages("imu/data", name="body")[before + 1 :]
    assert len(sent) > 150, "the orientation filter has not seen it"
    assert all(np.isfinite([m.orientation.w, m.angular_velocity.x]).all() for m in sent)


def test_the_same_picture_again_and_again_is_stuck(host: LockstepHost, fake: FakeCamera) -> None:
    fake.frozen = True
    host.add(CameraNode, parameters={"backend": "v4l2"})
    host.run_for(4.0)
    seen = diagnostics(host)
    assert seen["camera stuck"] == "True"
    assert seen["level"] == "1" and "stuck" in seen["message"]


def test_overruns_are_shown(host: LockstepHost, fake: FakeCamera) -> None:
    host.add(CameraNode, parameters={"backend": "v4l2"})
    fake.overruns = 3
    host.run_for(3.0)
    assert diagnostics(host)["camera overruns"] == "3"


def test_auto_takes_the_hardware_if_it_is_there(host: LockstepHost, fake: FakeCamera) -> None:
    host.add(CameraNode, parameters={"backend": "auto"})
    host.run_for(3.0)
    assert diagnostics(host)["camera backend"] == "fake:0"
    assert not [line for line in host.logs if line.level == "warning"]


def test_auto_without_hardware_is_absent_and_says_so(host: LockstepHost, fake: FakeCamera) -> None:
    fake.present = False
    host.add(CameraNode, parameters={"backend": "auto"})
    host.run_for(25.5)
    assert host.messages("camera/info", name="front") == []
    seen = diagnostics(host)
    assert seen["camera backend"] == "absent: fake:0: no such device"
    assert seen["level"] == "1" and seen["message"] == seen["camera backend"]
    assert float(seen["camera trust"]) == 0.0
    told = [line for line in host.logs if "absent: fake:0" in line.text]
    assert [line.level for line in told] == ["warning"]


def test_auto_takes_hardware_that_is_plugged_in_later(host: LockstepHost, fake: FakeCamera) -> None:
    fake.present = False
    host.add(CameraNode, parameters={"backend": "auto"})
    host.run_for(2.0)
    fake.present = True
    host.run_for(5.0)
    assert len(host.messages("camera/info", name="front")) > 10
    assert diagnostics(host)["camera backend"] == "fake:0"
    fake.present = False
    host.run_for(2.0)
    seen = diagnostics(host)
    assert seen["level"] == "2", "one that was there and is lost is an error"
    assert seen["camera backend"] == "fake:0"


@pytest.mark.parametrize(
    ("node", "stream", "missing"),
    [(ImuNode, "imu", "no device under"), (MicrophoneNode, "microphone", "libportaudio2")],
)
def test_other_sensors_are_absent_too(
    host: LockstepHost, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    node: Any, stream: str, missing: str,
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, "sage_sensors.backends.portaudio", None)
    parameters = {"iio_root": str(tmp_path / "none")} if stream == "imu" else {}
    host.add(node, parameters=parameters)
    host.run_for(3.0)
    seen = diagnostics(host)
    assert seen[f"{stream} backend"].startswith("absent: ") and missing in seen["message"]
    assert {o.topic for o in host.outputs} == {"/diagnostics"}


def test_a_polled_device_is_read_once_a_period(host: LockstepHost, tmp_path: Path) -> None:
    folder = tmp_path / "iio:device0"
    folder.mkdir()
    for prefix in ("in_accel", "in_anglvel"):
        for axis in "xyz":
            (folder / f"{prefix}_{axis}_raw").write_text("1")
    host.add(ImuNode, parameters={"backend": "iio", "iio_root": str(tmp_path), "rate_hz": 50.0})
    host.run_for(2.0)
    times = [
        m.header.stamp.sec * NS_PER_S + m.header.stamp.nanosec
        for m in host.messages("imu/data", name="body")
    ]
    assert len(times) == pytest.approx(100, abs=1)
    assert np.diff(times[1:]).tolist() == [20_000_000] * (len(times) - 2)


def test_deactivating_gives_the_device_back_and_activating_takes_it_again(
    host: LockstepHost, fake: FakeCamera
) -> None:
    node = host.add(CameraNode, parameters={"backend": "v4l2"})
    host.run_for(1.0)
    node.deactivate()
    assert fake.closed == 1
    count = len(host.messages("camera/info", name="front"))
    host.run_for(1.0)
    assert len(host.messages("camera/info", name="front")) == count
    node.activate()
    host.run_for(1.0)
    assert len(host.messages("camera/info", name="front")) > count + 5
