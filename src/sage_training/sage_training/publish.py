"""Writes a trained recipe's files and cards; nothing is replaced unless all of it could be made."""

from __future__ import annotations

import tempfile
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from sage_encoders.core.card import read_card
from sage_training import card, trainer
from sage_training.recipe import Networks, Recipe


def publish(recipe: Recipe, networks: Networks, work: Path, out: Path) -> dict[str, Any]:
    """Export, measure on held-out data, and write files and cards into `out`.

    Returns:
        the figures.
    """
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out, prefix=".new-") as name:
        made = Path(name)
        for file in recipe.files:
            (made / file).parent.mkdir(parents=True, exist_ok=True)
        recipe.export(networks, made)
        figures = recipe.measure(made)
        for file, body in recipe.describe(networks).items():
            card.write(made / file, {**body, **_how_trained(recipe, work), "held_out": figures})
        for path in [path for path in made.rglob("*") if path.is_file()]:
            to = out / path.relative_to(made)
            to.parent.mkdir(parents=True, exist_ok=True)
            path.replace(to)
    return figures


def differences(recipe: Recipe, models: Path, tolerance: float = 0.02) -> dict[str, Any]:
    """Measure the files in `models` anew, and compare with what their card states.

    Args:
        tolerance: relative difference up to which a figure holds.

    Returns:
        {figure: {"stated", "found", "holds"}}; a figure that one of both lacks does not hold.
    """
    stated = read_card((models / recipe.files[0]).with_suffix(".json")).body.get("held_out", {})
    found = recipe.measure(models)
    compared = {}
    for name in {**stated, **found}:
        left, right = stated.get(name), found.get(name)
        holds = left == right or (
            left is not None
            and right is not None
            and abs(left - right) <= tolerance * max(abs(left), abs(right))
        )
        compared[name] = {"stated": left, "found": right, "holds": holds}
    return compared


def _how_trained(recipe: Recipe, work: Path) -> dict[str, Any]:
    stages = recipe.stages()
    epochs = f" --epochs {recipe.epochs}" if recipe.epochs else ""
    return {
        "seed": recipe.seed,
        "schedule": {stage.name: asdict(stage.schedule) for stage in stages},
        "training_seconds": trainer.training_seconds(recipe, work),
        "torch": torch.__version__.split("+")[0],
        "rebuild": f"sage models train {recipe.name} --data DIR --seed {recipe.seed}{epochs}",
    }
