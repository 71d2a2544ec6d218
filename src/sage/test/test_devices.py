"""What `sage doctor --devices` makes of cameras, microphones and IMUs.

Cameras and sounds are generated here, IMUs are files laid out as the kernel does; that the same is
said of devices of a kernel is tried by scripts/kernel_devices.py, and of a sound server in
tests/test_devices.py.
"""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
from installed_package import install
from rich.console import Console

from sage.devices import all_devices, apart, cameras, imus, microphones
from sage.devices.fixes import OTHERWISE, fix_of
from sage.devices.observation import DeviceFinding, Fault, Observation, judged
from sage.devices.samples import rate_hz, samples
from sage.devices.show import show, sparkline
from sage.devices.through_graph import is_of_graph
from sage.graph.runtime_file import RunningGraph
from sage_sensors.backends import sound_cards
from sage_sensors.backends.device_holders import Holder, holders
from sage_sensors.backends.v4l2_query import VideoDevice
from sage_sensors.core.samples import SourceError
from sage_sensors.core.synthetic_scene import SyntheticScene
from sage_sensors.core.synthetic_sound import SyntheticSound


def texts(faults: list[Fault]) -> list[str]:
    return [fault.text.partition(":")[0] for fault in faults]


def test_a_camera_is_watched_for_a_second_and_its_picture_is_for_its_owner(tmp_path: Path) -> None:
    file = tmp_path / "picture.png"
    seen = cameras.look(SyntheticScene(64, 48, 30.0, 0), file)
    assert seen.faults == ()
    assert seen.measured["rate_hz"] == pytest.approx(30.0, abs=0.1)
    assert seen.text.startswith("64x48, 30.0 frames/s, brightness ")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert cv2.imread(str(file)).shape == (48, 64, 3)


