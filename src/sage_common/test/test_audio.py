"""Sound between messages and arrays."""

from __future__ import annotations

import array

import numpy as np
import pytest
from audio_common_msgs.msg import AudioDataStamped
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.audio import array_to_audio, audio_info, audio_to_array


def message_of(data: bytes) -> AudioDataStamped:
    message = AudioDataStamped()
    message.audio.data = array.array("B", data)
    return message


def test_our_own_format_round_trip():
    samples = np.linspace(-1.0, 1.0, 1600, dtype=np.float32)
    message = array_to_audio(samples[::-1], Header(frame_id="mic"))
    assert message.header.frame_id == "mic" and len(message.audio.data) == 6400
    for info in (None, audio_info()):
        back = audio_to_array(message, info)
        assert back.dtype == np.float32 and np.array_equal(back, samples[::-1])


@pytest.mark.parametrize(
    ("sample_format", "dtype", "full"), [("S16LE", "<i2", 2**15), ("S32LE", "<i4", 2**31)]
)
def test_integer_formats_are_scaled_to_one(sample_format, dtype, full):
    info = audio_info()
    info.sample_format = sample_format
    raw = np.array([-full, 0, full // 2], dtype)
    assert audio_to_array(message_of(raw.tobytes()), info).tolist() == [-1.0, 0.0, 0.5]


def test_channels_are_averaged():
    info = audio_info()
    info.channels = 2
    raw = np.array([[0.0, 1.0], [-1.0, 1.0]], np.float32)
    assert audio_to_array(message_of(raw.tobytes()), info).tolist() == [0.5, 0.0]


@pytest.mark.parametrize(
    ("data", "change", "field"),
    [
        (b"", {}, "audio.data"),
        (bytes(6), {}, "audio.data"),
        (bytes(12), {"channels": 2}, "audio.data"),
        (bytes(8), {"channels": 0}, "channels"),
        (bytes(8), {"sample_format": "MP3"}, "sample_format"),
        (np.array([np.nan], np.float32).tobytes(), {}, "audio.data"),
        (np.array([np.inf], np.float32).tobytes(), {}, "audio.data"),
    ],
)
def test_what_does_not_fit_is_refused(data, change, field):
    info = audio_info()
    for name, value in change.items():
        setattr(info, name, value)
    with pytest.raises(InvalidInput) as caught:
        audio_to_array(message_of(data), info)
    assert caught.value.field == field
