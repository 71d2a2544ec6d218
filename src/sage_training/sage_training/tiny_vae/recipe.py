"""The recipe of the tiny VAE: a teacher, a student of it, and the same student left alone."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from sage_training import export
from sage_training.light_vae.calibration import picture_and_latent_inputs
from sage_training.recipe import Networks, Recipe, Schedule, Stage
from sage_training.tiny_vae.data import SOURCES, SPLIT, pictures
from sage_training.tiny_vae.measures import Comparison, compare, measure
from sage_training.tiny_vae.network import (
    LATENT,
    STUDENT,
    TEACHER,
    Size,
    TinyDecoderGraph,
    TinyEncoderGraph,
    TinyVae,
    negative_evidence,
    started,
    unsigned,
)

ENCODER_FILE, DECODER_FILE = "tiny_vae_encoder.onnx", "tiny_vae_decoder.onnx"
EPOCHS = 24
CALIBRATION_IMAGES = 256
TEACHER_STEPS, STUDENT_STEPS = 40, 150
BATCH = 16
IMAGE_WEIGHT, LATENT_WEIGHT = 0.5, 0.02
"""Weights of the errors to the teacher's image and to its latent, beside the student's own."""


class Alone(Stage):
    """A VAE that learns from the pictures only."""

    size: ClassVar[Size]

    def __init__(self, schedule: Schedule, images: NDArray[np.uint8]) -> None:
        super().__init__(schedule)
        self.images = images

    def network(self, earlier: Networks) -> TinyVae:
        return started(self.size, self.images)

    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """Pictures, half of the batches mirrored: [batch, 3, 32, 32] in [0, 1]."""
        images = unsigned(self.images[rng.integers(0, len(self.images), self.schedule.batch)])
        return (images.flip(3) if rng.random() < 0.5 else images,)

    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(network, TinyVae)
        objective, error, _, _ = negative_evidence(network, batch[0])
        return objective, error


class Teacher(Alone):
    """Large, trained first."""

    name, size = "teacher", TEACHER


class Control(Alone):
    """The student without a teacher."""

    name, size = "control", STUDENT


class Student(Alone):
    """Also imitates the teacher's latents and images (Hinton et al. 2015)."""

    name, size = "student", STUDENT

    def network(self, earlier: Networks) -> TinyVae:
        """Its latent is turned first, so that its axes mean what the teacher's mean."""
        teacher = earlier[Teacher.name]
        assert isinstance(teacher, TinyVae)
        self.teacher = teacher
        student = started(self.size, self.images)
        with torch.no_grad():
            some = unsigned(self.images[::4])
            student.turn(teacher.encode(some).mean, some)
        return student

    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        assert isinstance(network, TinyVae)
        with torch.no_grad():
            latent = self.teacher.encode(batch[0]).mean
            image = self.teacher.decode(latent)
        objective, error, decoded, posterior = negative_evidence(network, batch[0])
        imitation = IMAGE_WEIGHT * functional.mse_loss(decoded, image)
        imitation = imitation + LATENT_WEIGHT * functional.mse_loss(posterior.mean, latent)
        return objective + imitation, error


class TinyVaeRecipe(Recipe):
    """Trained on CIFAR-10 and tiny-imagenet pictures; the better student is exported."""

    name = "tiny_vae"
    files = (ENCODER_FILE, DECODER_FILE)

    @cached_property
    def images(self) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
        """Pictures to train on and held-out ones, uint8 [N, 32, 32, 3]."""
        return pictures(self.data)

    def stages(self) -> Sequence[Stage]:
        epochs, images = self.epochs or EPOCHS, self.images[0]
        slow = Schedule(epochs, TEACHER_STEPS, BATCH, rate=5e-4)
        fast = Schedule(epochs, STUDENT_STEPS, BATCH, rate=1e-3)
        return [
            Teacher(slow, images),
            Student(fast, images),
            Control(fast, images),
        ]

    def export(self, networks: Networks, out: Path) -> None:
        distilled, control, _ = _all(networks)
        better = self._comparison(networks).distilled_is_better
        model = distilled if better else control
        example = torch.from_numpy(self.images[0][:2])
        export.export(
            TinyEncoderGraph(model),
            example,
            "image",
            ("latent", "log_variance"),
            out / ENCODER_FILE,
        )
        latent = torch.zeros(2, LATENT)
        export.export(TinyDecoderGraph(model), latent, "latent", ("image",), out / DECODER_FILE)

    def measure(self, models: Path) -> dict[str, Any]:
        return measure(models / ENCODER_FILE, models / DECODER_FILE, *self.images)

    def calibration(self, models: Path) -> dict[str, NDArray[Any]]:
        """See `Recipe`."""
        encoder, decoder = models / ENCODER_FILE, models / DECODER_FILE
        return picture_and_latent_inputs(encoder, decoder, self.images[0], CALIBRATION_IMAGES)

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        student, _, teacher = _all(networks)
        small, large = student.parameter_count(), teacher.parameter_count()
        image = "image: uint8 [N, 32, 32, 3], RGB"
        latent = f"latent: float32 [N, {LATENT}]"
        shared = {
            "version": "1",
            "parameters": small,
            "latent_size": LATENT,
            "data": SOURCES,
            "split": SPLIT,
            "start": "principal components of the training pictures",
            "distillation": {
                "teacher_parameters": large,
                "teacher_to_student": round(large / small, 1),
                **self._comparison(networks).figures(),
            },
        }
        return {
            ENCODER_FILE: {
                "name": "sage-tiny-vae",
                "input": image,
                "output": f"{latent} (mean); log_variance: float32 [N, {LATENT}]",
                **shared,
            },
            DECODER_FILE: {
                "name": "sage-tiny-vae-decoder",
                "input": latent,
                "output": image,
                **shared,
            },
        }

    def _comparison(self, networks: Networks) -> Comparison:
        return compare(*_all(networks), self.images[1])


def _all(networks: Networks) -> tuple[TinyVae, TinyVae, TinyVae]:
    """Distilled student, control and teacher."""
    student, control, teacher = (networks[s.name] for s in (Student, Control, Teacher))
    assert isinstance(student, TinyVae)
    assert isinstance(control, TinyVae)
    assert isinstance(teacher, TinyVae)
    return student, control, teacher
