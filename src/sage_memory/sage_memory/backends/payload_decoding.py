"""What payload files hold, decoded. Libraries are imported on first use."""

from __future__ import annotations

import io

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput

SOUND_BEFORE_S = 1
"""So much of a kept sound is of before its moment."""


def picture(data: bytes) -> NDArray[np.uint8]:
    """RGB picture, uint8 [h, w, 3], of a WebP file.

    Raises:
        InvalidInput: it is none.
    """
    import cv2

    pixels = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    if pixels is None:
        raise InvalidInput("payload", f"{len(data)} bytes", "a WebP picture")
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def sound(data: bytes) -> tuple[NDArray[np.float32], int]:
    """What an encoder heard of a kept sound: mono samples, float32 [n], and samples a second.

    The file, FLAC, goes on for those who listen.

    Raises:
        InvalidInput: it is none.
    """
    import soundfile

    try:
        samples, rate_hz = soundfile.read(io.BytesIO(data), dtype="float32")
    except soundfile.LibsndfileError as error:
        raise InvalidInput("payload", f"{len(data)} bytes", f"a FLAC sound ({error})") from None
    return np.asarray(samples[: SOUND_BEFORE_S * rate_hz], np.float32), int(rate_hz)
