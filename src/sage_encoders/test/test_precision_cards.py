"""The variants in models/ are of the FP32 files beside them, keep the line, and are as stated."""

import json
import sys
from pathlib import Path

import onnxruntime
import pytest

from sage_encoders.core.card import PRECISIONS, read_card

INSTALLED = Path(sys.prefix, "share", "sage_encoders", "models")
MODELS = Path(__file__).resolve().parents[3] / "models"
LINE = {"fp16": 0.99, "int8": 0.95}
VARIANTS = sorted(
    path.relative_to(MODELS).with_suffix("")
    for path in MODELS.rglob("*.onnx")
    if path.stem.endswith(tuple(f"_{kind}" for kind in LINE))
)


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_variant_is_of_its_model_and_keeps_the_line(variant: Path) -> None:
    card = read_card(MODELS / f"{variant}.json")
    full = read_card(MODELS / f"{str(variant).rpartition('_')[0]}.json")
    kind = variant.name.rpartition("_")[2]
    assert card.precision == kind
    assert card.body["made_from_sha256"] == full.sha256
    assert card.body["retained"] and min(card.body["retained"].values()) >= LINE[kind]
    for name, share in card.body["retained"].items():
        stated, found = full.body["held_out"][name], card.body["held_out"][name]
        ratio = stated / found if name.endswith("mse") else found / stated
        assert ratio == pytest.approx(share, abs=1e-4)
    assert {"input", "output", "data", "split", "seed", "conversion"} <= card.body.keys()


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_variant_takes_and_gives_what_its_model_does(variant: Path) -> None:
    model, full = (
        onnxruntime.InferenceSession(MODELS / f"{name}.onnx", providers=["CPUExecutionProvider"])
        for name in (variant, str(variant).rpartition("_")[0])
    )
    for left, right in (
        (model.get_inputs(), full.get_inputs()),
        (model.get_outputs(), full.get_outputs()),
    ):
        assert [(x.name, x.type, x.shape) for x in left] == [
            (x.name, x.type, x.shape) for x in right
        ]


@pytest.mark.parametrize("path", sorted(MODELS.glob("*.json")), ids=lambda path: path.name)
def test_the_fastest_is_there(path: Path) -> None:
    card = json.loads(path.read_text())
    for kind in card.get("fastest_that_keeps_quality", {}).values():
        assert kind in PRECISIONS
        # What the set-up makes of weights in packages lies where it is installed.
        folder = INSTALLED if "weights" in card else path.parent
        assert kind == "fp32" or (folder / f"{path.stem}_{kind}.onnx").is_file()
