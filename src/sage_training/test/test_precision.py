"""Variants of lower precision: what is made, what is measured, and what is refused."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")
onnx = pytest.importorskip("onnx", reason="export needs onnx (requirements/train.in)")
pytest.importorskip("onnxscript", reason="export needs onnxscript (requirements/train.in)")

from sage_encoders.backends.onnx_model import OnnxModel  # noqa: E402
from sage_encoders.core.card import ModelError, read_card  # noqa: E402
from sage_training import card, export  # noqa: E402
from sage_training.precision import (  # noqa: E402
    cards,
    conversion,
    variants,
)
from sage_training.precision.layers import Layers  # noqa: E402
from sage_training.recipe import Networks, Recipe, Stage  # noqa: E402

FILE = "tiny.onnx"


class TinyGraph(torch.nn.Module):
    """uint8 [N, 12, 12, 3] -> codes uint8 [N, 144] and float32 [N, 4]."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = torch.nn.Conv2d(3, 8, 3, padding=1)
        self.body = torch.nn.Conv2d(8, 8, 3, padding=1)
        self.codes = torch.nn.Conv2d(8, 5, 1)
        self.embedding = torch.nn.Linear(8, 4)

    def forward(self, image: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        pixels = image.permute(0, 3, 1, 2).float() / 255
        features = torch.relu(self.body(torch.relu(self.stem(pixels))))
        codes = self.codes(features).argmax(1).to(torch.uint8).flatten(1)
        return codes, self.embedding(features.mean((2, 3)))


class TinyRecipe(Recipe):
    """Not trained; its error is what differs from the FP32 model's embedding, plus one."""

    name = "tiny"
    files = (FILE,)
    worse = 0.0

    def stages(self) -> Sequence[Stage]:
        return ()

    def export(self, networks: Networks, out: Path) -> None:
        torch.manual_seed(0)
        example = torch.zeros(2, 12, 12, 3, dtype=torch.uint8)
        export.export(TinyGraph(), example, "image", ("codes", "embedding"), out / FILE)

    def measure(self, models: Path) -> dict[str, Any]:
        model = OnnxModel(models / FILE)
        embedding = model.run(image=pictures(8, 1))["embedding"]
        error = float(np.abs(embedding).mean())
        return {"mse": error + (self.worse if model.card.precision == "int8" else 0.0)}

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        return {FILE: {"name": "tiny", "version": "1"}}

    def calibration(self, models: Path) -> dict[str, Any]:
        return {FILE: pictures(12, 0)}


def pictures(count: int, seed: int) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (count, 12, 12, 3), dtype=np.uint8)


@pytest.fixture
def recipe(tmp_path: Path) -> TinyRecipe:
    """With its FP32 file and card in `recipe.data`."""
    made = TinyRecipe(tmp_path)
    made.export({}, tmp_path)
    body = {"name": "tiny", "version": "1", "rebuild": "by hand"}
    card.write(tmp_path / FILE, body)
    cards.add(tmp_path / FILE, {"held_out": made.measure(tmp_path)})
    return made


def silent(_: str) -> None:
    """Report to nobody."""


def test_ends_of_a_graph(recipe: TinyRecipe) -> None:
    graph = onnx.load(recipe.data / FILE).graph
    layers = Layers(graph)
    kinds = {node.name: node.op_type for node in graph.node}
    in_order = [node.name for node in graph.node if node.name in layers.names()]
    stem, _, codes, embedding = in_order
    assert layers.first() == {stem}
    assert layers.tail(discrete=True) & layers.names() == {codes}
    assert layers.tail(discrete=False) & layers.names() == {embedding}
    assert "ArgMax" in {kinds[name] for name in layers.tail(discrete=True)}
    assert "ArgMax" not in {kinds[name] for name in layers.tail(discrete=False)}


def test_variants_keep_types_and_agree(recipe: TinyRecipe) -> None:
    found = variants.quantize(recipe, recipe.data, silent)
    assert [variant.precision for variant in found] == ["fp32", "fp16", "int8"]
    asked = pictures(4, 2)
    wanted = OnnxModel(recipe.data / FILE).run(image=asked)
    for kind, least in (("fp16", 0.99), ("int8", 0.9)):
        model = OnnxModel(recipe.data / f"tiny_{kind}.onnx")
        outputs = model.run(image=asked)
        assert outputs["codes"].dtype == np.uint8 and outputs["embedding"].dtype == np.float32
        assert model.card.precision == kind
        assert conversion.agreement(list(wanted.values()), list(outputs.values())) > least
    graph = onnx.load(recipe.data / "tiny_int8.onnx").graph
    assert any(weights.data_type == onnx.TensorProto.INT8 for weights in graph.initializer)
    graph = onnx.load(recipe.data / "tiny_fp16.onnx").graph
    assert any(weights.data_type == onnx.TensorProto.FLOAT16 for weights in graph.initializer)


