"""Pictures for people: what the encoders take in, the puzzles, and what these decode to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from sage_common.core.puzzle import CODES, GRID
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.log_mel import FRAMES, HOP, N_FFT, frames_db, normalise
from sage_training import data

Picture = NDArray[np.uint8]
"""RGB uint8 [H, W, 3]."""

COLUMNS = 8
TILE_PX, GAP_PX, MARGIN_PX, LINE_PX = 120, 4, 112, 22
PAPER, INK = 255, (40, 40, 40)
HELD_OUT_FOLD = 4
SHOWN = (-1.2, 1.8)
"""Normalised log-mel at the ends of the colours."""
SPAN = N_FFT + (FRAMES - 1) * HOP


def vision_puzzles(data_folder: Path, models: Path) -> Picture:
    """Eight held-out photographs, every tenth of them; their puzzles; what these decode to."""
    names, images = data.photographs(data_folder / data.PHOTOGRAPHS)
    held_out = np.flatnonzero(data.held_out_photographs(len(names)))
    chosen = held_out[:: len(held_out) // COLUMNS][:COLUMNS]
    codes = each(models / "vision_encoder.onnx", "image", images[chosen], "codes")
    decoded = each(models / "vision_decoder.onnx", "codes", codes, "image")
    captions = [Path(names[at]).stem.partition("_")[2].replace("_", " ") for at in chosen]
    rows = {
        "photograph": [tile(image) for image in images[chosen]],
        "puzzle": [puzzle(grid) for grid in codes],
        "from puzzle": [tile(image) for image in decoded],
    }
    return sheet(rows, captions, "dark", "bright")


def audio_puzzles(data_folder: Path, models: Path) -> Picture:
    """The loudest second of eight held-out clips, one of a class; puzzles; what these decode to."""
    windows: dict[str, NDArray[np.float32]] = {}
    for name, samples in data.sounds(data_folder / data.ESC10):
        caption = name.split("/")[0].partition("_")[2].replace("_", " ")
        if data.fold(name) == HELD_OUT_FOLD and len(windows) < COLUMNS:
            windows.setdefault(caption, normalise(loudest(samples)))
    heard = np.stack(list(windows.values()))
    codes = each(models / "audio_encoder.onnx", "log_mel", heard, "codes")
    decoded = each(models / "audio_decoder.onnx", "codes", codes, "log_mel")
    rows = {
        "log-mel": [spectrogram(window) for window in heard],
        # Row 0 is the lowest band; pictures have it at the bottom.
        "puzzle": [puzzle(grid[::-1]) for grid in codes],
        "from puzzle": [spectrogram(window) for window in decoded],
    }
    return sheet(rows, list(windows), "quiet", "loud")


def write(path: Path, picture: Picture) -> None:
    """Write a PNG.

    Raises:
        OSError: it could not be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    options = [cv2.IMWRITE_PNG_COMPRESSION, 9]
    if not cv2.imwrite(str(path), np.ascontiguousarray(picture[..., ::-1]), options):
        raise OSError(f"{path}: could not be written")


def each(file: Path, name: str, inputs: NDArray[Any], output: str) -> NDArray[Any]:
    """An output of a model for inputs [N, ...], which are run one by one."""
    model = OnnxModel(file)
    return np.concatenate([model.run(**{name: item[None]})[output] for item in inputs])


def loudest(samples: NDArray[np.float32]) -> NDArray[np.float32]:
    """The window of 100 frames with the highest mean level: dB [60, 100]."""
    starts = range(0, len(samples) - SPAN + 1, SPAN // 4)
    cut = [frames_db(np.ascontiguousarray(samples[at : at + SPAN])) for at in starts]
    return max(cut, key=lambda window: float(window.mean()))


def tile(image: Picture) -> Picture:
    """A picture at the size of a tile."""
    return np.asarray(cv2.resize(image, (TILE_PX, TILE_PX), interpolation=cv2.INTER_AREA), np.uint8)


def puzzle(codes: NDArray[np.uint8]) -> Picture:
    """Codes [30, 30] in ten colours, 4x4 px a cell."""
    return np.kron(colours()[codes], np.ones((TILE_PX // GRID,) * 2 + (1,), np.uint8))


def spectrogram(window: NDArray[np.float32]) -> Picture:
    """A normalised log-mel [60, 100], low bands at the bottom."""
    low, high = SHOWN
    grey = np.clip((window[::-1] - low) * (255 / (high - low)), 0, 255).astype(np.uint8)
    large = cv2.resize(grey, (TILE_PX, TILE_PX), interpolation=cv2.INTER_LINEAR)
    return np.asarray(cv2.applyColorMap(large, cv2.COLORMAP_MAGMA)[..., ::-1], np.uint8)


def colours() -> Picture:
    """RGB of the codes, dark to bright: [10, 3]."""
    steps = np.linspace(0, 255, CODES).astype(np.uint8)[:, None]
    return np.asarray(cv2.applyColorMap(steps, cv2.COLORMAP_VIRIDIS)[:, 0, ::-1], np.uint8)


def sheet(
    rows: Mapping[str, Sequence[Picture]], captions: Sequence[str], low: str, high: str
) -> Picture:
    """Rows of tiles with their names, a caption over each column, and the codes' colours below.

    Args:
        rows: tiles of each row, by its name.
        captions: of the columns.
        low, high: what the codes 0 and 9 mean.
    """
    pitch = TILE_PX + GAP_PX
    height = LINE_PX + len(rows) * pitch + 2 * LINE_PX
    paper = np.full((height, MARGIN_PX + COLUMNS * pitch, 3), PAPER, np.uint8)
    for column, caption in enumerate(captions):
        text(paper, shortened(caption), MARGIN_PX + column * pitch, LINE_PX - 7)
    for row, (name, tiles) in enumerate(rows.items()):
        top = LINE_PX + row * pitch
        text(paper, name, 6, top + TILE_PX // 2)
        for column, one in enumerate(tiles):
            left = MARGIN_PX + column * pitch
            paper[top : top + TILE_PX, left : left + TILE_PX] = one
    legend(paper, height - LINE_PX - 8, low, high)
    return paper


def legend(paper: Picture, top: int, low: str, high: str) -> None:
    """The ten colours with their codes, and what the ends mean."""
    width = 36
    text(paper, "codes", 6, top + 16)
    for code, colour in enumerate(colours()):
        left = MARGIN_PX + code * width
        paper[top : top + LINE_PX, left : left + width - 2] = colour
        bright = int(colour.sum()) > 380
        text(paper, str(code), left + 13, top + 16, INK if bright else (PAPER,) * 3)
    text(paper, f"0 {low} ... 9 {high}", MARGIN_PX + CODES * width + 10, top + 16)


def text(paper: Picture, words: str, left: int, base: int, colour: tuple[int, ...] = INK) -> None:
    """Small letters with their base line at `base`."""
    cv2.putText(paper, words, (left, base), cv2.FONT_HERSHEY_SIMPLEX, 0.4, colour, 1, cv2.LINE_AA)


def shortened(caption: str) -> str:
    """As much as fits over a tile."""
    return caption if len(caption) <= 18 else caption[:17] + "."
