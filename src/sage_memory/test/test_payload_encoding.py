"""Payload files hold what was sensed."""

from __future__ import annotations

import csv
import io

import cv2
import numpy as np
import pytest
import soundfile

from sage_common.core.errors import InvalidInput
from sage_memory.backends.payload_encoding import motion, picture, sound


def test_picture_is_webp_with_the_right_colours_and_at_most_512_wide() -> None:
    rgb = np.zeros((480, 848, 3), np.uint8)
    rgb[:, :424] = (250, 20, 30)
    rgb[:, 424:] = (10, 40, 240)
    payload = picture(rgb)
    assert payload.media_type == "image/webp"
    assert payload.data[:4] == b"RIFF" and payload.data[8:12] == b"WEBP"
    back = cv2.imdecode(np.frombuffer(payload.data, np.uint8), cv2.IMREAD_COLOR)[:, :, ::-1]
    assert back.shape == (290, 512, 3)
    np.testing.assert_allclose(back[100, 50].astype(int), (250, 20, 30), atol=12)
    np.testing.assert_allclose(back[100, 450].astype(int), (10, 40, 240), atol=12)


def test_small_picture_keeps_its_size() -> None:
    data = picture(np.full((40, 60, 3), 99, np.uint8)).data
    assert cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR).shape == (40, 60, 3)


@pytest.mark.parametrize("wrong", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32),
                                   np.zeros((0, 4, 3), np.uint8)])  # fmt: skip
def test_no_picture_is_refused(wrong) -> None:
    with pytest.raises(InvalidInput, match="rgb"):
        picture(wrong)


def test_sound_is_flac_and_loses_only_what_16_bits_lose() -> None:
    samples = (0.5 * np.sin(np.arange(16000) / 20)).astype(np.float32)
    payload = sound(samples, 16000)
    assert payload.data[:4] == b"fLaC"
    back, rate = soundfile.read(io.BytesIO(payload.data), dtype="float32")
    assert rate == 16000
    np.testing.assert_allclose(back, samples, atol=1.0 / 32768)
    with pytest.raises(InvalidInput, match="samples"):
        sound(np.array([0.0, np.nan], np.float32), 16000)


def test_motion_is_csv_with_a_header_and_whole_stamps() -> None:
    rows = np.arange(12, dtype=np.float64).reshape(2, 6) / 3
    payload = motion([1_700_000_000_123_456_789, 1_700_000_000_128_456_789], rows)
    lines = list(csv.reader(io.StringIO(payload.data.decode())))
    assert lines[0] == ["stamp_ns", "ax", "ay", "az", "gx", "gy", "gz"]
    assert int(lines[1][0]) == 1_700_000_000_123_456_789
    np.testing.assert_allclose([float(v) for v in lines[2][1:]], rows[1], rtol=1e-5)
