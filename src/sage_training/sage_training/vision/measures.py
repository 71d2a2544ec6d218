"""Measures the exported vision models on photographs that were held out of training."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from sage_encoders.backends.opencv_resize import resize
from sage_training.vision.network import CODES, GRID, SIDE, vision_autoencoder
from sage_training.vqvae.quantizer import perplexity

Images = NDArray[np.uint8]
VIEW_SIDE = 190


def mse(left: NDArray[np.generic], right: NDArray[np.generic]) -> float:
    """Mean squared error of 0..255 images, on the scale [-1, 1]."""
    difference = (left.astype(np.float64) - right.astype(np.float64)) / 127.5
    return float(np.mean(difference**2))


def reconstruction(
    encoder_file: Path, decoder_file: Path, images: Images, held_out: NDArray[np.bool_], seed: int
) -> dict[str, float | int]:
    """How well the exported models code the held-out images, beside null baselines.

    Args:
        images: uint8 [N, 224, 224, 3].
        held_out: bool [N]; the mean image is that of the others.
        seed: of the untrained network.
    """
    train, test = images[~held_out], images[held_out]
    encoder, decoder = session(encoder_file), session(decoder_file)
    codes = np.concatenate([encoder.run(["codes"], {"image": i[None]})[0] for i in test])
    decoded = np.concatenate([decoder.run(["image"], {"codes": c[None]})[0] for c in codes])
    error = mse(decoded, test)
    effective, used = perplexity(torch.from_numpy(codes), CODES)
    return {
        "images": len(test),
        "mse": round(error, 5),
        "psnr_db": round(10 * math.log10(4 / error), 2),
        "perplexity": round(effective, 2),
        "codes_used": used,
        "code_luminance_correlation": round(correlation(codes, cell_luminance(test)), 3),
        "baseline_mean_image_mse": round(mse(train.mean(0)[None], test), 5),
        "baseline_mean_colour_mse": round(mse(test.mean((1, 2), keepdims=True), test), 5),
        "baseline_ten_greys_mse": round(mse(ten_greys(test), test), 5),
        "baseline_untrained_mse": round(mse(untrained(test, seed), test), 5),
    }


def view_retrieval(encoder_file: Path, test: Images) -> dict[str, float | int]:
    """How well a second view of an image finds the first by the exported embedding."""
    encoder = session(encoder_file)
    pairs = [corner_views(image) for image in test]
    left, right = (
        np.concatenate(
            [encoder.run(["embedding"], {"image": pair[side][None]})[0] for pair in pairs]
        )
        for side in (0, 1)
    )
    return {
        "view_retrieval": round(retrieval(left, right), 3),
        "baseline_view_retrieval_raw_pixels": round(
            retrieval(*(thumbnails([pair[side] for pair in pairs]) for side in (0, 1))), 3
        ),
        "baseline_view_retrieval_chance": round(1 / len(test), 4),
    }


def session(path: Path) -> onnxruntime.InferenceSession:
    """The model on the processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def corner_views(image: Images) -> tuple[Images, Images]:
    """The upper left and the lower right 190x190 of an image, scaled back to its size."""
    first = resize(image[:VIEW_SIDE, :VIEW_SIDE], SIDE, SIDE)
    second = resize(image[-VIEW_SIDE:, -VIEW_SIDE:], SIDE, SIDE)
    return first, second


def retrieval(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Share of the rows of `left` whose nearest row of `right`, by dot product, is their own."""
    nearest = (left @ right.T).argmax(1)
    return float(np.mean(nearest == np.arange(len(left))))


def thumbnails(images: list[Images]) -> NDArray[np.float32]:
    """Pixels of 16x16 thumbnails as centred unit vectors: the baseline embedding."""
    small = [resize(image, 16, 16).astype(np.float32) for image in images]
    flat = np.stack(small).reshape(len(images), -1)
    flat -= flat.mean(0)
    unit: NDArray[np.float32] = flat / (np.linalg.norm(flat, axis=1, keepdims=True) + 1e-9)
    return unit


def cell_luminance(images: Images) -> NDArray[np.float32]:
    """Mean luminance (Rec. 709) of each of the 30x30 cells: [N, 30, 30]."""
    luminance = images.astype(np.float32) @ np.array([0.2126, 0.7152, 0.0722], np.float32)
    return np.stack(
        [cv2.resize(plane, (GRID, GRID), interpolation=cv2.INTER_AREA) for plane in luminance]
    )


def correlation(codes: NDArray[np.uint8], values: NDArray[np.float32]) -> float:
    """Pearson correlation of codes with a value of their cells."""
    return float(np.corrcoef(codes.ravel().astype(np.float64), values.ravel())[0, 1])


def ten_greys(images: Images) -> NDArray[np.float32]:
    """Each cell as the nearest of ten even grey levels, scaled up bilinearly: no learning."""
    levels = np.round(cell_luminance(images) / 255 * (CODES - 1)) * (255 / (CODES - 1))
    large = [
        cv2.resize(grid, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
        for grid in levels.astype(np.float32)
    ]
    return np.stack(large)[..., None]


@torch.no_grad()
def untrained(images: Images, seed: int) -> NDArray[np.float32]:
    """The images through a network with random weights."""
    torch.manual_seed(seed)
    model = vision_autoencoder().eval()
    decoded = [
        model.decoder(model.quantizer(model.encoder(torch.from_numpy(image[None]))[1])[0])
        for image in images
    ]
    return ((torch.cat(decoded).clamp(-1, 1) + 1) * 127.5).permute(0, 2, 3, 1).numpy()
