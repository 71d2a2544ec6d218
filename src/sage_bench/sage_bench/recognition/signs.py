"""Signs on photographs: drawn words of known size, turned in space, on real pictures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Pixels = NDArray[np.uint8]
HEIGHTS_PX = (8, 12, 16, 24, 40)
"""Of capital letters in the picture."""
SIDE_PX = 480
UNIT = np.array([[0, 0], [1, 0], [1, 1], [0, 1]])
LARGE_PX = 96
"""Signs are drawn this high, then made smaller and turned at once."""
FONTS = (
    cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX,
    cv2.FONT_HERSHEY_COMPLEX, cv2.FONT_HERSHEY_TRIPLEX,
)  # fmt: skip
TURNED = 0.12
"""Largest move of a corner, over the height of the sign."""
SIGNS = (
    "EXIT 12", "Room 204", "NO SMOKING", "Push", "KEEP CLEAR", "Coffee 3.50", "Platform 7",
    "Staff only", "STOP", "Main Street", "Gate B14", "OPEN", "Fire door", "Pull", "CAUTION",
    "Wet floor", "Level 3", "Reception", "PARKING", "Bus 42", "Toilets", "Bakery", "DANGER",
    "High voltage", "Lift", "Sale 50%", "Kitchen", "Library", "Do not enter", "Harbour Road",
    "Ticket office", "Way out", "POLICE", "School", "Hotel Central", "Meeting room 5", "Press here",
    "Aisle 9", "Pharmacy", "Emergency stop",
)  # fmt: skip
"""Every second one, from the first on, is for development; the others are for the test."""


@dataclass(frozen=True)
class Sign:
    """A picture with a sign in it.

    Attributes:
        image: uint8 RGB [480, 480, 3].
        text: on the sign.
        box: left, top, width and height of the sign [px].
    """

    image: Pixels
    text: str
    box: tuple[int, int, int, int]


def sign_on(photo: Pixels, text: str, height_px: int, rng: np.random.Generator) -> Sign:
    """A photograph with a sign of random colours, font, place and turn on it.

    Args:
        photo: uint8 RGB [H, W, 3].
        text: of the sign.
        height_px: of its capital letters in the picture.
        rng: decides.
    """
    image = cv2.resize(photo, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
    board = _board(text, rng)
    scale = height_px / LARGE_PX
    width, height = board.shape[1] * scale, board.shape[0] * scale
    left = rng.uniform(0, max(1.0, SIDE_PX - width))
    top = rng.uniform(0, SIDE_PX - height)
    upright = UNIT * [width, height] + np.array([left, top])
    corners = (upright + rng.uniform(-TURNED, TURNED, (4, 2)) * height).astype(np.float32)
    drawn = UNIT * board.shape[1::-1]
    shape = cv2.getPerspectiveTransform(drawn.astype(np.float32), corners)
    # Averaged beforehand: a picture made smaller in one step by the other would be rough.
    size = SIDE_PX, SIDE_PX
    soft = cv2.GaussianBlur(board, (0, 0), 0.4 / scale)
    placed = cv2.warpPerspective(soft, shape, size, flags=cv2.INTER_LINEAR)
    covered = cv2.warpPerspective(np.full_like(board, 255), shape, size, flags=cv2.INTER_LINEAR)
    share = covered.astype(np.float32) / 255
    mixed = image * (1 - share) + placed * share + rng.normal(0, 4, image.shape)
    rounded = np.clip(mixed, 0, 255).astype(np.uint8)
    return Sign(_as_jpeg(rounded), text, _box(corners))


def _board(text: str, rng: np.random.Generator) -> Pixels:
    """The sign seen from the front, with letters of LARGE_PX."""
    font, thick = FONTS[int(rng.integers(len(FONTS)))], int(rng.integers(7, 13))
    scale = cv2.getFontScaleFromHeight(font, LARGE_PX, thick)
    (width, _), _ = cv2.getTextSize(text, font, scale, thick)
    edge = LARGE_PX // 2
    dark, light = rng.integers(0, 90, 3), rng.integers(165, 256, 3)
    ink, paint = (dark, light) if rng.random() < 0.5 else (light, dark)
    board = np.empty((LARGE_PX + 2 * edge, width + 2 * edge, 3), np.uint8)
    board[:] = paint
    place = edge, edge + LARGE_PX
    cv2.putText(board, text, place, font, scale, ink.tolist(), thick, cv2.LINE_AA)
    return board


def _box(corners: NDArray[np.float32]) -> tuple[int, int, int, int]:
    low = np.clip(np.floor(corners.min(axis=0)), 0, SIDE_PX - 1).astype(int)
    high = np.clip(np.ceil(corners.max(axis=0)), 1, SIDE_PX).astype(int)
    left, top, right, bottom = (*low.tolist(), *high.tolist())
    return left, top, right - left, bottom - top


def _as_jpeg(image: Pixels) -> Pixels:
    _, content = cv2.imencode(".jpg", image, [cv2.IMWRITE_JPEG_QUALITY, 85])
    return np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)


def right_words(said: str, text: str) -> tuple[int, int]:
    """How many words of a sign were read, letter by letter, whatever the case; and how many it
    has."""
    found = said.casefold().split()
    wanted = text.casefold().split()
    right = sum(word in found for word in wanted)
    return right, len(wanted)


def texts_for(remainder: int) -> Sequence[str]:
    """The signs for development (0) or for the test (1)."""
    return SIGNS[remainder::2]
