"""Variants of lower precision of a recipe's models: made, measured, and kept if they are good."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_encoders.core.card import ModelError, read_card
from sage_training.precision import cards, conversion
from sage_training.precision.cards import FULL, variant_file
from sage_training.recipe import Recipe

MAKERS: Mapping[str, Callable[[Path, NDArray[Any], Path], conversion.Made]] = {
    "fp16": conversion.to_fp16,
    "int8": conversion.to_int8,
}
LINE = {FULL: 1.0, "fp16": 0.99, "int8": 0.95}
"""Least share of every kept figure that a variant has to retain."""
RUNS = 200
CLEARLY_FASTER = 0.95
"""Share of FP32's time up to which a variant counts as faster; a smaller gain is within the noise
of such a measurement, and costs a little quality."""

Examples = Mapping[str, NDArray[Any]]


@dataclass(frozen=True)
class Variant:
    """A precision of a recipe's models and what it is worth.

    Attributes:
        precision: fp32, fp16 or int8.
        bytes: of all its files.
        figures: of the held-out data, by `Recipe.measure`.
        retained: share of each of `Recipe.kept_figures`; above 1 where it is better than fp32.
        p50_ms: processor time of one input through all its files on one core, the median.
    """

    precision: str
    bytes: int
    figures: Mapping[str, Any]
    retained: Mapping[str, float]
    p50_ms: float = float("nan")

    @property
    def keeps_line(self) -> bool:
        """Whether it retains enough to be shipped."""
        return all(share >= LINE[self.precision] for share in self.retained.values())


def quantize(recipe: Recipe, models: Path, report: Callable[[str], None]) -> list[Variant]:
    """Make the variants of the FP32 files in `models`, and write those that keep the line.

    A variant below the line is not written, and one of an earlier model is removed. The cards of
    the FP32 files get the field `fastest_that_keeps_quality`.

    Args:
        recipe: of the files.
        models: folder of the FP32 files and their cards.
        report: is told what is being done.

    Returns:
        fp32, fp16 and int8.

    Raises:
        ModelError: the recipe has no calibration examples, or a file or figure is missing.
    """
    examples = recipe.calibration(models)
    if not examples:
        raise ModelError(f"{recipe.name}: its recipe names no examples to calibrate on")
    figures = _full_figures(recipe, models)
    found = [_variant(recipe, FULL, models, examples, figures, figures)]
    with tempfile.TemporaryDirectory(dir=models, prefix=".new-") as name:
        made = Path(name)
        for kind in MAKERS:
            _make(kind, examples, models, made, report)
            report(f"measuring {kind} on held-out data")
            with cards.staged(models, made, kind, list(examples)) as folder:
                measured = recipe.measure(folder)
            found.append(_variant(recipe, kind, made, examples, measured, figures))
        report("timing on one core")
        found = _timed(found, models, made, examples)
        for variant in found[1:]:
            for file in examples:
                _ship(variant, made, models, file)
    for file in examples:
        cards.add(models / file, _fastest(found))
    return found


def _full_figures(recipe: Recipe, models: Path) -> dict[str, Any]:
    card = read_card((models / recipe.files[0]).with_suffix(".json"))
    figures = dict(card.body.get("held_out", {}))
    missing = [name for name in recipe.kept_figures if name not in figures]
    if missing:
        raise ModelError(
            f"{models / recipe.files[0]}: its card lacks {', '.join(missing)}: "
            f"run sage models export {recipe.name}"
        )
    return figures


def _make(
    kind: str, examples: Examples, models: Path, made: Path, report: Callable[[str], None]
) -> None:
    for file, inputs in examples.items():
        report(f"making {variant_file(file, kind)}")
        out = made / variant_file(file, kind)
        out.parent.mkdir(parents=True, exist_ok=True)
        result = MAKERS[kind](models / file, inputs, out)
        cards.write(read_card((models / file).with_suffix(".json")), kind, result, out)


def _variant(
    recipe: Recipe,
    kind: str,
    folder: Path,
    examples: Examples,
    figures: Mapping[str, Any],
    full: Mapping[str, Any],
) -> Variant:
    size = sum((folder / variant_file(file, kind)).stat().st_size for file in examples)
    shares = {
        name: round(share(name, full[name], figures[name]), 4) for name in recipe.kept_figures
    }
    return Variant(kind, size, dict(figures), shares)


def share(name: str, full: float, found: float) -> float:
    """Share of a figure that is retained: full / found for an error (`mse`), else found / full."""
    above, below = (full, found) if name.endswith("mse") else (found, full)
    return above / below if below else float(above >= below)


def _timed(variants: list[Variant], models: Path, made: Path, examples: Examples) -> list[Variant]:
    """Taking turns and counting the thread's own time: other load may wait, but not mislead."""
    calls = []
    for variant in variants:
        kind = variant.precision
        folder = models if kind == FULL else made
        running = [conversion.session(folder / variant_file(file, kind)) for file in examples]
        feeds = [
            {model.get_inputs()[0].name: inputs[:1]}
            for model, inputs in zip(running, examples.values(), strict=True)
        ]
        calls.append(list(zip(running, feeds, strict=True)))
    times_ms = np.empty((RUNS, len(calls)))
    for turn in range(RUNS):
        for column, pairs in enumerate(calls):
            begin = time.thread_time()
            for model, feed in pairs:
                model.run(None, feed)
            times_ms[turn, column] = (time.thread_time() - begin) * 1e3
    medians = np.median(times_ms, axis=0).round(3).tolist()
    return [replace(v, p50_ms=p50_ms) for v, p50_ms in zip(variants, medians, strict=True)]


def _ship(variant: Variant, made: Path, models: Path, file: str) -> None:
    name = variant_file(file, variant.precision)
    if variant.keeps_line:
        cards.add(
            made / name, {"held_out": dict(variant.figures), "retained": dict(variant.retained)}
        )
    for suffix in (".onnx", ".json"):
        target = (models / name).with_suffix(suffix)
        if variant.keeps_line:
            (made / name).with_suffix(suffix).replace(target)
        else:
            target.unlink(missing_ok=True)


def fastest_on_cpu(variants: list[Variant]) -> str:
    """The precision that keeps the line and takes least time, FP32 unless it is clearly faster.

    Args:
        variants: FP32 first.
    """
    kept = [variant for variant in variants if variant.keeps_line]
    best = min(kept, key=lambda variant: variant.p50_ms)
    gains = best.p50_ms <= CLEARLY_FASTER * variants[0].p50_ms
    return best.precision if gains else FULL


def _fastest(variants: list[Variant]) -> dict[str, Any]:
    kept = {variant.precision for variant in variants if variant.keeps_line}
    half = "fp16" if "fp16" in kept else FULL
    return {
        cards.FASTEST: {"cpu": fastest_on_cpu(variants), "cuda": half, "tensorrt": half},
        cards.FASTEST_HOW: {
            "cpu_p50_ms_one_core": {variant.precision: variant.p50_ms for variant in variants},
            "cuda_tensorrt": "not measured: by rule fp16 where it keeps the line, else fp32",
            "retained": {v.precision: dict(v.retained) for v in variants[1:]},
            "line": {v.precision: LINE[v.precision] for v in variants[1:]},
        },
    }
