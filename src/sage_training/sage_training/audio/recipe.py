"""Trains the audio encoder and, on the same sounds, the reference that it must beat."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sage_encoders.core.log_mel import BANDS, FRAMES
from sage_training import data
from sage_training.audio import measures
from sage_training.audio.network import (
    AudioDecoderGraph,
    AudioEncoderGraph,
    audio_autoencoder,
    pooled,
)
from sage_training.audio.reference import ReferenceEncoderGraph, reference_autoencoder
from sage_training.audio.views import Clip, view
from sage_training.recipe import Networks, Schedule, Stage
from sage_training.vqvae import projection
from sage_training.vqvae.autoencoder import Autoencoder, PuzzleStage
from sage_training.vqvae.recipe import CODES_TEXT, PuzzleRecipe

ENCODER_FILE, DECODER_FILE = "audio_encoder.onnx", "audio_decoder.onnx"
EMBEDDING = 64
HELD_OUT_FOLD = 4
EVENNESS = 0.01
EPOCHS, WARM_UP_SHARE = 30, 0.1
CODEBOOK_WINDOWS = 128
VIEWS = 8
CALIBRATION_VIEWS = 256


class SoundStage(PuzzleStage):
    """An audio VQ-VAE learns from views of sounds.

    Args:
        schedule: how long and how fast.
        build: makes the untrained model.
        clips: what is heard.
        noise: what it is heard over.
    """

    def __init__(
        self,
        schedule: Schedule,
        build: Callable[[], Autoencoder],
        clips: list[Clip],
        noise: list[Clip],
    ) -> None:
        warm_up = max(1, round(WARM_UP_SHARE * schedule.epochs))
        super().__init__(schedule, build, warm_up, EVENNESS)
        self.clips, self.noise = clips, noise

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Normalised log-mel windows, float32 [batch, 60, 100]."""
        return (self._views(self.schedule.batch, rng),)

    def codebook_batch(self, rng: np.random.Generator) -> Tensor:
        """See `PuzzleStage`."""
        return self._views(CODEBOOK_WINDOWS, rng)

    def _views(self, count: int, rng: np.random.Generator) -> Tensor:
        chosen = rng.integers(0, len(self.clips), count)
        return torch.from_numpy(np.stack([view(self.clips[i], self.noise, rng) for i in chosen]))


class Sounds(PuzzleRecipe):
    """What the audio recipes share: data and split."""

    version = "2"
    input_name = "log_mel"
    input_text = "log_mel: float32 [N, 60, 100], normalised; row 0 the lowest band"
    order_text = "mean of the normalised log-mel decoded from that code alone (energy)"

    @cached_property
    def events(self) -> tuple[list[Clip], list[Clip]]:
        """Labelled clips to train on, and those held out."""
        clips = data.sounds(self.data / data.ESC10)
        kept = [data.fold(name) == HELD_OUT_FOLD for name, _ in clips]
        return (
            [clip for clip, out in zip(clips, kept, strict=True) if not out],
            [clip for clip, out in zip(clips, kept, strict=True) if out],
        )

    @cached_property
    def noise(self) -> list[Clip]:
        """Sounds of rooms and streets."""
        return data.sounds(self.data / data.NOISE, "noise/")

    def puzzle_stage(self, build: Callable[[], Autoencoder]) -> SoundStage:
        """The same sounds, steps and rates for every network."""
        # Background and speech are one or two in ten of what is heard while training.
        heard = self.events[0] + 5 * self.noise + data.sounds(self.data / data.SPEECH)
        schedule = Schedule(self.epochs or EPOCHS, steps=200, batch=8, rate=3e-3)
        return SoundStage(schedule, build, heard, self.noise)

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out clips."""
        encoder, decoder = (models / name for name in self.files)
        return measures.reconstruction(encoder, decoder, *self.events, self.seed)

    def example(self) -> Tensor:
        """See `PuzzleRecipe`."""
        return torch.zeros(2, BANDS, FRAMES)

    def code_scalar(self, decoded: Tensor) -> Tensor:
        """Mean of a decoded log-mel: [N, 60, 100] -> [N]."""
        return decoded.mean((1, 2))

    def decoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return AudioDecoderGraph(model)

    def source(self) -> dict[str, str]:
        """See `PuzzleRecipe`."""
        return {
            "data": (
                f"{data.ESC10} (CC BY 3.0), {data.NOISE} (Apache-2.0), "
                f"{data.SPEECH} (public domain)"
            ),
            "split": "ESC-10 folds 1-3 train (240 clips), fold 4 is held out (80 clips)",
        }


class Audio(Sounds):
    """The audio VQ-VAE and its embedding."""

    name = "audio"
    files = (ENCODER_FILE, DECODER_FILE)
    kept_figures = ("mse", "class_accuracy_5nn")
    encoder_name = "sage-audio"
    outputs: ClassVar = {
        "codes": CODES_TEXT,
        "embedding": f"embedding: float32 [N, {EMBEDDING}], unit",
    }

    def stages(self) -> Sequence[Stage]:
        """See `Recipe`."""
        return (self.puzzle_stage(audio_autoencoder),)

    def finish(self, networks: Networks) -> None:
        """Order the codes by energy and fit the embedding."""
        super().finish(networks)
        model = cast(Autoencoder, networks["puzzle"])
        self.head = fit_embedding(model, self.events[0], self.noise, self.seed)

    def encoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return AudioEncoderGraph(model, self.head)

    def measure(self, models: Path) -> dict[str, Any]:
        """How well it codes the held-out clips, and whether alike ones lie near each other."""
        found = measures.class_accuracy(models / ENCODER_FILE, *self.events)
        return {**super().measure(models), **found}

    def calibration(self, models: Path) -> dict[str, NDArray[Any]]:
        """See `Recipe`."""
        rng = np.random.default_rng(self.seed)
        chosen = rng.integers(0, len(self.events[0]), CALIBRATION_VIEWS)
        windows = [view(self.events[0][at], self.noise, rng) for at in chosen]
        return {ENCODER_FILE: np.stack(windows)}


class AudioReference(Sounds):
    """The reference architecture, trained like ours on the same sounds.

    It is only measured against; the graph never runs it.
    """

    name = "audio_reference"
    files = (f"reference/{ENCODER_FILE}", f"reference/{DECODER_FILE}")
    encoder_name = "reference-audio"

    def stages(self) -> Sequence[Stage]:
        """See `Recipe`."""
        return (self.puzzle_stage(reference_autoencoder),)

    def encoder_graph(self, model: Autoencoder) -> nn.Module:
        """See `PuzzleRecipe`."""
        return ReferenceEncoderGraph(model)


@torch.no_grad()
def fit_embedding(
    model: Autoencoder, clips: list[Clip], noise: list[Clip], seed: int
) -> projection.Projection:
    """The embedding head, fitted to some windows of every training clip."""
    rng = np.random.default_rng(seed)
    features = []
    for clip in clips:
        windows: NDArray[np.float32] = np.stack([view(clip, noise, rng) for _ in range(VIEWS)])
        features.append(pooled(model.encoder(torch.from_numpy(windows))[0]))
    return projection.fit(torch.stack(features), EMBEDDING)
