"""What is particular to training one model; `trainer` does what is common to all."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

Networks = Mapping[str, nn.Module]
"""The trained networks of a recipe, by the name of their stage."""


@dataclass(frozen=True)
class Schedule:
    """How long and how fast a stage trains.

    Attributes:
        epochs: rounds; after each one the state is saved.
        steps: optimiser steps of an epoch.
        batch: examples of a step.
        rate: highest learning rate; it rises over the first twentieth of all steps and falls as a
            cosine to zero.
        weight_decay: of AdamW.
    """

    epochs: int
    steps: int
    batch: int
    rate: float
    weight_decay: float = 1e-4


class Stage(ABC):
    """One network that is trained in one go."""

    name: ClassVar[str]

    def __init__(self, schedule: Schedule) -> None:
        self.schedule = schedule

    @abstractmethod
    def network(self, earlier: Networks) -> nn.Module:
        """An untrained network, from torch's generator, which is seeded before.

        Args:
            earlier: the trained networks of the stages before this one.
        """

    def begin_epoch(  # noqa: B027 - optional
        self, network: nn.Module, number: int, rng: np.random.Generator
    ) -> None:
        """Called before epoch `number`, from 0: start a codebook, freeze layers."""

    @abstractmethod
    def batch(self, rng: np.random.Generator) -> tuple[Tensor, ...]:
        """One random batch of `schedule.batch` examples."""

    @abstractmethod
    def loss(
        self, network: nn.Module, batch: tuple[Tensor, ...], number: int
    ) -> tuple[Tensor, Tensor]:
        """What is minimised in epoch `number`, and the error that is shown; both scalars."""


class Recipe(ABC):
    """How one model is trained, exported and measured.

    Args:
        data: folder of the recordings.
        seed: of weights, order and augmentation.
        epochs: of every stage; None: as the recipe says. Fewer are for trying things out.
    """

    name: ClassVar[str]
    files: ClassVar[tuple[str, ...]]
    """Model files that `export` writes, the first of which carries the figures."""
    kept_figures: ClassVar[tuple[str, ...]] = ("mse",)
    """Figures of `measure` that a variant of lower precision must retain."""

    def __init__(self, data: Path, seed: int = 0, epochs: int | None = None) -> None:
        self.data, self.seed, self.epochs = data, seed, epochs

    @abstractmethod
    def stages(self) -> Sequence[Stage]:
        """In the order in which they are trained."""

    def finish(self, networks: Networks) -> None:  # noqa: B027 - optional
        """Called once all stages are trained: order codes, fit what has a closed form."""

    @abstractmethod
    def export(self, networks: Networks, out: Path) -> None:
        """Write `files` into the folder `out`."""

    @abstractmethod
    def measure(self, models: Path) -> dict[str, Any]:
        """Figures of the exported files on held-out data, beside null baselines."""

    def calibration(self, models: Path) -> dict[str, NDArray[Any]]:
        """Real training inputs to calibrate lower precision on; never held-out ones.

        Args:
            models: folder of the FP32 files, for inputs that one of them computes.

        Returns:
            inputs [N, ...] by file; files that are not named stay FP32. Default: none.
        """
        return {}

    @abstractmethod
    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        """Fields of the card of each file: name, version, input, output, data, split, parameters.

        The trainer adds hash, size, licence, seed, schedules, time, versions and how to rebuild.
        """
