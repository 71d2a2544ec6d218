"""Drivers of cameras and microphones, on stand-ins for OpenCV's and PortAudio's interfaces."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from installed_package import install

from sage_common.core.clock import ManualClock
from sage_common.core.errors import InvalidInput
from sage_sensors.backends import catalogue, portaudio, v4l2
from sage_sensors.backends.portaudio import PortAudioMicrophone
from sage_sensors.backends.v4l2 import V4l2Camera
from sage_sensors.backends.v4l2_query import VideoDevice, query
from sage_sensors.core.samples import Device, SourceError, Track
from sage_sensors.params import (
    CameraParameters,
    ImuParameters,
    MicrophoneParameters,
    TextParameters,
)

NOW_NS = 10**18
WEBCAM = VideoDevice("Webcam", "uvcvideo", True, ("YUYV", "MJPG"))


class FakeCapture:
    """Three frames whose blue rises, then nothing; decoding takes 5 ms."""

    clock = ManualClock(NOW_NS)
    opened = True
    raw_hz = 30.0
    captured_ms = 0.0

    def __init__(self, device: str, api: int) -> None:
        self.settings: dict[int, float] = {}
        self.grabbed = 0

    def isOpened(self) -> bool:  # noqa: N802 - OpenCV's name
        return self.opened

    def set(self, name: int, value: float) -> None:
        self.settings[name] = value

    def get(self, name: int) -> float:
        """As told; a camera that sends uncompressed pictures has but 10 frames/s."""
        if name == v4l2.cv2.CAP_PROP_FPS:
            return self.settings[name] if v4l2.cv2.CAP_PROP_FOURCC in self.settings else self.raw_hz
        if name == v4l2.cv2.CAP_PROP_POS_MSEC:
            return self.captured_ms
        return self.settings.get(name, 0.0)

    def grab(self) -> bool:
        self.grabbed += 1
        return self.grabbed <= 3

    def retrieve(self) -> tuple[bool, Any]:
        self.clock.advance_to(self.clock.now_ns() + 5_000_000)
        return True, np.full((4, 6, 3), (self.grabbed, 0, 9), np.uint8)

    def release(self) -> None:
        self.opened_once = True


@pytest.fixture
def camera(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> V4l2Camera:
    monkeypatch.setattr(v4l2.cv2, "VideoCapture", FakeCapture)
    monkeypatch.setattr(FakeCapture, "clock", ManualClock(NOW_NS))
    monkeypatch.setattr(FakeCapture, "opened", True)
    monkeypatch.setattr(v4l2, "query", lambda device: WEBCAM)
    device = tmp_path / "video0"
    device.touch()
    return V4l2Camera(str(device), 640, 0, 30.0, FakeCapture.clock)


def test_frames_are_rgb_and_stamped_before_they_are_decoded(camera: V4l2Camera) -> None:
    camera.open()
    sample = camera.read()
    assert sample is not None
    assert sample.time_ns == NOW_NS
    assert sample.value.pixels[0, 0].tolist() == [9, 0, 1]


def test_a_frame_that_is_not_wanted_is_not_decoded(camera: V4l2Camera) -> None:
    camera.open()
    asked: list[int] = []
    camera.wants = lambda time_ns: bool(asked.append(time_ns))
    assert camera.read() is None
    assert asked == [NOW_NS]
    assert FakeCapture.clock.now_ns() == NOW_NS
    camera.wants = lambda time_ns: True
    assert camera.read() is not None


def test_only_what_was_asked_for_is_set(camera: V4l2Camera) -> None:
    camera.open()
    settings = camera._capture.settings
    assert settings == {v4l2.cv2.CAP_PROP_FRAME_WIDTH: 640, v4l2.cv2.CAP_PROP_FPS: 30.0}


def test_a_camera_that_gives_no_more_frames_is_lost(camera: V4l2Camera) -> None:
    camera.open()
    for _ in range(3):
        camera.read()
    with pytest.raises(SourceError, match="no frame"):
        camera.read()
    camera.close()
    camera.close()
    assert camera.read() is None


def test_a_frame_that_waited_has_the_time_at_which_the_driver_got_it(
    camera: V4l2Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    camera.open()
    monkeypatch.setattr(v4l2.time, "monotonic_ns", lambda: 5_000_000_000)
    for captured_ms, age_ns in ((4900.0, 100_000_000), (5100.0, 0), (100.0, 0)):
        monkeypatch.setattr(FakeCapture, "captured_ms", captured_ms)
        now_ns = FakeCapture.clock.now_ns()
        sample = camera.read()
        assert sample is not None and sample.time_ns == now_ns - age_ns


def test_a_camera_too_slow_for_the_rate_is_asked_to_compress(
    camera: V4l2Camera, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(FakeCapture, "raw_hz", 10.0)
    camera.open()
    assert (camera.encoding, camera.rate_hz) == ("MJPG", 30.0)


def test_absent_and_busy_cameras_say_so(
    camera: V4l2Camera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(FakeCapture, "opened", False)
    monkeypatch.setattr(v4l2, "in_use", lambda device: ", in use by process 7 (cheese)")
    with pytest.raises(SourceError, match=r"Webcam .*cannot be opened, in use by process 7"):
        camera.open()
    monkeypatch.setattr(v4l2, "query", query)
    with pytest.raises(SourceError, match="not a camera"):
        camera.open()
    with pytest.raises(SourceError, match="no such device"):
        V4l2Camera(str(tmp_path / "video9"), 0, 0, 30.0, ManualClock()).open()


@pytest.mark.parametrize(
    ("found", "why"),
    [
        (VideoDevice("Webcam", "uvcvideo", False, ()), "captures no pictures"),
        (VideoDevice("imx219", "tegra", True, ("RG10",)), "raw sensor data only .*backend topic"),
    ],
)
def test_what_gives_no_pictures_is_not_taken(
    camera: V4l2Camera, monkeypatch: pytest.MonkeyPatch, found: VideoDevice, why: str
) -> None:
    monkeypatch.setattr(v4l2, "query", lambda device: found)
    with pytest.raises(SourceError, match=why):
        camera.open()


def test_without_a_name_the_first_camera_that_opens_is_taken(
    camera: V4l2Camera, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def capture(device: str, api: int) -> Any:
        return SimpleNamespace(
            isOpened=lambda: device.endswith("10"),
            release=lambda: None,
            set=lambda *wish: None,
            get=lambda name: 0.0,
        )

    monkeypatch.setattr(v4l2, "DEVICES", tmp_path / "dev")
    first = V4l2Camera("", 0, 0, 30.0, ManualClock())
    with pytest.raises(SourceError, match=r"no camera under .*dev/video\*"):
        first.open()
    (tmp_path / "dev").mkdir()
    for number in (10, 2, 11):
        (tmp_path / "dev" / f"video{number}").touch()
    with pytest.raises(SourceError, match=r"dev/video2: .*cannot be opened.*video10: "):
        monkeypatch.setattr(FakeCapture, "opened", False)
        first.open()
    monkeypatch.setattr(v4l2.cv2, "VideoCapture", capture)
    first.open()
    assert first.source == f"v4l2:{tmp_path}/dev/video10"


class FakeStream:
    """Hands its callback to the test, which plays the sound card."""

    active = True

    def __init__(self, **settings: Any) -> None:
        self.settings = settings

    def start(self) -> None:
        """Nothing to start."""

    def close(self, ignore_errors: bool) -> None:
        self.active = False


@pytest.fixture
def microphone(monkeypatch: pytest.MonkeyPatch) -> PortAudioMicrophone:
    fake = portaudio.sounddevice
    restarts: list[str] = []
    monkeypatch.setattr(PortAudioMicrophone, "_open_streams", 0)
    monkeypatch.setattr(PortAudioMicrophone, "restarts", restarts, raising=False)
    monkeypatch.setattr(fake, "_terminate", lambda: restarts.append("end"))
    monkeypatch.setattr(fake, "_initialize", lambda: restarts.append("start"))
    monkeypatch.setattr(fake, "InputStream", FakeStream)
    monkeypatch.setattr(fake, "check_input_settings", lambda **settings: None)
    monkeypatch.setattr(portaudio, "WAIT_S", 0.001)
    return PortAudioMicrophone("", ManualClock(NOW_NS))


def block(microphone: PortAudioMicrophone, frames: int, age_s: float, overflow: bool) -> None:
    """The sound card delivers a block whose first sample was captured `age_s` ago."""
    now = SimpleNamespace(currentTime=100.0, inputBufferAdcTime=100.0 - age_s)
    status = SimpleNamespace(input_overflow=overflow)
    samples = np.linspace(0, 1, frames, dtype=np.float32)[:, None]
    microphone._stream.settings["callback"](samples, frames, now, status)


def test_a_chunk_is_stamped_with_the_capture_time_of_its_last_sample(
    microphone: PortAudioMicrophone,
) -> None:
    microphone.open()
    block(microphone, 1600, 0.1099375, overflow=False)
    sample = microphone.read()
    assert sample is not None
    assert sample.time_ns == NOW_NS - 10_000_000
    assert sample.value.samples[-1] == 1.0
    assert microphone.overruns == 0


def test_a_driver_without_times_stamps_with_the_arrival(microphone: PortAudioMicrophone) -> None:
    microphone.open()
    block(microphone, 1600, 100.0, overflow=False)
    sample = microphone.read()
    assert sample is not None and sample.time_ns == NOW_NS


def test_overruns_of_card_and_reader_are_counted(microphone: PortAudioMicrophone) -> None:
    microphone.open()
    for _ in range(portaudio.QUEUE_BLOCKS + 3):
        block(microphone, 1600, 0.1, overflow=False)
    assert microphone.overruns == 3
    block(microphone, 1600, 0.1, overflow=True)
    assert microphone.overruns == 5


def test_silence_of_the_card_means_that_it_is_lost(microphone: PortAudioMicrophone) -> None:
    microphone.open()
    for waits in (portaudio.FIRST_WAITS - 1, portaudio.SILENT_WAITS - 1):
        assert [microphone.read() for _ in range(waits)] == [None] * waits
        block(microphone, 1600, 0.1, overflow=False)
        assert microphone.read() is not None
    for _ in range(portaudio.SILENT_WAITS - 1):
        microphone.read()
    with pytest.raises(SourceError, match="no sound arrives"):
        microphone.read()
    microphone.close()
    assert microphone.read() is None


def test_a_card_of_another_rate_is_resampled(
    microphone: PortAudioMicrophone, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(**settings: Any) -> None:
        raise portaudio.sounddevice.PortAudioError("Invalid sample rate")

    monkeypatch.setattr(portaudio.sounddevice, "check_input_settings", refuse)
    found = {"default_samplerate": 48000.0}
    monkeypatch.setattr(portaudio.sounddevice, "query_devices", lambda device, kind: found)
    microphone.open()
    clock: Any = microphone._clock
    for number in range(3):
        clock.advance_to(NOW_NS + number * 100_000_000)
        block(microphone, 4800, 0.1, overflow=False)
    sample = microphone.read()
    assert sample is not None and sample.value.samples.shape == (1600,)


def test_portaudio_is_not_restarted_under_another_open_microphone(
    microphone: PortAudioMicrophone,
) -> None:
    other = PortAudioMicrophone("usb", ManualClock(NOW_NS))
    microphone.open()
    other.open()
    assert microphone.restarts == ["end", "start"]  # type: ignore[attr-defined]
    microphone.close()
    other.close()
    other.open()
    assert microphone.restarts == ["end", "start"] * 2  # type: ignore[attr-defined]


def test_no_sound_card_is_a_source_error() -> None:
    microphone = PortAudioMicrophone("no such card", ManualClock())
    with pytest.raises(SourceError, match="portaudio:no such card"):
        microphone.open()


def test_every_backend_is_a_track_or_a_device(media: Path, imu_csv: Path, text_track: Path) -> None:
    clock = ManualClock()
    path = str(media)
    tracks = [
        catalogue.camera("file", CameraParameters(path=path), clock),
        catalogue.camera("synthetic", CameraParameters(), clock),
        catalogue.microphone("file", MicrophoneParameters(path=path), clock),
        catalogue.microphone("synthetic", MicrophoneParameters(), clock),
        catalogue.imu("file", ImuParameters(path=str(imu_csv)), clock),
        catalogue.imu("synthetic", ImuParameters(), clock),
        catalogue.text("file", TextParameters(path=str(text_track)), clock),
    ]
    devices = [
        catalogue.camera("v4l2", CameraParameters(), clock),
        catalogue.microphone("portaudio", MicrophoneParameters(), clock),
        catalogue.imu("iio", ImuParameters(), clock),
        catalogue.text("stdin", TextParameters(), clock),
    ]
    assert all(isinstance(t, Track) and not isinstance(t, Device) for t in tracks)
    assert all(isinstance(d, Device) and not isinstance(d, Track) for d in devices)


def test_unknown_backends_and_empty_paths_are_refused() -> None:
    with pytest.raises(InvalidInput, match="auto, topic, v4l2, file, synthetic"):
        catalogue.camera("gstreamer9", CameraParameters(), ManualClock())
    with pytest.raises(InvalidInput, match="path"):
        catalogue.camera("file", CameraParameters(), ManualClock())
    with pytest.raises(InvalidInput, match="backend"):
        catalogue.microphone("v4l2", MicrophoneParameters(), ManualClock())
    with pytest.raises(InvalidInput, match="backend"):
        catalogue.imu("v4l2", ImuParameters(), ManualClock())
    with pytest.raises(InvalidInput, match="backend"):
        catalogue.text("v4l2", TextParameters(), ManualClock())


def test_other_packages_add_cameras_by_entry_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = "def make(parameters, clock):\n    return parameters, clock\n"
    points = {"mujoco": "simulated_camera:make", "broken": "simulated_camera:no_such"}
    install(tmp_path, "simulator", {"simulated_camera": text}, {"sage.camera_backends": points})
    monkeypatch.syspath_prepend(tmp_path)
    clock = ManualClock()
    parameters = CameraParameters(backend="mujoco")
    assert catalogue.camera("mujoco", parameters, clock) == (parameters, clock)
    assert catalogue.camera_backends() == ("v4l2", "file", "synthetic", "broken", "mujoco")
    with pytest.raises(InvalidInput, match=r"sage.camera_backends broken = .*an attribute no_such"):
        catalogue.camera("broken", parameters, clock)
