"""FP32, FP16 and INT8 of each model: size and time of the files at hand, what each one retains."""

from __future__ import annotations

from typing import Any

import numpy as np

from sage_bench.encoders.section import Figures, Setting
from sage_bench.encoders.timing import Variant, alternating_ms
from sage_bench.result import Row, row_of_samples
from sage_encoders.backends.model_registry import variant
from sage_encoders.backends.onnx_session import open_session
from sage_encoders.core.card import PRECISIONS, Card, read_card

GOALS_RETAINED = {"fp16": 0.99, "int8": 0.95}
FULL = "fp32"
NOTE = (
    "error and share retained by fp16 and int8 are those of the cards, where sage models quantize "
    "wrote them; a variant below its line is not kept, and so has no file to be timed"
)


def rows(setting: Setting) -> Figures:
    """Rows of every model of the folder that says what lower precision does to it."""
    found: list[Row] = []
    names = [path.stem for path in sorted(setting.models.glob("*.onnx"))]
    for name in names:
        card = read_card(setting.models / f"{name}.json")
        if card.precision == FULL and "fastest_how" in card.body:
            found += _rows_of(name, card, setting)
    if found:
        return Figures(tuple(found), (NOTE,))
    error = f"precision: no card in {setting.models} tells of variants: run sage models quantize"
    return Figures(errors=(error,))


def _rows_of(name: str, card: Card, setting: Setting) -> list[Row]:
    cards = {FULL: card}
    for kind in PRECISIONS[1:]:
        if (setting.models / f"{name}_{kind}.onnx").is_file():
            cards[kind] = variant(setting.models, name, kind)[1]
    taken_ms = _taken_ms(name, list(cards), setting)
    full_ms = float(np.median(taken_ms[FULL]))
    found = []
    for kind, own in cards.items():
        baselines = {} if kind == FULL else {FULL: full_ms}
        found.append(
            row_of_samples(f"{name} {kind}, p50", taken_ms[kind], "ms", baselines=baselines)
        )
        found += _facts(name, kind, own, card)
    for kind, retained in card.body["fastest_how"]["retained"].items():
        found.append(_retained(name, kind, retained))
    return found


def _facts(name: str, kind: str, own: Card, full: Card) -> list[Row]:
    """Size and held-out error."""
    size, error = own.body["bytes"] / 1e3, own.body.get("held_out", {}).get("mse")
    of_full = {} if kind == FULL else {FULL: full.body["bytes"] / 1e3}
    found = [Row(f"{name} {kind}, size", size, "kB", baselines=of_full)]
    if error is not None:
        of_full = {} if kind == FULL else {FULL: full.body["held_out"]["mse"]}
        found.append(Row(f"{name} {kind}, held-out MSE", error, "", baselines=of_full))
    return found


def _retained(name: str, kind: str, retained: dict[str, float]) -> Row:
    """The least share of any figure that a variant retains; all shares stand beside it."""
    return Row(
        f"{name} {kind}, least share retained", min(retained.values()), "",
        GOALS_RETAINED[kind], "higher",
        {figure.replace("_", " "): share for figure, share in retained.items()},
    )  # fmt: skip


def _taken_ms(name: str, kinds: list[str], setting: Setting) -> dict[str, list[float]]:
    def running(kind: str) -> Variant:
        session = open_session(variant(setting.models, name, kind)[0], "cpu", threads=1)
        takes = session.signature.inputs
        inputs = {key: _example(item.dtype, item.shape) for key, item in takes.items()}
        return Variant(lambda _: session.run(inputs))

    return alternating_ms({k: running(k) for k in kinds}, setting.runs, setting.limit_s)


def _example(dtype: str, shape: tuple[int | str, ...]) -> Any:
    rng = np.random.default_rng(0)
    sizes = tuple(size if isinstance(size, int) else 1 for size in shape)
    if np.dtype(dtype).kind == "f":
        return rng.standard_normal(sizes).astype(dtype)
    return rng.integers(0, 10, sizes, dtype)
