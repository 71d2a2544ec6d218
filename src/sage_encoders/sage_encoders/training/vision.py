"""Trains the vision encoder: `python -m sage_encoders.training.vision --data DIR --out models`."""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sage_encoders.backends.opencv_resize import resize
from sage_encoders.training import autoencoder, card, data, export, projection
from sage_encoders.training.vision_measures import measure
from sage_encoders.training.vision_network import (
    GRID,
    SIDE,
    VisionAutoencoder,
    VisionDecoderGraph,
    VisionEncoderGraph,
    pooled,
)

NAME, VERSION = "sage-vision", "1"
ENCODER_FILE, DECODER_FILE = "vision_encoder.onnx", "vision_decoder.onnx"
EMBEDDING = 128
EVENNESS = 0.01


def augment(image: NDArray[np.uint8], rng: np.random.Generator) -> NDArray[np.uint8]:
    """A random crop (45-100 % of the area), mirrored half of the time, with changed exposure."""
    side = int(SIDE * math.sqrt(rng.uniform(0.45, 1.0)))
    top, left = rng.integers(0, SIDE - side + 1, 2)
    crop = image[top : top + side, left : left + side]
    if side != SIDE:
        crop = resize(crop, SIDE, SIDE)
    if rng.random() < 0.5:
        crop = crop[:, ::-1]
    if rng.random() < 0.3:
        gain, offset = rng.uniform(0.6, 1.2), rng.uniform(-30, 30)
        crop = np.clip(crop * gain + offset, 0, 255).astype(np.uint8)
    return np.ascontiguousarray(crop)


def epoch(images: NDArray[np.uint8], size: int, rng: np.random.Generator) -> Iterator[Tensor]:
    """One pass in random order: augmented batches, uint8 [size, 224, 224, 3]."""
    order = rng.permutation(len(images))
    for at in range(0, len(order) - size + 1, size):
        chosen = order[at : at + size]
        yield torch.from_numpy(np.stack([augment(images[i], rng) for i in chosen]))


def sample(images: NDArray[np.uint8], rng: np.random.Generator) -> Tensor:
    """At most 64 of the images, whose latents start the codebook."""
    chosen = rng.choice(len(images), min(64, len(images)), replace=False)
    return torch.from_numpy(images[chosen])


def luminance(decoded: Tensor) -> Tensor:
    """Mean luminance (Rec. 709), in [0, 1], of decoder outputs [N, 3, H, W]."""
    weights = torch.tensor([0.2126, 0.7152, 0.0722])[:, None, None]
    return ((decoded.clamp(-1, 1) + 1) / 2 * weights).sum(1).mean((1, 2))


@torch.no_grad()
def fit_embedding(
    model: autoencoder.Autoencoder, images: NDArray[np.uint8], seed: int, views: int = 4
) -> projection.Projection:
    """The embedding head, fitted to `views` crops of every training image."""
    rng = np.random.default_rng(seed)
    features = []
    for image in images:
        crops = np.stack([augment(image, rng) for _ in range(views)])
        features.append(pooled(model.encoder(torch.from_numpy(crops))[0]))
    return projection.fit(torch.stack(features), EMBEDDING)


def main() -> None:
    """Train, export, measure on the held-out photographs and write the cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recorded data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=36)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--batch", type=int, default=16)
    parser.add_argument("--rate", type=float, default=2e-3)
    arguments = parser.parse_args()

    names, images = data.photographs(arguments.data / data.PHOTOGRAPHS)
    held_out = data.held_out_photographs(len(names))
    print(f"{(~held_out).sum()} photographs to train on, {held_out.sum()} held out", flush=True)
    began = time.monotonic()
    training = images[~held_out]
    model = autoencoder.train(
        VisionAutoencoder,
        partial(epoch, training, arguments.batch),
        partial(sample, training),
        autoencoder.Schedule(
            epochs=arguments.epochs,
            warm_up=arguments.warm_up,
            steps=len(training) // arguments.batch,
            rate=arguments.rate,
            seed=arguments.seed,
            evenness=EVENNESS,
        ),
    )
    code_luminance = autoencoder.order_codes(model, luminance, GRID * GRID)
    head = fit_embedding(model, training, arguments.seed)
    seconds = time.monotonic() - began

    encoder_file, decoder_file = arguments.out / ENCODER_FILE, arguments.out / DECODER_FILE
    arguments.out.mkdir(parents=True, exist_ok=True)
    example = torch.from_numpy(images[:2])
    export.export(
        VisionEncoderGraph(model, head), example, "image", ("codes", "embedding"), encoder_file
    )
    grids = torch.zeros(2, GRID, GRID, dtype=torch.uint8)
    export.export(VisionDecoderGraph(model), grids, "codes", ("image",), decoder_file)
    body: dict[str, object] = {
        "input": "image: uint8 [N, 224, 224, 3], RGB",
        "output": f"codes: uint8 [N, 30, 30], 0..9; embedding: float32 [N, {EMBEDDING}], unit",
        "code_order": "mean luminance (Rec. 709) of the image decoded from that code alone",
        "code_luminance": code_luminance,
        "parameters": model.parameter_count(),
        "data": f"{data.PHOTOGRAPHS}: 800 ImageNet photographs (non-commercial research)",
        "split": "by image: every tenth name in order is held out (80), the others train (720)",
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "training_seconds": round(seconds),
        "torch": torch.__version__.split("+")[0],
        "rebuild": (
            f"python -m sage_encoders.training.vision --data DIR --seed {arguments.seed} "
            f"--epochs {arguments.epochs} --warm-up {arguments.warm_up} --batch {arguments.batch} "
            f"--rate {arguments.rate} --out models"
        ),
        "held_out": measure(encoder_file, decoder_file, images, held_out, arguments.seed),
    }
    card.write(encoder_file, NAME, VERSION, body)
    decoder_body = {**body, "input": "codes: uint8 [N, 30, 30]", "output": body["input"]}
    card.write(decoder_file, NAME + "-decoder", VERSION, decoder_body)
    print((arguments.out / ENCODER_FILE).with_suffix(".json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
