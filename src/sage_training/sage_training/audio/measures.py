"""Measures the exported audio models on the fold that was held out of training."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from sage_encoders.core.log_mel import FRAMES, HOP, N_FFT, frames_db, normalise
from sage_training.audio.network import CODES, GRID, audio_autoencoder
from sage_training.vqvae.quantizer import perplexity

Floats = NDArray[np.float32]
Clip = tuple[str, Floats]
QUIET_DB = -85.0
STEP = 8000
COEFFICIENTS = 20


def windows(samples: Floats) -> list[Floats]:
    """The log-mel windows [60, 100] in dB of a clip every 0.5 s, without silent ones."""
    span = N_FFT + (FRAMES - 1) * HOP
    found = [
        frames_db(np.ascontiguousarray(samples[at : at + span]))
        for at in range(0, len(samples) - span + 1, STEP)
    ]
    return [window for window in found if window.mean() > QUIET_DB]


def reconstruction(
    encoder_file: Path, decoder_file: Path, training: list[Clip], held_out: list[Clip], seed: int
) -> dict[str, float | int]:
    """How well the exported models code the held-out clips, beside null baselines.

    The peak of the PSNR is the range of the held-out windows.
    """
    encoder, decoder = session(encoder_file), session(decoder_file)
    train = np.stack([normalise(window) for window in labelled(training)[0]])
    test = np.stack([normalise(window) for window in labelled(held_out)[0]])
    codes = np.concatenate([encoder.run(["codes"], {"log_mel": x[None]})[0] for x in test])
    decoded = np.concatenate([decoder.run(["log_mel"], {"codes": c[None]})[0] for c in codes])
    error = mse(decoded, test)
    effective, used = perplexity(torch.from_numpy(codes), CODES)
    spread = float(test.max() - test.min())
    cells = cell_means(test)
    return {
        "clips": len(held_out),
        "windows": len(test),
        "mse": round(error, 5),
        "psnr_db": round(10 * math.log10(spread**2 / error), 2),
        "perplexity": round(effective, 2),
        "codes_used": used,
        "code_energy_correlation": round(
            float(np.corrcoef(codes.ravel().astype(np.float64), cells.ravel())[0, 1]), 3
        ),
        "baseline_mean_window_mse": round(mse(train.mean(0)[None], test), 5),
        "baseline_window_level_mse": round(mse(test.mean((1, 2), keepdims=True), test), 5),
        "baseline_untrained_mse": round(mse(untrained(test, seed), test), 5),
    }


def class_accuracy(
    encoder_file: Path, training: list[Clip], held_out: list[Clip]
) -> dict[str, float | int]:
    """Share of held-out windows whose nearest training windows are of their class."""
    encoder = session(encoder_file)
    train_raw, train_labels = labelled(training)
    test_raw, test_labels = labelled(held_out)
    left, right = (
        np.concatenate(
            [encoder.run(["embedding"], {"log_mel": normalise(x)[None]})[0] for x in part]
        )
        for part in (train_raw, test_raw)
    )
    bands = standardised(*(statistics(part) for part in (train_raw, test_raw)))
    cepstra = standardised(*(statistics(with_deltas(mfcc(p))) for p in (train_raw, test_raw)))
    return {
        "class_accuracy_5nn": round(accuracy(left, train_labels, right, test_labels), 3),
        "baseline_class_accuracy_band_statistics": round(
            accuracy(bands[0], train_labels, bands[1], test_labels), 3
        ),
        "baseline_class_accuracy_mfcc_statistics": round(
            accuracy(cepstra[0], train_labels, cepstra[1], test_labels), 3
        ),
        "baseline_class_accuracy_chance": 0.1,
    }


def session(path: Path) -> onnxruntime.InferenceSession:
    """The model on the processor."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def labelled(clips: list[Clip]) -> tuple[Floats, NDArray[np.str_]]:
    """Windows [N, 60, 100] in dB of the clips and their classes (the folder's name)."""
    pairs = [(window, name.split("/")[0]) for name, samples in clips for window in windows(samples)]
    return np.stack([window for window, _ in pairs]), np.array([label for _, label in pairs])


def mse(left: Floats, right: Floats) -> float:
    """Mean squared error of normalised log-mels."""
    return float(np.mean((left.astype(np.float64) - right.astype(np.float64)) ** 2))


def cell_means(log_mel: Floats) -> Floats:
    """Mean of each of the 30x30 cells: [N, 60, 100] -> [N, 30, 30]."""
    centres = (np.arange(GRID) + 0.5) * (FRAMES / GRID)
    starts = np.clip(np.round(centres - 2).astype(int), 0, FRAMES - 4)
    columns = log_mel[:, :, starts[:, None] + np.arange(4)].mean(3)
    means: Floats = columns.reshape(-1, GRID, 2, GRID).mean(2)
    return means


def mfcc(windows_db: Floats) -> Floats:
    """Mel-frequency cepstral coefficients 0..19 (Davis and Mermelstein 1980).

    Args:
        windows_db: log-mel [N, 60, 100] in dB.

    Returns:
        [N, 20, 100]: the orthonormal DCT-II over bands.
    """
    bands = windows_db.shape[1]
    order, band = np.arange(COEFFICIENTS)[:, None], np.arange(bands)
    basis = np.cos(np.pi * order * (2 * band + 1) / (2 * bands)) * np.sqrt(2 / bands)
    basis[0] /= np.sqrt(2)
    coefficients: Floats = np.einsum("cb,nbt->nct", basis, windows_db).astype(np.float32)
    return coefficients


def with_deltas(series: Floats) -> Floats:
    """The series and its change from frame to frame: [N, C, T] -> [N, 2 C, T]."""
    return np.concatenate((series, np.gradient(series, axis=2)), axis=1)


def statistics(series: Floats) -> Floats:
    """Mean and spread over time: [N, C, T] -> [N, 2 C]."""
    return np.concatenate((series.mean(2), series.std(2)), axis=1)


def standardised(known: Floats, asked: Floats) -> tuple[Floats, Floats]:
    """Both in units of the known ones' spread around their mean, as unit vectors."""
    centre, spread = known.mean(0), known.std(0) + 1e-6
    standard = [(part - centre) / spread for part in (known, asked)]
    left, right = (part / np.linalg.norm(part, axis=1, keepdims=True) for part in standard)
    return left, right


def accuracy(
    known: Floats, labels: NDArray[np.str_], asked: Floats, truth: NDArray[np.str_]
) -> float:
    """Share of windows whose five nearest training windows vote for the right class."""
    nearest = np.argsort(-(asked @ known.T), axis=1)[:, :5]
    right = 0
    for row, answer in zip(labels[nearest], truth, strict=True):
        kinds, votes = np.unique(row, return_counts=True)
        right += int(kinds[votes.argmax()] == answer)
    return right / len(truth)


@torch.no_grad()
def untrained(windows_in: Floats, seed: int) -> Floats:
    """The windows through a network with random weights."""
    torch.manual_seed(seed)
    model = audio_autoencoder().eval()
    latent = model.encoder(torch.from_numpy(windows_in))[1]
    decoded: Floats = model.decoder(model.quantizer(latent)[0]).numpy()
    return decoded
