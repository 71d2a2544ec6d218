"""Measures the exported light VAE on photographs that were held out of training."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from sage_encoders.core.latent import LATENT_SHAPE, rounded
from sage_training.light_vae.network import (
    LightDecoderGraph,
    LightEncoderGraph,
    LightVae,
    started,
)
from sage_training.vision.measures import mse

Images = NDArray[np.uint8]
THUMBNAIL_SIDE = 64
"""A thumbnail of 64x64x3 = 12,288 bytes: nearly as many as the latent's 12,544."""


def measure(
    encoder_file: Path, decoder_file: Path, training: Images, held_out: Images
) -> dict[str, float | int]:
    """Figures on the held-out photographs; MSE on the scale [-1, 1], beside baselines.

    `baseline_principal_components_mse` is the same network before training: a linear code of each
    scale. JPEG is no null baseline but what a real codec does with as many bytes.
    """
    encoder = onnxruntime.InferenceSession(encoder_file, providers=["CPUExecutionProvider"])
    decoder = onnxruntime.InferenceSession(decoder_file, providers=["CPUExecutionProvider"])
    latents = [encoder.run(["latent"], {"image": image[None]})[0] for image in held_out]
    decoded, coarse = (
        np.concatenate([decoder.run(["image"], {"latent": z})[0] for z in some])
        for some in (latents, [rounded(z[0]).floats()[None] for z in latents])
    )
    error, coarse_error = mse(decoded, held_out), mse(coarse, held_out)
    jpegs = [smallest_loss_jpeg(image, math.prod(LATENT_SHAPE)) for image in held_out]
    pictures = np.stack([picture for picture, _ in jpegs])
    torch.manual_seed(0)
    flat = held_out.mean((1, 2), keepdims=True)
    return {
        "images": len(held_out),
        "mse": round(error, 5),
        "psnr_db": round(psnr_db(error), 2),
        "mse_int8_latent": round(coarse_error, 5),
        "psnr_int8_latent_db": round(psnr_db(coarse_error), 2),
        "latent_spread": round(float(np.std(np.stack(latents))), 3),
        "baseline_mean_image_mse": round(mse(training.mean(0)[None], held_out), 5),
        "baseline_mean_colour_mse": round(mse(flat, held_out), 5),
        "baseline_thumbnail_64px_mse": round(mse(thumbnails(held_out), held_out), 5),
        "baseline_principal_components_mse": round(
            mse(through(started(training), held_out), held_out), 5
        ),
        "baseline_untrained_mse": round(mse(through(LightVae().eval(), held_out), held_out), 5),
        "jpeg_of_as_many_bytes_mse": round(mse(pictures, held_out), 5),
        "jpeg_bytes": round(float(np.mean([size for _, size in jpegs]))),
    }


def psnr_db(error: float) -> float:
    """Peak signal-to-noise ratio of an MSE on the scale [-1, 1]."""
    return 10 * math.log10(4 / error)


def thumbnails(images: Images) -> Images:
    """The images through 64x64: averaged over areas, scaled up bilinearly."""
    side = images.shape[1]
    scaled = []
    for image in images:
        small = cv2.resize(image, (THUMBNAIL_SIDE,) * 2, interpolation=cv2.INTER_AREA)
        scaled.append(cv2.resize(small, (side, side), interpolation=cv2.INTER_LINEAR))
    return np.stack(scaled).astype(np.uint8, copy=False)


def smallest_loss_jpeg(image: Images, most_bytes: int) -> tuple[Images, int]:
    """The image as the best JPEG of at most so many bytes, and its size."""
    for quality in range(95, 0, -2):
        content = cv2.imencode(".jpg", image[..., ::-1], [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        if len(content) <= most_bytes:
            break
    decoded = np.asarray(cv2.imdecode(content, cv2.IMREAD_COLOR), np.uint8)
    return decoded[..., ::-1], len(content)


@torch.no_grad()
def through(model: LightVae, images: Images) -> Images:
    """The images encoded and decoded by a network that is not exported."""
    encoder, decoder = LightEncoderGraph(model), LightDecoderGraph(model)
    decoded = [decoder(encoder(torch.from_numpy(image[None]))) for image in images]
    return torch.cat(decoded).numpy()
