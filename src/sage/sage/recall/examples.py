"""Examples from files: a picture, a sound, a puzzle."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage.recall.question import Sound
from sage_common.core.errors import InvalidInput, shorten
from sage_common.core.puzzle import CODES, GRID

LONGEST_SIDE_PX = 1024
LEAST_SIDE_PX = 8
"""What is smaller shows nothing that could be compared."""
LEAST_RANGE = 8
"""Of some channel's values, which go to 255: what has less is one colour and its noise."""
LONGEST_S = 2.0
LEAST_S = 0.05
LEAST_AMPLITUDE = 1e-4
"""Of full scale: what stays below is silence and a recorder's rounding."""


def read_image(path: Path) -> NDArray[np.uint8]:
    """RGB picture, uint8 [h, w, 3], scaled down to 1024 px.

    Raises:
        InvalidInput: the file is not there, no picture, too small to show anything, or uniform.
    """
    import cv2

    data = np.frombuffer(_bytes("image", path), np.uint8)
    pixels = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if pixels is None:
        raise InvalidInput("image", str(path), "a picture: JPEG, PNG, WebP ...")
    if min(pixels.shape[:2]) < LEAST_SIDE_PX:
        size = f"{pixels.shape[1]} x {pixels.shape[0]} px"
        expected = f"a picture of at least {LEAST_SIDE_PX} px each way, not of {size}"
        raise InvalidInput("image", str(path), expected)
    if not shows_something(pixels):
        raise InvalidInput("image", str(path), "a picture that shows something, not one colour")
    scale = LONGEST_SIDE_PX / max(pixels.shape[:2])
    if scale < 1.0:
        height, width = (max(1, round(side * scale)) for side in pixels.shape[:2])
        pixels = cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB), np.uint8)


def shows_something(pixels: NDArray[np.uint8]) -> bool:
    """Whether a picture, uint8 [h, w, 3], is more than one colour."""
    return bool(np.ptp(pixels, axis=(0, 1)).max() >= LEAST_RANGE)


def read_sound(path: Path, longest_s: float = LONGEST_S) -> Sound:
    """The last seconds of a sound, two by default, mixed down to mono.

    Raises:
        InvalidInput: the file is not there, no sound that can be read, too short, or silent.
    """
    import soundfile

    if not path.is_file():
        raise InvalidInput("sound", str(path), "a sound file that is there")
    try:
        with soundfile.SoundFile(path) as source:
            rate_hz = int(source.samplerate)
            source.seek(max(0, source.frames - round(longest_s * rate_hz)))
            samples = source.read(dtype="float32", always_2d=True)
    except soundfile.LibsndfileError as error:
        raise InvalidInput("sound", str(path), f"WAV, FLAC, OGG or MP3 ({error})") from None
    if len(samples) < LEAST_S * rate_hz:
        expected = f"{LEAST_S} s or more, not {len(samples)} samples"
        raise InvalidInput("sound", str(path), expected)
    if np.abs(samples).max() < LEAST_AMPLITUDE:
        expected = f"a sound that is not silent in its last {longest_s:g} s"
        raise InvalidInput("sound", str(path), expected)
    return Sound(np.ascontiguousarray(samples.mean(axis=1), np.float32), rate_hz)


def read_puzzle(path: Path) -> NDArray[np.uint8]:
    """A puzzle, uint8 [30, 30], from a text of 30 lines of 30 digits; spaces do not count.

    Raises:
        InvalidInput: the file is not there, or holds no puzzle; the line is named.
    """
    text = _bytes("puzzle", path).decode("utf-8", "replace")
    lines = ["".join(line.split()) for line in text.splitlines() if line.strip()]
    if len(lines) != GRID:
        expected = f"{GRID} lines of {GRID} digits; it has {len(lines)} lines"
        raise InvalidInput("puzzle", str(path), expected)
    for number, line in enumerate(lines, start=1):
        if len(line) != GRID or not (line.isascii() and line.isdigit()):
            expected = f"{GRID} digits a line, each 0 to {CODES - 1}; line {number} is "
            raise InvalidInput("puzzle", str(path), expected + shorten(line))
    return np.array([[int(digit) for digit in line] for line in lines], np.uint8)


def _bytes(field: str, path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInput(
            field, str(path), f"a file that can be read ({error.strerror})"
        ) from None
