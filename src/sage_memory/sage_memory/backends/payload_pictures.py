"""Pictures of what was kept: of a frame the frame, of a second of sound its spectrum."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

IMAGE, SOUND = "image/webp", "audio/flac"
QUIETEST_DB, LOUDEST_DB = -100.0, -10.0
WEBP_QUALITY = 85
Pixels = NDArray[np.uint8]


def picture_of(media_type: str, data: bytes, longest_px: int) -> Pixels | None:
    """RGB picture, uint8 [h, w, 3], its longer side at most so long; None of what has none."""
    if media_type == IMAGE:
        return _scaled(_decoded(data), longest_px)
    if media_type == SOUND:
        return _scaled(_spectrum(data), longest_px)
    return None


def as_webp(picture: Pixels) -> bytes:
    """The picture as a file."""
    import cv2

    options = [cv2.IMWRITE_WEBP_QUALITY, WEBP_QUALITY]
    done, data = cv2.imencode(".webp", cv2.cvtColor(picture, cv2.COLOR_RGB2BGR), options)
    assert done, picture.shape
    return bytes(data.tobytes())


def _decoded(data: bytes) -> Pixels:
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise InvalidInput("payload", f"{len(data)} bytes", "a WebP picture; is it damaged?")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def _spectrum(data: bytes) -> Pixels:
    """The log-mel window of a sound: time to the right, the highest band on top."""
    import cv2
    import soundfile

    from sage_encoders.core.sound_example import last_second, window_of

    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.LibsndfileError:
        raise InvalidInput("payload", f"{len(data)} bytes", "a sound; is it damaged?") from None
    window = window_of(last_second(samples, rate_hz))[::-1]
    level = np.clip((window - QUIETEST_DB) / (LOUDEST_DB - QUIETEST_DB), 0.0, 1.0)
    coloured = cv2.applyColorMap((level * 255).astype(np.uint8), cv2.COLORMAP_INFERNO)
    large = cv2.resize(coloured, None, fx=4, fy=4, interpolation=cv2.INTER_NEAREST)
    return np.asarray(cv2.cvtColor(large, cv2.COLOR_BGR2RGB), np.uint8)


def _scaled(pixels: Pixels, longest_px: int) -> Pixels:
    import cv2

    scale = longest_px / max(pixels.shape[:2])
    if scale >= 1.0:
        return pixels
    height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
    small = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)
