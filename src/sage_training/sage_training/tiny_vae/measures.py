"""Measures the exported tiny VAE on CIFAR-10 images that were held out of training."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray

from sage_training.light_vae.principal_start import components
from sage_training.tiny_vae.network import (
    LATENT,
    STUDENT,
    Posterior,
    TinyDecoderGraph,
    TinyEncoderGraph,
    TinyVae,
    divergence,
    started,
)

Images = NDArray[np.uint8]
AT_ONCE = 64
RESAMPLES = 10_000


def measure(
    encoder_file: Path, decoder_file: Path, training: Images, held_out: Images
) -> dict[str, float | int]:
    """Figures on the held-out images; MSE on the scale [0, 1], beside baselines.

    `baseline_start_mse` is the same network before training, which starts as principal components
    of patches; `baseline_principal_components_mse` is a linear code of whole images, in as many
    numbers as the latent has, fitted to the training images and their mirror images.
    """
    encoder = onnxruntime.InferenceSession(encoder_file, providers=["CPUExecutionProvider"])
    decoder = onnxruntime.InferenceSession(decoder_file, providers=["CPUExecutionProvider"])
    blocks = [held_out[at : at + AT_ONCE] for at in range(0, len(held_out), AT_ONCE)]
    posteriors = [encoder.run(["latent", "log_variance"], {"image": b}) for b in blocks]
    decoded = np.concatenate([decoder.run(["image"], {"latent": z})[0] for z, _ in posteriors])
    nats = [divergence(Posterior(*(torch.from_numpy(a) for a in p))).numpy() for p in posteriors]
    error = float(errors(decoded, held_out).mean())
    torch.manual_seed(0)
    baselines = {
        "mean_image": training.mean(0)[None],
        "mean_colour": held_out.mean((1, 2), keepdims=True),
        "principal_components": linear_code(training, held_out),
        "start": through(started(STUDENT, training), held_out),
        "untrained": through(TinyVae(STUDENT).eval(), held_out),
    }
    return {
        "images": len(held_out),
        "mse": round(error, 5),
        "psnr_db": round(10 * math.log10(1 / error), 2),
        "kl_nats": round(float(np.concatenate(nats).mean()), 1),
        **{
            f"baseline_{name}_mse": round(float(errors(images, held_out).mean()), 5)
            for name, images in baselines.items()
        },
    }


def errors(left: NDArray[np.generic], right: NDArray[np.generic]) -> NDArray[np.float64]:
    """Mean squared error of each 0..255 image, on the scale [0, 1]: [N]."""
    difference = (left.astype(np.float64) - right.astype(np.float64)) / 255
    each: NDArray[np.float64] = np.square(difference).mean((1, 2, 3))
    return each


def linear_code(training: Images, images: Images) -> NDArray[np.float32]:
    """Images from their first 128 principal components, cut to 0..255."""
    both = np.concatenate((training, training[:, :, ::-1]))
    rows = torch.from_numpy(both.reshape(len(both), -1)).float()
    found = components(rows, LATENT)
    centred = torch.from_numpy(images.reshape(len(images), -1)).float() - found.mean
    back = centred @ found.directions @ found.directions.T + found.mean
    linear: NDArray[np.float32] = back.clamp(0, 255).reshape(images.shape).numpy()
    return linear


@torch.no_grad()
def through(model: TinyVae, images: Images) -> Images:
    """The images encoded and decoded, from the mean, by a network that is not exported."""
    encoder, decoder = TinyEncoderGraph(model), TinyDecoderGraph(model)
    blocks = torch.split(torch.from_numpy(images), AT_ONCE)
    return torch.cat([decoder(encoder(block)[0]) for block in blocks]).numpy()


@dataclass(frozen=True)
class Comparison:
    """Held-out errors of the distilled student, of its control and of the teacher.

    Attributes:
        distilled, control, teacher: MSE of each image, [N].
    """

    distilled: NDArray[np.float64]
    control: NDArray[np.float64]
    teacher: NDArray[np.float64]

    @property
    def distilled_is_better(self) -> bool:
        """By the mean."""
        return bool(self.distilled.mean() < self.control.mean())

    def figures(self) -> dict[str, object]:
        """Means, their difference, and its 95 % interval by a bootstrap over the images."""
        gains = self.control - self.distilled
        rng = np.random.default_rng(0)
        means = [gains[rng.integers(0, len(gains), len(gains))].mean() for _ in range(RESAMPLES)]
        low, high = (float(np.quantile(means, share)) for share in (0.025, 0.975))
        verdict = "no difference that is larger than chance"
        if low > 0 or high < 0:
            verdict = "distilling helps" if low > 0 else "distilling harms"
        limits = "one seed; the interval is over images only"
        if self.teacher.mean() >= self.control.mean():
            limits += (
                "; the teacher does no better than the student alone, so that this tells nothing "
                "of distilling from a teacher that does"
            )
        return {
            "teacher_mse": round(float(self.teacher.mean()), 6),
            "distilled_mse": round(float(self.distilled.mean()), 6),
            "control_mse": round(float(self.control.mean()), 6),
            "gain": round(float(gains.mean()), 6),
            "gain_95_percent": [round(low, 6), round(high, 6)],
            "verdict": verdict,
            "limits": limits,
            "shipped": "distilled" if self.distilled_is_better else "control",
        }


def compare(distilled: TinyVae, control: TinyVae, teacher: TinyVae, images: Images) -> Comparison:
    """All three on the same images."""
    models = (distilled, control, teacher)
    return Comparison(*(errors(through(model, images), images) for model in models))
