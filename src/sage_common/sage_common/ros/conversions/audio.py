"""Sound between audio_common messages and NumPy arrays."""

from __future__ import annotations

import array

import numpy as np
from audio_common_msgs.msg import AudioDataStamped, AudioInfo
from numpy.typing import NDArray
from std_msgs.msg import Header

from sage_common.core.errors import InvalidInput

SAMPLE_RATE_HZ = 16000
SAMPLE_FORMATS = {
    "F32LE": ("<f4", 1.0),
    "S16LE": ("<i2", 1.0 / 32768.0),
    "S32LE": ("<i4", 2.0**-31),
}
SMALLEST_SAMPLE_BYTES = 2


def audio_info(sample_rate_hz: int = SAMPLE_RATE_HZ) -> AudioInfo:
    """The format that SAGE's microphones send: mono float32, little-endian, uncompressed."""
    return AudioInfo(
        channels=1,
        sample_rate=sample_rate_hz,
        sample_format="F32LE",
        bitrate=0,
        coding_format="wave",
    )


def array_to_audio(samples: NDArray[np.float32], header: Header) -> AudioDataStamped:
    """A message from mono float32 samples [n]."""
    message = AudioDataStamped(header=header)
    message.audio.data = array.array("B", np.ascontiguousarray(samples, "<f4").tobytes())
    return message


def audio_to_array(message: AudioDataStamped, info: AudioInfo | None = None) -> NDArray[np.float32]:
    """Mono float32 samples [n], nominally in [-1, 1]; channels are averaged.

    Args:
        message: interleaved samples.
        info: their format; None: what SAGE's microphones send.

    Raises:
        InvalidInput: unknown format, empty, not a whole number of samples, or not finite.
    """
    sample_format = info.sample_format if info is not None else "F32LE"
    channels = info.channels if info is not None else 1
    if sample_format not in SAMPLE_FORMATS:
        raise InvalidInput("sample_format", sample_format, "one of " + ", ".join(SAMPLE_FORMATS))
    if channels < 1:
        raise InvalidInput("channels", channels, "at least 1")
    dtype, scale = SAMPLE_FORMATS[sample_format]
    frame_bytes = np.dtype(dtype).itemsize * channels
    size = len(message.audio.data)
    if size == 0 or size % frame_bytes:
        raise InvalidInput("audio.data", f"{size} bytes", f"a positive multiple of {frame_bytes}")
    raw = np.frombuffer(message.audio.data, dtype).reshape(-1, channels)
    samples = raw[:, 0] if channels == 1 else raw.mean(axis=1)
    scaled: NDArray[np.float32] = np.multiply(samples, scale, dtype=np.float32)
    if not np.isfinite(scaled).all():
        raise InvalidInput("audio.data", "NaN or infinite samples", "finite samples")
    return scaled