def test_cards_say_what_was_measured_and_what_is_fastest(recipe: TinyRecipe) -> None:
    found = variants.quantize(recipe, recipe.data, silent)
    full = read_card(recipe.data / "tiny.json")
    assert full.fastest_precision("cpu") == variants.fastest_on_cpu(found)
    assert full.fastest_precision("cuda") == full.fastest_precision("tensorrt") == "fp16"
    for variant in found[1:]:
        body = read_card(recipe.data / f"tiny_{variant.precision}.json").body
        assert body["made_from_sha256"] == full.sha256
        assert body["held_out"] == variant.figures
        assert body["retained"]["mse"] == pytest.approx(
            full.body["held_out"]["mse"] / variant.figures["mse"], abs=1e-4
        )
        with cards.in_place(recipe, recipe.data, variant.precision) as folder:
            assert recipe.measure(folder) == pytest.approx(body["held_out"])


@pytest.mark.parametrize(
    ("int8_ms", "int8_mse_retained", "chosen"),
    [(5.0, 1.0, "int8"), (9.4, 0.96, "int8"), (9.7, 1.0, "fp32"), (5.0, 0.94, "fp32")],
)
def test_int8_is_chosen_if_clearly_faster_and_good_enough(
    int8_ms: float, int8_mse_retained: float, chosen: str
) -> None:
    found = [
        variants.Variant("fp32", 1, {}, {"mse": 1.0}, 10.0),
        variants.Variant("fp16", 1, {}, {"mse": 1.0}, 12.0),
        variants.Variant("int8", 1, {}, {"mse": int8_mse_retained}, int8_ms),
    ]
    assert variants.fastest_on_cpu(found) == chosen


def test_a_variant_below_the_line_is_not_shipped(recipe: TinyRecipe) -> None:
    variants.quantize(recipe, recipe.data, silent)
    assert (recipe.data / "tiny_int8.onnx").is_file()
    recipe.worse = 0.2
    found = variants.quantize(recipe, recipe.data, silent)
    assert [variant.keeps_line for variant in found] == [True, True, False]
    assert sorted(path.name for path in recipe.data.iterdir()) == [
        "tiny.json",
        "tiny.onnx",
        "tiny_fp16.json",
        "tiny_fp16.onnx",
    ]
    assert read_card(recipe.data / "tiny.json").fastest_precision("cpu") != "int8"


def test_the_same_again_gives_the_same_bytes(recipe: TinyRecipe) -> None:
    variants.quantize(recipe, recipe.data, silent)
    names = ("tiny_fp16.onnx", "tiny_int8.onnx")
    first = [(recipe.data / name).read_bytes() for name in names]
    variants.quantize(recipe, recipe.data, silent)
    assert [(recipe.data / name).read_bytes() for name in names] == first


def test_a_variant_of_another_model_is_refused(recipe: TinyRecipe) -> None:
    variants.quantize(recipe, recipe.data, silent)
    cards.add(recipe.data / FILE, {"sha256": "0" * 64})
    with (
        pytest.raises(ModelError, match="made from another"),
        cards.in_place(recipe, recipe.data, "int8"),
    ):
        pass


def test_without_variant_examples_or_figures_there_is_an_error(
    recipe: TinyRecipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (
        pytest.raises(ModelError, match=r"tiny_int8\.onnx: no such"),
        cards.in_place(recipe, recipe.data, "int8"),
    ):
        pass
    monkeypatch.setattr(TinyRecipe, "kept_figures", ("mse", "recall"))
    with pytest.raises(ModelError, match="lacks recall"):
        variants.quantize(recipe, recipe.data, silent)
    monkeypatch.setattr(TinyRecipe, "calibration", Recipe.calibration)
    with pytest.raises(ModelError, match="no examples"):
        variants.quantize(recipe, recipe.data, silent)


def test_agreement() -> None:
    codes = np.array([[1, 2], [3, 4]], np.uint8)
    level = np.array([[0.0], [2.0]], np.float32)
    assert conversion.agreement([codes, level], [codes, level]) == 1.0
    assert conversion.agreement([codes], [np.array([[1, 2], [3, 5]], np.uint8)]) == 0.75
    assert conversion.agreement([level], [level + 0.5]) == pytest.approx(0.75)
    assert conversion.agreement([level], [level * np.nan]) == 0.0


@pytest.mark.parametrize(("name", "full", "found"), [("mse", 0.02, 0.025), ("recall", 0.5, 0.4)])
def test_share_retained(name: str, full: float, found: float) -> None:
    assert variants.share(name, full, found) == pytest.approx(0.8)
