"""Files and cards of variants: their names, what their cards say, and one in place of the FP32."""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sage_encoders.core.card import Card, ModelError, read_card
from sage_training import card
from sage_training.precision.conversion import Made
from sage_training.recipe import Recipe

FULL = "fp32"
FASTEST, FASTEST_HOW = "fastest_that_keeps_quality", "fastest_how"
_OF_THE_FILE = ("file", "sha256", "bytes", FASTEST, FASTEST_HOW)


def variant_file(file: str, kind: str) -> str:
    """Name of a variant's file: `stem_int8.onnx`; of fp32 the file itself."""
    path = Path(file)
    return file if kind == FULL else str(path.with_name(f"{path.stem}_{kind}{path.suffix}"))


def write(full: Card, kind: str, made: Made, out: Path) -> None:
    """Write the card of the variant `out`: that of the FP32 model and how it was made of it."""
    shared = {key: value for key, value in full.body.items() if key not in _OF_THE_FILE}
    body = {
        **shared,
        "rebuild": f"{shared['rebuild']}; sage models quantize with the same model and data",
        "precision": kind,
        "made_from_sha256": full.sha256,
        "agreement_with_fp32": round(made.agreement, 4),
        "conversion": made.how,
    }
    card.write(out, body)


def add(file: Path, fields: Mapping[str, Any]) -> None:
    """Set fields of the card of a model file."""
    path = file.with_suffix(".json")
    _write_body(path, {**read_card(path).body, **fields})


@contextmanager
def in_place(recipe: Recipe, models: Path, kind: str) -> Iterator[Path]:
    """A folder of models in which a variant stands under the names of the FP32 files.

    Raises:
        ModelError: no such variant, or it was made from another FP32 model.
    """
    if kind == FULL:
        yield models
        return
    files = [file for file in recipe.files if (models / variant_file(file, kind)).is_file()]
    if not files:
        raise ModelError(f"{models / variant_file(recipe.files[0], kind)}: no such model file")
    for file in files:
        full, variant = (models / name for name in (file, variant_file(file, kind)))
        made_from = read_card(variant.with_suffix(".json")).body.get("made_from_sha256", "")
        if made_from != read_card(full.with_suffix(".json")).sha256:
            raise ModelError(
                f"{variant}: made from another {full.name}: run sage models quantize {recipe.name}"
            )
    with staged(models, models, kind, files) as folder:
        yield folder


@contextmanager
def staged(models: Path, variants: Path, kind: str, files: list[str]) -> Iterator[Path]:
    """A folder with all of `models`, but of `files` the variants that lie in `variants`."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for path in models.rglob("*"):
            inside = path.relative_to(models)
            if path.is_file() and not inside.parts[0].startswith("."):
                (folder / inside).parent.mkdir(parents=True, exist_ok=True)
                (folder / inside).symlink_to(path.resolve())
        for file in files:
            variant, place = variants / variant_file(file, kind), folder / file
            body = read_card(variant.with_suffix(".json")).body
            for path in (place, place.with_suffix(".json")):
                path.unlink()
            place.symlink_to(variant.resolve())
            _write_body(place.with_suffix(".json"), {**body, "file": place.name})
        yield folder


def _write_body(path: Path, body: Mapping[str, Any]) -> None:
    path.write_text(json.dumps(body, indent=2) + "\n", encoding="utf-8")