def test_pictures_that_show_nothing_are_named() -> None:
    grey = np.full((9, 9, 3), 128, np.uint8)
    assert texts(cameras.picture_faults(grey)) == []
    assert texts(cameras.picture_faults(grey // 64)) == ["black"]
    assert texts(cameras.picture_faults(grey + 127)) == ["overexposed"]
    assert texts(cameras.stream_faults([1, 2, 3, 4, 5], 29.5, 30.0)) == []
    assert texts(cameras.stream_faults([7] * 5, 29.5, 30.0)) == ["frozen"]
    (slow,) = cameras.stream_faults([1, 2, 3, 4, 5], 10.0, 30.0)
    assert slow.text == "slower than the 30 frames/s that were asked for"


def test_a_second_of_sound_is_kept_with_its_level(tmp_path: Path) -> None:
    import soundfile

    file = tmp_path / "sound.flac"
    seen = microphones.look(SyntheticSound(0), file)
    sound, rate = soundfile.read(file)
    assert (len(sound), rate) == (16000, 16000)
    level = 20.0 * np.log10(np.sqrt(np.mean(sound**2)))
    assert seen.measured["level_dbfs"] == pytest.approx(level, abs=0.2)
    assert len(seen.levels) == 10 and len(sparkline(seen.levels)) == 10
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_sounds_that_are_of_no_use_are_named() -> None:
    tone = np.sin(np.arange(16000) * 0.2, dtype=np.float32)
    assert texts(microphones.faults(0.3 * tone)) == []
    assert texts(microphones.faults(0.0 * tone)) == ["silent"]
    assert texts(microphones.faults(1e-5 * tone)) == ["next to silent"]
    assert texts(microphones.faults(np.clip(4.0 * tone, -1.0, 1.0))) == ["clipped"]
    assert microphones.levels(0.0 * tone) == [0.0] * 10
    assert sparkline((0.0, 0.5, 1.0)) == " ▄█"


def imu(root: Path, acceleration: tuple[int, int, int], rotation: int = 0) -> None:
    folder = root / "iio:device0"
    folder.mkdir()
    for axis, value in zip("xyz", acceleration, strict=True):
        (folder / f"in_accel_{axis}_raw").write_text(str(value))
        (folder / f"in_anglvel_{axis}_raw").write_text(str(rotation))
    (folder / "in_accel_scale").write_text("0.01")


def test_an_imu_that_says_the_same_each_time_or_feels_no_gravity_is_named(tmp_path: Path) -> None:
    assert imus.found(tmp_path) == []
    imu(tmp_path, (0, 0, 500), rotation=1)
    assert imus.found(tmp_path) == ["iio:device0"]
    seen = imus.look(imus.source_of("iio:device0", tmp_path))
    assert seen.measured["acceleration_m_s2"] == pytest.approx(5.0)
    assert {"frozen", "at rest 9.81 m/s^2 are expected", "it turns"} <= set(
        texts(list(seen.faults))
    )
    (tmp_path / "iio:device0" / "in_accel_x_raw").unlink()
    assert imus.found(tmp_path) == []


def test_accelerometer_and_gyroscope_of_two_devices_are_one_imu(tmp_path: Path) -> None:
    imu(tmp_path, (0, 0, 981))
    for axis in "xyz":
        (tmp_path / "iio:device0" / f"in_anglvel_{axis}_raw").unlink()
    assert imus.found(tmp_path) == [""]


class Dumb:
    """A device that opens, and gives nothing."""

    source, period_s, polled, overruns = "dumb", 0.1, False, 0
    closed = False

    def open(self) -> None:
        """Nothing to open."""

    def read(self) -> None:
        """Nothing comes."""

    def close(self) -> None:
        self.closed = True


def test_a_device_that_gives_nothing_is_given_up_and_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sage.devices.samples.FIRST_WITHIN_S", 0.05)
    dumb = Dumb()
    with pytest.raises(SourceError, match="dumb: it opens, but gives nothing within"):
        list(samples(dumb, 1.0))
    assert dumb.closed
    assert rate_hz([]) == rate_hz([1]) == rate_hz([1, 1]) == 0.0


@pytest.fixture
def backends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A package with cameras that fail in every way, seen by processes that are started, too."""
    text = """
import os, signal, time
from sage_sensors.core.samples import SourceError
from sage_sensors.core.synthetic_scene import SyntheticScene

def good(parameters, clock): return SyntheticScene(64, 48, 30.0, 0)
def hangs(parameters, clock): time.sleep(60)
def crashes(parameters, clock): os.kill(os.getpid(), signal.SIGSEGV)
def raises(parameters, clock): raise ZeroDivisionError("driver bug")
def absent(parameters, clock): raise SourceError("no such device")
"""
    names = ("good", "hangs", "crashes", "raises", "absent")
    points = {name: f"broken_cameras:{name}" for name in names}
    install(tmp_path, "cameras", {"broken_cameras": text}, {"sage.camera_backends": points})
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    observed = apart.observed

    def sooner(kind: str, device: str, file: Path) -> Observation:
        return observed(kind, device, file, 2.0 if device == "hangs" else 60.0)

    monkeypatch.setattr(apart, "observed", sooner)


@pytest.mark.usefixtures("backends")
def test_what_hangs_or_crashes_in_a_driver_ends_only_the_look_at_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(all_devices, "video_devices", list)
    monkeypatch.setattr(all_devices, "sound_inputs", list)
    monkeypatch.setattr(apart, "microphone_inputs", list)
    monkeypatch.setattr(imus, "found", list)
    home = tmp_path / "home"
    left = home / "devices" / "old.png"
    left.parent.mkdir(parents=True)
    left.touch()
    found = {item.name: item for item in all_devices.all_devices(home)}
    assert not left.exists(), "what the last look wrote is deleted"
    assert {name: item.level for name, item in found.items()} == {
        "camera good": "ok",
        "camera hangs": "error",
        "camera crashes": "error",
        "camera raises": "error",
        "camera absent": "error",
        "microphones": "warn",
        "imus": "warn",
    }
    assert found["camera hangs"].text == "it did not answer within 2 s"
    assert found["camera crashes"].text == "its driver or library crashed (SIGSEGV)"
    assert found["camera raises"].text.endswith("ZeroDivisionError: driver bug")
    assert found["camera absent"].text == "no such device"
    good = found["camera good"]
    assert good.file == str(home / "devices" / "good.png") and Path(good.file).is_file()
    with Path(os.devnull).open("w") as nowhere:
        console = Console(record=True, width=120, color_system="truecolor", file=nowhere)
        show(console, good)
    assert "▀" in console.export_text()


def test_a_device_that_another_process_has_is_left_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    device = tmp_path / "video0"
    device.touch()
    command = "import sys; file = open(sys.argv[1]); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-c", command, str(device)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        assert [holder.pid for holder in holders(str(device))] == [process.pid]
        webcam = VideoDevice("Webcam", "uvcvideo", True, ("YUYV",))
        monkeypatch.setattr(all_devices, "query", lambda path: webcam)
        monkeypatch.setattr(all_devices, "video_devices", lambda: [str(device)])
        monkeypatch.setattr(all_devices, "camera_backends", tuple)
        found = all_devices._cameras(tmp_path, tmp_path)
        (finding,) = [all_devices._finding("camera", *item) for item in found]
        assert finding.level == "error"
        assert finding.text.startswith(f"in use by process {process.pid} (")
        assert finding.fix.startswith("end what uses it")
        running = RunningGraph(os.getpid(), 1, "/sage", "nano", "live", False)
        assert is_of_graph(holders(str(device)), running, tmp_path), "a child of this one"
        assert not is_of_graph([Holder(1, "init")], running, tmp_path)
        assert not is_of_graph(holders(str(device)), None, tmp_path)
        monkeypatch.setattr(all_devices, "running_graph", lambda home: running)
        seen = Observation("in use by the running graph, which gets 30.0/s of it, trust 1.00")
        monkeypatch.setattr(all_devices, "reported", lambda *wanted: seen)
        found = all_devices._cameras(tmp_path, tmp_path)
        (finding,) = [all_devices._finding("camera", *item) for item in found]
        assert (finding.level, finding.text) == ("ok", seen.text)
        process.communicate(b"\n")


def test_inputs_of_sound_cards_say_who_has_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "card1" / "pcm0c" / "sub0"
    folder.mkdir(parents=True)
    (folder.parent / "info").write_text("card: 1\ndevice: 0\nstream: CAPTURE\nname: USB Audio\n")
    (folder / "status").write_text(f"state: RUNNING\nowner_pid   : {os.getpid()}\n")
    monkeypatch.setattr(sound_cards, "CARDS", tmp_path)
    monkeypatch.setattr(sound_cards, "NODES", tmp_path)
    (denied,) = sound_cards.sound_inputs()
    assert (denied.name, denied.address) == ("USB Audio", "hw:1,0")
    assert "group audio" in denied.fault
    (tmp_path / "pcmC1D0c").touch()
    (busy,) = sound_cards.sound_inputs()
    assert busy.fault.startswith(f"in use by process {os.getpid()} (")
    (folder / "status").write_text("closed\n")
    (free,) = sound_cards.sound_inputs()
    assert free.fault == ""


def test_every_message_has_its_fix() -> None:
    assert "usermod -aG video" in fix_of("permission denied: who may use cameras is in group video")
    assert "libportaudio2" in fix_of("portaudio: no library (Debian package libportaudio2)")
    assert fix_of("something else") == OTHERWISE
    seen = Observation("640x480", (Fault("black", "light"), Fault("frozen", "plug")))
    finding = judged("camera", "/dev/video0", seen)
    assert isinstance(finding, DeviceFinding)
    assert (finding.text, finding.fix) == ("640x480; black; frozen", "light; plug")
    assert json.loads(json.dumps(vars(finding)))["kind"] == "camera"
