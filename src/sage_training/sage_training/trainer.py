"""Trains the stages of a recipe: seeded, saved after every epoch, and gone on with after a stop."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zlib import crc32

import cv2
import numpy as np
import torch
from torch import nn

from sage_common.core.errors import InvalidInput
from sage_encoders.core.card import ModelError
from sage_training import checkpoint
from sage_training.recipe import Recipe, Schedule, Stage

RISE = 0.05
"""Share of the steps in which the learning rate rises."""


@dataclass(frozen=True)
class Progress:
    """Where training stands.

    Attributes:
        stage: its name.
        epoch, epochs: finished ones and all.
        step, steps: finished ones of this epoch and all of it.
        error: mean of the stage's error over this epoch.
    """

    stage: str
    epoch: int
    epochs: int
    step: int
    steps: int
    error: float


Report = Callable[[Progress], None]


def use_threads(count: int) -> None:
    """Compute threads of this process.

    Raises:
        InvalidInput: `count` is less than 1.
    """
    if count < 1:
        raise InvalidInput("threads", count, "1 or more")
    torch.set_num_threads(count)
    # Augmentation by OpenCV would take all cores otherwise.
    cv2.setNumThreads(count)


def train(
    recipe: Recipe, work: Path, report: Report, *, restart: bool = False
) -> dict[str, nn.Module]:
    """Train what is not yet trained, and `finish` the networks.

    An epoch's random numbers come from seed, stage and epoch alone, so a run that was stopped and
    resumed gives the weights of one that was not.

    Args:
        recipe: what to train.
        work: folder of the checkpoints.
        report: called after every step.
        restart: forget the checkpoints that are there.

    Raises:
        ModelError: a checkpoint was made with other settings.
    """
    networks: dict[str, nn.Module] = {}
    for stage in recipe.stages():
        path = checkpoint_path(recipe, stage, work)
        if restart:
            path.unlink(missing_ok=True)
        networks[stage.name] = _train_stage(recipe, stage, path, networks, report)
    recipe.finish(networks)
    return networks


def load(recipe: Recipe, work: Path) -> dict[str, nn.Module]:
    """The networks of a recipe that is trained, after `finish`.

    Raises:
        ModelError: a stage is missing, unfinished, or was trained with other settings.
    """
    networks: dict[str, nn.Module] = {}
    for stage in recipe.stages():
        path = checkpoint_path(recipe, stage, work)
        saved = _read(path, recipe, stage)
        done = saved.epochs if saved else 0
        if done < stage.schedule.epochs:
            raise ModelError(
                f"{path}: {stage.name} has {done} of {stage.schedule.epochs} epochs: train it first"
            )
        network = _seeded(recipe, stage, networks)
        checkpoint.restore(path, network)
        networks[stage.name] = network.eval()
    recipe.finish(networks)
    return networks


def training_seconds(recipe: Recipe, work: Path) -> dict[str, float]:
    """How long each stage took, by its checkpoint; without those that have none."""
    found = {s.name: checkpoint.read(checkpoint_path(recipe, s, work)) for s in recipe.stages()}
    return {name: round(saved.seconds) for name, saved in found.items() if saved}


def checkpoint_path(recipe: Recipe, stage: Stage, work: Path) -> Path:
    """Where the state of a stage is kept."""
    return work / f"{recipe.name}-{stage.name}.safetensors"


def rate(schedule: Schedule, step: int) -> float:
    """Learning rate of a step, from 0: a linear rise, then a cosine down to zero."""
    share = step / (schedule.epochs * schedule.steps)
    if share < RISE:
        return schedule.rate * max(share / RISE, 1e-3)
    return schedule.rate * 0.5 * (1 + math.cos(math.pi * (share - RISE) / (1 - RISE)))


def _train_stage(
    recipe: Recipe, stage: Stage, path: Path, earlier: dict[str, nn.Module], report: Report
) -> nn.Module:
    schedule = stage.schedule
    network = _seeded(recipe, stage, earlier)
    optimizer = torch.optim.AdamW(
        network.parameters(), lr=schedule.rate, weight_decay=schedule.weight_decay
    )
    saved = _read(path, recipe, stage)
    if saved is not None:
        done = saved.epochs < schedule.epochs
        checkpoint.restore(path, network, optimizer if done else None)
    first, seconds = (saved.epochs, saved.seconds) if saved else (0, 0.0)
    for number in range(first, schedule.epochs):
        began = time.monotonic()
        _train_epoch(recipe, stage, network, optimizer, number, report)
        seconds += time.monotonic() - began
        state = checkpoint.Saved(number + 1, seconds, _settings(recipe, stage))
        checkpoint.save(path, network, optimizer, state)
    return network.eval()


def _train_epoch(
    recipe: Recipe,
    stage: Stage,
    network: nn.Module,
    optimizer: torch.optim.Optimizer,
    number: int,
    report: Report,
) -> None:
    schedule = stage.schedule
    torch.manual_seed(_seed(recipe, stage, number + 1))
    rng = np.random.default_rng(_seed(recipe, stage, number + 1))
    network.train()
    stage.begin_epoch(network, number, rng)
    total = 0.0
    for step in range(schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = rate(schedule, number * schedule.steps + step)
        optimizer.zero_grad(set_to_none=True)
        loss, error = stage.loss(network, stage.batch(rng), number)
        if not loss.isfinite():
            raise ModelError(
                f"{recipe.name} {stage.name}: loss {loss.item()} in epoch {number + 1}, "
                f"step {step + 1}: the learning rate {schedule.rate} is too high for these data"
            )
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(network.parameters(), 1.0)
        optimizer.step()
        total += error.item()
        report(
            Progress(
                stage.name, number, schedule.epochs, step + 1, schedule.steps, total / (step + 1)
            )
        )


def _seeded(recipe: Recipe, stage: Stage, earlier: dict[str, nn.Module]) -> nn.Module:
    torch.manual_seed(_seed(recipe, stage, 0))
    return stage.network(earlier)


def _seed(recipe: Recipe, stage: Stage, epoch: int) -> int:
    return crc32(f"{recipe.seed}/{recipe.name}/{stage.name}/{epoch}".encode())


def _settings(recipe: Recipe, stage: Stage) -> dict[str, Any]:
    return {"seed": recipe.seed, **asdict(stage.schedule)}


def _read(path: Path, recipe: Recipe, stage: Stage) -> checkpoint.Saved | None:
    saved = checkpoint.read(path)
    if saved is None:
        return None
    wanted = _settings(recipe, stage)
    for field in sorted(wanted.keys() | saved.settings.keys()):
        if wanted.get(field) != saved.settings.get(field):
            raise ModelError(
                f"{path}: trained with {field}={saved.settings.get(field)}, but "
                f"{field}={wanted.get(field)} is asked for: restart, or name another work folder"
            )
    return saved
