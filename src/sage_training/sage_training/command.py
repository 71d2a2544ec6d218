"""The models: list them, train them on your own data, export, and measure them anew."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Column, Table

from sage.commands.options import add_home_argument
from sage_common.core.errors import InvalidInput
from sage_common.core.home import sage_home
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.core.card import PRECISIONS, model_sha256, read_card
from sage_training.recipes import RECIPES, recipe_type

if TYPE_CHECKING:
    from sage_training.recipe import Recipe
    from sage_training.trainer import Report

SHOWN_FIGURES = ("mse", "perplexity", "spearman")


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", required=True, metavar="ACTION")
    listing = actions.add_parser("list", help="what is in the folder, and whether it is whole")
    listing.set_defaults(action=list_models)
    training = actions.add_parser("train", help="train, export, measure, and write the card")
    training.add_argument("--restart", action="store_true", help="forget an interrupted training")
    training.add_argument("--threads", type=int, default=1, help="compute threads; default: 1")
    training.set_defaults(action=train)
    exporting = actions.add_parser("export", help="write the files of what was trained again")
    exporting.set_defaults(action=export)
    evaluating = actions.add_parser("evaluate", help="measure, and compare with the card")
    evaluating.add_argument("--precision", choices=PRECISIONS, default="fp32")
    evaluating.set_defaults(action=evaluate)
    quantizing = actions.add_parser("quantize", help="make and measure FP16 and INT8 variants")
    quantizing.set_defaults(action=quantize)
    for action in (training, exporting, evaluating, quantizing):
        action.add_argument("model", metavar="MODEL", help=", ".join(RECIPES))
        action.add_argument(
            "--data", type=Path, required=True, metavar="DIR", help="folder of the recordings"
        )
        action.add_argument("--seed", type=int, default=0, help="default: 0")
        action.add_argument("--epochs", type=int, default=None, help="default: the recipe's")
    for action in (training, exporting):
        add_home_argument(action)
        action.add_argument(
            "--work", type=Path, metavar="DIR", help="checkpoints; default: HOME/training"
        )
    for action in (listing, training, exporting, evaluating, quantizing):
        action.add_argument(
            "--models", default="", metavar="DIR", help="default: $SAGE_MODELS or the installed"
        )
        action.add_argument("--json", action="store_true")


def run(options: argparse.Namespace) -> int:
    return int(options.action(options))


def list_models(options: argparse.Namespace) -> int:
    """Show the cards of the folder; 1 if a file is missing or not what its card says."""
    folder = models_folder(options.models)
    found = [_summary(path, folder) for path in sorted(folder.rglob("*.json"))]
    described = {model["file"] for model in found}
    for path in sorted(folder.rglob("*.onnx")):
        if str(path.relative_to(folder)) not in described:
            found.append(_without_card(path, folder))
    if options.json:
        print(json.dumps(found))
    else:
        table = Table(
            *(Column(name, overflow="fold") for name in ("file", "model", "kB", "state")),
            "held out",
            title=str(folder),
        )
        for model in found:
            figures = ", ".join(f"{name} {value}" for name, value in model["figures"].items())
            size = "" if model["bytes"] is None else f"{model['bytes'] / 1000:.0f}"
            table.add_row(model["file"], model["model"], size, model["state"], figures)
        Console().print(table)
    if not found:
        print(f"sage models: {folder}: expected model files and their cards", file=sys.stderr)
    whole = all(model["state"] in ("whole", "in a package") for model in found)
    return 0 if found and whole else 1


def train(options: argparse.Namespace) -> int:
    """Train a model; goes on where an interrupted training stopped."""
    if options.threads < 1:
        raise InvalidInput("--threads", options.threads, "1 or more")
    recipe, work, out = _recipe(options), _work(options), _output(options)
    # Imported here: training needs PyTorch, and the other commands do without.
    from sage_training import publish, trainer

    trainer.use_threads(options.threads)
    try:
        with _progress() as report:
            networks = trainer.train(recipe, work, report, restart=options.restart)
    except KeyboardInterrupt:
        _say(f"stopped; whole epochs are kept in {work}, and the same command goes on from there")
        raise
    _say("measuring on held-out data")
    figures = publish.publish(recipe, networks, work, out)
    return _show_written(recipe, out, figures, options.json)


def export(options: argparse.Namespace) -> int:
    """Write files and cards of a training that is complete."""
    recipe, work, out = _recipe(options), _work(options), _output(options)
    from sage_training import publish, trainer

    _say("measuring on held-out data")
    figures = publish.publish(recipe, trainer.load(recipe, work), work, out)
    return _show_written(recipe, out, figures, options.json)


def evaluate(options: argparse.Namespace) -> int:
    """Measure the files anew; 1 if a figure of the card does not hold."""
    models, kind = models_folder(options.models), options.precision
    recipe = _recipe(options)
    from sage_training import publish
    from sage_training.precision import cards

    _say("measuring on held-out data")
    with cards.in_place(recipe, models, kind) as folder:
        compared = publish.differences(recipe, folder)
    if options.json:
        print(json.dumps(compared))
    else:
        title = cards.variant_file(recipe.files[0], kind)
        table = Table("figure", "the card says", "found", "", title=title)
        for name, row in compared.items():
            mark = "[green]holds[/]" if row["holds"] else "[red]does not hold[/]"
            table.add_row(name, str(row["stated"]), str(row["found"]), mark)
        Console().print(table)
    return 0 if all(row["holds"] for row in compared.values()) else 1


def quantize(options: argparse.Namespace) -> int:
    """Write the variants of lower precision that keep the quality; 1 if one does not."""
    recipe, console = _recipe(options), Console(stderr=True)
    from sage_training.precision import variants

    found = variants.quantize(recipe, models_folder(options.models), console.print)
    rows = [{**asdict(variant), "keeps_line": variant.keeps_line} for variant in found]
    if options.json:
        print(json.dumps(rows))
    else:
        kept = [f"{name} retained" for name in recipe.kept_figures]
        table = Table(
            "precision", "kB", "p50 ms, one core", "mse", *kept, "", title=recipe.files[0]
        )
        for row in rows:
            shares = (f"{share:.1%}" for share in row["retained"].values())
            mark = "[green]keeps the line[/]" if row["keeps_line"] else "[red]below, not written[/]"
            size, p50 = f"{row['bytes'] / 1000:.0f}", f"{row['p50_ms']:.2f}"
            table.add_row(row["precision"], size, p50, str(row["figures"]["mse"]), *shares, mark)
        Console().print(table)
    return 0 if all(row["keeps_line"] for row in rows) else 1


def _recipe(options: argparse.Namespace) -> Recipe:
    # All is checked before PyTorch is imported, which takes seconds.
    if options.model not in RECIPES:
        raise InvalidInput("model", options.model, f"one of {', '.join(RECIPES)}")
    if not options.data.is_dir():
        raise InvalidInput("--data", str(options.data), "a folder of recordings")
    if options.epochs is not None and options.epochs < 1:
        raise InvalidInput("--epochs", options.epochs, "1 or more")
    if options.seed < 0:
        raise InvalidInput("--seed", options.seed, "0 or more")
    return recipe_type(options.model)(options.data, options.seed, options.epochs)


def _work(options: argparse.Namespace) -> Path:
    return Path(options.work) if options.work else sage_home(options.home) / "training"


def _output(options: argparse.Namespace) -> Path:
    """The folder to write to, which is made if it was named."""
    if options.models:
        Path(options.models).expanduser().mkdir(parents=True, exist_ok=True)
    return models_folder(options.models)


def _say(text: str) -> None:
    print(f"sage models: {text}", file=sys.stderr, flush=True)


def _show_written(recipe: Recipe, out: Path, figures: dict[str, Any], as_json: bool) -> int:
    if as_json:
        print(json.dumps({"files": [str(out / file) for file in recipe.files], **figures}))
        return 0
    table = Table("figure", "held out")
    for name, value in figures.items():
        table.add_row(name, str(value))
    Console().print(table)
    for file in recipe.files:
        card = (out / file).with_suffix(".json")
        print(f"wrote {out / file} and {card.name}" if (out / file).exists() else f"wrote {card}")
    return 0


def _without_card(path: Path, folder: Path) -> dict[str, Any]:
    size = path.stat().st_size
    name = str(path.relative_to(folder))
    return {"file": name, "model": "", "bytes": size, "state": "without a card", "figures": {}}


def _summary(card_path: Path, folder: Path) -> dict[str, Any]:
    card = read_card(card_path)
    file = card_path.with_name(str(card.body.get("file", "")))
    if "package" in card.body:
        state = "in a package"
    elif not file.is_file():
        state = "in a package" if "weights" in card.body else "missing"
    else:
        state = "whole" if model_sha256(file) == card.sha256 else "damaged or replaced"
    figures = card.body.get("held_out", {})
    return {
        "file": str(file.relative_to(folder)),
        "model": card.encoder_id,
        "bytes": card.body.get("bytes"),
        "state": state,
        "figures": {name: figures[name] for name in SHOWN_FIGURES if name in figures},
    }


@contextmanager
def _progress() -> Iterator[Report]:
    """A bar a stage on a terminal; elsewhere a line an epoch."""
    if not sys.stderr.isatty():
        yield _report_epoch
        return
    columns = (
        TextColumn("{task.description:<10}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("error {task.fields[error]:.4f}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bars:
        tasks: dict[str, Any] = {}

        def report(progress: Any) -> None:
            total = progress.epochs * progress.steps
            done = progress.epoch * progress.steps + progress.step
            if progress.stage not in tasks:
                tasks[progress.stage] = bars.add_task(progress.stage, total=total, error=0.0)
            bars.update(tasks[progress.stage], completed=done, error=progress.error)

        yield report


def _report_epoch(progress: Any) -> None:
    if progress.step == progress.steps:
        done = f"{progress.stage}: epoch {progress.epoch + 1} of {progress.epochs}"
        _say(f"{done}, error {progress.error:.4f}")
