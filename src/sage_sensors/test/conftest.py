"""Small media files and lock-step hosts, made where they are needed; modules beside the tests."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from sage_common.ros.lockstep.host import LockstepHost

sys.path.insert(0, str(Path(__file__).parent))

PICTURES = ("camera/image_raw", "camera/compressed")
WIDTH, HEIGHT, RATE = 64, 48, 25
SOUND_RATE = 48000


def _write(
    path: Path, seconds: float, video: bool = True, sound: bool = True, gop_size: int = 12
) -> Path:
    """A grey level that rises frame by frame; a 440 Hz tone."""
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=RATE) if video else None
        tone = container.add_stream("aac", rate=SOUND_RATE, layout="mono") if sound else None
        if picture is not None:
            picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
            picture.gop_size = gop_size
            for number in range(round(seconds * RATE)):
                pixels = np.full((HEIGHT, WIDTH, 3), (number * 5) % 250, np.uint8)
                frame = av.VideoFrame.from_ndarray(pixels, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                container.mux(picture.encode(frame))
            container.mux(picture.encode(None))
        if tone is not None:
            times = np.arange(round(seconds * SOUND_RATE)) / SOUND_RATE
            samples = (0.5 * np.sin(2 * np.pi * 440.0 * times)).astype(np.float32)
            for start in range(0, len(samples), 1024):
                block = samples[start : start + 1024]
                frame = av.AudioFrame.from_ndarray(block[None], format="fltp", layout="mono")
                frame.sample_rate, frame.pts = SOUND_RATE, start
                frame.time_base = Fraction(1, SOUND_RATE)
                container.mux(tone.encode(frame))
            container.mux(tone.encode(None))
    return path


@pytest.fixture
def write_media() -> Callable[..., Path]:
    """`write_media(path, seconds, video=True, sound=True)`: a media file of 25 frames/s."""
    return _write


@pytest.fixture
def media(tmp_path: Path) -> Path:
    """1.6 s of video and sound."""
    return _write(tmp_path / "small.mp4", 1.6)


@pytest.fixture
def imu_csv(tmp_path: Path) -> Path:
    """1.6 s at 50 Hz, upright and at rest, in the axes of a GoPro Max."""
    path = tmp_path / "imu.csv"
    lines = ["t_s,gyro_0_rad_s,gyro_1_rad_s,gyro_2_rad_s,accl_0_m_s2,accl_1_m_s2,accl_2_m_s2"]
    lines += [f"{number * 0.02:.3f},0.1,0.2,0.3,0.{number:02d},-9.8,0" for number in range(80)]
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.fixture
def text_track(tmp_path: Path) -> Path:
    """Two captions that end at 0.4 s and at 1.2 s."""
    path = tmp_path / "words.srt"
    path.write_text(
        "1\n00:00:00,100 --> 00:00:00,400\nfirst words\n\n"
        "2\n00:00:00,600 --> 00:00:01,200\nsecond words\n"
    )
    return path


@pytest.fixture
def recorded_data() -> Path:
    """Folder of recorded data; the test is skipped where it is absent."""
    default = Path(__file__).resolve().parents[4] / "shared" / "data"
    folder = Path(os.environ.get("SAGE_DATA") or default)
    if not (folder / "video" / "gopro_max_walk.mp4").is_file():
        pytest.skip(f"the recorded walk is not in {folder} (set SAGE_DATA)")
    return folder


@pytest.fixture
def make_host(tmp_path: Path) -> Iterator[Callable[..., LockstepHost]]:
    """Makes lock-step hosts, on which somebody subscribes to pictures; closed at the end."""
    hosts: list[LockstepHost] = []

    def make(watched: tuple[str, ...] = PICTURES) -> LockstepHost:
        hosts.append(LockstepHost(home=tmp_path, watched=watched))
        return hosts[-1]

    yield make
    for host in hosts:
        host.close()


@pytest.fixture
def host(make_host: Callable[..., LockstepHost]) -> LockstepHost:
    return make_host()
