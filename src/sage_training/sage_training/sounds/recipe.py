"""Trains the classifier that names sounds."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.speech.sound_classifier import (
    CLASSES,
    MODEL,
    SIGNATURE,
    SoundClassifier,
)
from sage_encoders.backends.speech.speech_recogniser import ENCODER, ENCODER_SIGNATURE, WIDTH
from sage_encoders.core.card import Card, model_sha256
from sage_training.recipe import Networks, Recipe, Schedule, Stage
from sage_training.sounds.examples import NONE, Example, examples
from sage_training.sounds.measures import classifier_file, figures

NAME, VERSION, FILE = "sound-classifier", "1", f"{MODEL}.onnx"
PENALTY, WEIGHT_OF_NONE = 0.01, 4.0
"""Of the squares of the weights, and of a sound that is none of the classes: chosen by what a
classifier of two of the folds 1 to 3 makes of the third."""
LEVEL = 0.58
"""Added to what each class has: calibrates the probabilities in the same three folds."""

Floats = NDArray[np.float32]


class HeadStage(Stage):
    """A probability for each class by itself: what is like none of them has none.

    Args:
        schedule: how long and how fast.
        inputs: standardised mean and deviation of features, float32 [N, 768].
        labels: int64 [N].
    """

    name = "head"

    def __init__(self, schedule: Schedule, inputs: Floats, labels: NDArray[np.int64]) -> None:
        super().__init__(schedule)
        self._inputs, self._labels = torch.from_numpy(inputs), torch.from_numpy(labels)

    def network(self, earlier: Networks) -> nn.Module:
        """All weights are zero at first."""
        head = nn.Linear(2 * WIDTH, len(CLASSES))
        nn.init.zeros_(head.weight)
        nn.init.zeros_(head.bias)
        return head

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Inputs and labels."""
        chosen = torch.from_numpy(rng.integers(0, len(self._labels), self.schedule.batch))
        return self._inputs[chosen], self._labels[chosen]

    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        """Cross-entropy of each class, and the penalty."""
        inputs, labels = batch
        wanted = nn.functional.one_hot(labels, NONE + 1)[:, :NONE].float()
        each = nn.functional.binary_cross_entropy_with_logits(
            network(inputs), wanted, reduction="none"
        ).sum(dim=1)
        weights = torch.where(labels == NONE, WEIGHT_OF_NONE, 1.0)
        error = (each * weights).sum() / weights.sum()
        return error + PENALTY * network.weight.square().sum(), error


class SoundRecipe(Recipe):
    """A linear classifier on mean and deviation of what the encoder of speech hears in 5 s."""

    name = "sounds"
    files = (FILE,)

    @cached_property
    def _examples(self) -> list[Example]:
        return examples(self.data, np.random.default_rng(self.seed))

    @cached_property
    def _heard(self) -> Floats:
        """Features of all examples, float32 [N, 250, 384]."""
        folder = models_folder()
        with REGISTRY.open(ENCODER, folder, "int8", "cpu", signature=ENCODER_SIGNATURE) as encoder:
            classifier = SoundClassifier(encoder, encoder)
            return np.stack([classifier.features(one.samples) for one in self._examples])

    def _standardised(self) -> tuple[Floats, Floats, Floats, NDArray[np.bool_]]:
        """Mean and deviation of features, what they are on average and how they vary in what is
        trained on, and which that is."""
        pooled = np.concatenate([self._heard.mean(axis=1), self._heard.std(axis=1)], axis=1)
        trained = np.array([not one.is_held_out for one in self._examples])
        usual, spread = pooled[trained].mean(axis=0), pooled[trained].std(axis=0) + 1e-6
        return pooled, usual, spread, trained

    def stages(self) -> Sequence[Stage]:
        """One."""
        pooled, usual, spread, trained = self._standardised()
        labels = np.array([one.label for one in self._examples])
        schedule = Schedule(self.epochs or 20, steps=50, batch=256, rate=0.01, weight_decay=0.0)
        return [HeadStage(schedule, ((pooled - usual) / spread)[trained], labels[trained])]

    def export(self, networks: Networks, out: Path) -> None:
        """See `Recipe`."""
        _, usual, spread, _ = self._standardised()
        state = {name: value.numpy() for name, value in networks["head"].state_dict().items()}
        weight = (state["weight"] / spread).astype(np.float32)
        bias = (state["bias"] + LEVEL - weight @ usual).astype(np.float32)
        (out / FILE).write_bytes(classifier_file(weight, bias))

    def measure(self, models: Path) -> dict[str, Any]:
        """On fold 4 of ESC-10, and on sounds that are none of the classes."""
        card = Card(NAME, VERSION, model_sha256(models / FILE), {})
        model = OnnxModel(models / FILE, card, "cpu", signature=SIGNATURE)
        kept = [n for n, one in enumerate(self._examples) if one.is_held_out]
        found = np.concatenate(
            [model.run(features=self._heard[n : n + 1])["probabilities"] for n in kept]
        )
        return figures(found, [self._examples[n] for n in kept])

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        """See `Recipe`."""
        body = {
            "name": NAME,
            "version": VERSION,
            "input": "features: float32 [N, S, 384], what speech_encoder hears in 5 s",
            "output": f"probabilities: float32 [N, 10], each by itself: {', '.join(CLASSES)}",
            "data": "audio/esc10_folds1to4_16k_flac.zip (CC BY 3.0); as none of the classes audio/"
            "noise_rir_16k_flac.zip, audio/ljspeech32_16k_flac.zip and audio/fsdd600_8k_flac.zip",
            "split": "trained on folds 1 to 3, noises 1 to 3, the first half of the sentences, and "
            "digits of even number; held out: fold 4 and the others",
            "parameters": (2 * WIDTH + 1) * len(CLASSES),
        }
        return {FILE: body}
