"""Trains the audio encoder: `python -m sage_encoders.training.audio --data DIR --out models`."""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from sage_encoders.core.log_mel import BANDS, FRAMES, HOP, N_FFT, frames_db, normalise
from sage_encoders.training import audio_measures, autoencoder, card, data, export, projection
from sage_encoders.training.audio_network import (
    GRID,
    AudioDecoderGraph,
    AudioEncoderGraph,
    audio_autoencoder,
    pooled,
)

NAME, VERSION = "sage-audio", "1"
ENCODER_FILE, DECODER_FILE = "audio_encoder.onnx", "audio_decoder.onnx"
EMBEDDING = 64
SPAN = N_FFT + (FRAMES - 1) * HOP
HELD_OUT_FOLD = 4
EVENNESS = 0.01

Clip = tuple[str, NDArray[np.float32]]


def cut(samples: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """A random window of 1.054 s, [SPAN]; shorter sounds are set in silence."""
    if len(samples) <= SPAN:
        window = np.zeros(SPAN, np.float32)
        at = rng.integers(0, SPAN - len(samples) + 1)
        window[at : at + len(samples)] = samples
        return window
    at = rng.integers(0, len(samples) - SPAN + 1)
    return samples[at : at + SPAN].copy()


def augment(clip: Clip, noise: list[Clip], rng: np.random.Generator) -> NDArray[np.float32]:
    """A window of the clip at a random loudness, often over background noise: [60, 100]."""
    window = cut(clip[1], rng) * 10 ** (rng.uniform(-30, 6) / 20)
    if rng.random() < 0.5:
        background = cut(noise[rng.integers(len(noise))][1], rng)
        window = window + background * 10 ** (rng.uniform(-50, 0) / 20)
    window = window + rng.normal(0, 10 ** (rng.uniform(-100, -60) / 20), SPAN)
    heard: NDArray[np.float32] = np.clip(window, -1, 1).astype(np.float32)
    return normalise(frames_db(heard))


def epoch(
    clips: list[Clip], noise: list[Clip], size: int, steps: int, rng: np.random.Generator
) -> Iterator[Tensor]:
    """`steps` batches of augmented windows, float32 [size, 60, 100]."""
    for _ in range(steps):
        chosen = rng.integers(0, len(clips), size)
        yield torch.from_numpy(np.stack([augment(clips[i], noise, rng) for i in chosen]))


def energy(decoded: Tensor) -> Tensor:
    """Mean of a decoded log-mel: [N, 60, 100] -> [N]."""
    return decoded.mean((1, 2))


@torch.no_grad()
def fit_embedding(
    model: autoencoder.Autoencoder, clips: list[Clip], noise: list[Clip], seed: int, views: int = 8
) -> projection.Projection:
    """The embedding head, fitted to `views` windows of every training clip."""
    rng = np.random.default_rng(seed)
    features = []
    for clip in clips:
        windows = np.stack([augment(clip, noise, rng) for _ in range(views)])
        features.append(pooled(model.encoder(torch.from_numpy(windows))[0]))
    return projection.fit(torch.stack(features), EMBEDDING)


def main() -> None:
    """Train, export, measure on the held-out fold and write the cards."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder of the recorded data")
    parser.add_argument("--out", type=Path, required=True, help="folder of the models")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--warm-up", type=int, default=3)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--steps", type=int, default=60, help="optimiser steps of one epoch")
    parser.add_argument("--rate", type=float, default=3e-3)
    arguments = parser.parse_args()

    events = data.sounds(arguments.data / data.ESC10)
    training = [clip for clip in events if data.fold(clip[0]) != HELD_OUT_FOLD]
    held_out = [clip for clip in events if data.fold(clip[0]) == HELD_OUT_FOLD]
    noise = data.sounds(arguments.data / data.NOISE, "noise/")
    # Background and speech are one or two in ten of what is heard while training.
    heard = training + 5 * noise + data.sounds(arguments.data / data.SPEECH)
    print(f"{len(training)} event clips to train on, {len(held_out)} held out", flush=True)
    began = time.monotonic()
    model = autoencoder.train(
        audio_autoencoder,
        partial(epoch, heard, noise, arguments.batch, arguments.steps),
        lambda rng: next(epoch(heard, noise, 128, 1, rng)),
        autoencoder.Schedule(
            epochs=arguments.epochs,
            warm_up=arguments.warm_up,
            steps=arguments.steps,
            rate=arguments.rate,
            seed=arguments.seed,
            evenness=EVENNESS,
        ),
    )
    code_energy = autoencoder.order_codes(model, energy, GRID * GRID)
    head = fit_embedding(model, training, noise, arguments.seed)
    seconds = time.monotonic() - began

    encoder_file, decoder_file = arguments.out / ENCODER_FILE, arguments.out / DECODER_FILE
    arguments.out.mkdir(parents=True, exist_ok=True)
    example = torch.zeros(2, BANDS, FRAMES)
    export.export(
        AudioEncoderGraph(model, head), example, "log_mel", ("codes", "embedding"), encoder_file
    )
    grids = torch.zeros(2, GRID, GRID, dtype=torch.uint8)
    export.export(AudioDecoderGraph(model), grids, "codes", ("log_mel",), decoder_file)
    body: dict[str, object] = {
        "input": "log_mel: float32 [N, 60, 100], normalised; row 0 the lowest band",
        "output": f"codes: uint8 [N, 30, 30], 0..9; embedding: float32 [N, {EMBEDDING}], unit",
        "code_order": "mean of the normalised log-mel decoded from that code alone (energy)",
        "code_energy": code_energy,
        "parameters": model.parameter_count(),
        "data": (
            f"{data.ESC10} (CC BY 3.0), {data.NOISE} (Apache-2.0), {data.SPEECH} (public domain)"
        ),
        "split": "ESC-10 folds 1-3 train (240 clips), fold 4 is held out (80 clips)",
        "seed": arguments.seed,
        "epochs": arguments.epochs,
        "training_seconds": round(seconds),
        "torch": torch.__version__.split("+")[0],
        "rebuild": (
            f"python -m sage_encoders.training.audio --data DIR --seed {arguments.seed} "
            f"--epochs {arguments.epochs} --warm-up {arguments.warm_up} --batch {arguments.batch} "
            f"--steps {arguments.steps} --rate {arguments.rate} --out models"
        ),
        "held_out": audio_measures.measure(
            encoder_file, decoder_file, training, held_out, arguments.seed
        ),
    }
    card.write(encoder_file, NAME, VERSION, body)
    decoder_body = {**body, "input": "codes: uint8 [N, 30, 30]", "output": body["input"]}
    card.write(decoder_file, NAME + "-decoder", VERSION, decoder_body)
    print(encoder_file.with_suffix(".json").read_text(encoding="utf-8"))


if __name__ == "__main__":
    main()
