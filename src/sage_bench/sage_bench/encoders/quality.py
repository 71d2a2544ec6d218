"""How good the models are on held-out data: measured anew, or in a quick run as the cards say."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from sage_bench.encoders.section import Figures, Setting, has_torch
from sage_bench.result import Row
from sage_encoders.core.card import read_card

BASELINE, CEILING, ERROR = "baseline_", "ceiling_", "mse"
BEATEN = ("mse", "psnr_db", "perplexity")
"""Figures that must be better than the reference's; of the others no goal is made of it."""
COMPARED = (*BEATEN, "parameters")
GOAL_PERPLEXITY = 8.0

LABELS = {
    "mse": "held-out MSE",
    "perplexity": "perplexity of the codes, of 10",
    "parameters": "parameters, with decoder",
}
FROM_CARDS = (
    "quality on held-out data: the figures of the cards, not measured in this run; a full run with "
    "PyTorch measures them anew"
)


@dataclass(frozen=True)
class Judged:
    """A model whose quality is shown.

    Attributes:
        recipe: its name among the recipes.
        file: the model file whose card has the figures.
        reference: recipe and file that it must beat on error and perplexity; None: none.
        goals: further goals by figure, or by field of the card; the better side is the figure's.
    """

    recipe: str
    file: str
    reference: tuple[str, str] | None = None
    goals: Mapping[str, float] = field(default_factory=dict)


VISION = Judged(
    "vision",
    "vision_encoder.onnx",
    ("vision_reference", "reference/vision_encoder.onnx"),
    {"perplexity": GOAL_PERPLEXITY, "parameters": 350_000},
)
AUDIO = Judged("audio", "audio_encoder.onnx", ("audio_reference", "reference/audio_encoder.onnx"))


def rows(judged: Judged, setting: Setting) -> Figures:
    """Every figure of the model that has a goal or a baseline, and its parameters."""
    ours = found(judged.recipe, judged.file, setting)
    theirs = found(*judged.reference, setting) if judged.reference else {}
    kept = []
    for name, value in ours.items():
        baselines = baselines_of(name, ours)
        goal = judged.goals.get(name)
        if name in BEATEN and name in theirs:
            goal = theirs[name] if goal is None else better(name)([goal, theirs[name]])
        if name in COMPARED and name in theirs:
            baselines = {"reference": theirs[name], **baselines}
        if goal is not None or baselines:
            kept.append(
                Row(
                    f"{judged.recipe} {LABELS.get(name, name.replace('_', ' '))}", value, "", goal,
                    "lower" if is_lower_better(name) else "higher", baselines, samples(ours),
                )
            )  # fmt: skip
    return Figures(tuple(kept), () if measures_anew(setting) else (FROM_CARDS,))


def found(recipe: str, file: str, setting: Setting) -> dict[str, float]:
    """Figures of a model on held-out data, and its parameters.

    Raises:
        ModelError: the model or its card is not there.
    """
    card = read_card(setting.model(file).with_suffix(".json"))
    figures: dict[str, Any] = dict(card.body.get("held_out", {}))
    if measures_anew(setting):
        from sage_training.recipes import recipe_type

        figures = recipe_type(recipe)(setting.data).measure(setting.models)
    return {**figures, "parameters": card.body["parameters"]}


def measures_anew(setting: Setting) -> bool:
    """Whether there are time and means to measure, rather than to read the cards."""
    return has_torch() and not setting.quick


def baselines_of(name: str, figures: Mapping[str, float]) -> dict[str, float]:
    """Baselines of a figure: of `mse` `baseline_<kind>_mse`, else `baseline_<figure>_<kind>`.

    A `ceiling_<figure>_<kind>`, which is not to be beaten, stands among them under its full name.
    """
    chosen = {}
    for key, value in figures.items():
        if not key.startswith((BASELINE, CEILING)):
            continue
        rest = key.removeprefix(BASELINE).removeprefix(CEILING)
        if rest.endswith(f"_{ERROR}"):
            owner, kind = ERROR, rest.removesuffix(f"_{ERROR}")
        else:
            owner = max(figures, key=lambda figure: _common_words(figure, rest))
            kind = "_".join(rest.split("_")[_common_words(owner, rest) :])
        if owner == name:
            mark = CEILING if key.startswith(CEILING) else ""
            chosen[(mark + kind).replace("_", " ")] = value
    return chosen


def is_lower_better(name: str) -> bool:
    """Errors and the number of parameters are better the lower they are."""
    return ERROR in name.split("_") or name == "parameters"


def better(name: str) -> Any:
    """The stricter of some goals for a figure: `min` or `max`."""
    return min if is_lower_better(name) else max


def samples(figures: Mapping[str, float]) -> int:
    """How many held-out examples stand behind the figures."""
    counts = (figures.get(name) for name in ("images", "windows", "pairs"))
    return int(next((count for count in counts if count), 1))


def _common_words(left: str, right: str) -> int:
    count = 0
    for one, other in zip(left.split("_"), right.split("_"), strict=False):
        if one != other:
            break
        count += 1
    return count
