"""Makes FP16 and INT8 variants of a trained FP32 model; what stays FP32 is chosen by measuring.

How well a variant agrees with the FP32 model is measured on training examples that it was not
calibrated on; the held-out data only judge what was chosen.
"""

from __future__ import annotations

import io
import logging
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
    shape_inference,
)
from onnxruntime.transformers import float16
from onnxruntime.transformers.onnx_model import OnnxModel

from sage_encoders.core.card import ModelError
from sage_training.export import IR_VERSION
from sage_training.precision.layers import LAYER_TYPES, Layers

Examples = NDArray[Any]
Outputs = list[NDArray[Any]]

ENOUGH_FP16 = 0.99
"""Agreement from which on nothing more is kept in FP32."""
CLOSE_INT8 = 0.01
"""Agreement with FP32 that a variant with fewer FP32 layers may lack to the best one."""
METHODS = ("MinMax", "Entropy", "Percentile")


@dataclass(frozen=True)
class Made:
    """A variant that was made.

    Attributes:
        agreement: with the FP32 model; see `agreement`.
        how: how it was made, for its card.
    """

    agreement: float
    how: dict[str, Any]


def to_fp16(source: Path, examples: Examples, out: Path) -> Made:
    """Write the model with FP16 weights and activations; inputs and outputs keep their types.

    If it does not agree with FP32, the nodes from the last layer to each output stay FP32.

    Args:
        source: the FP32 model, of one input.
        examples: inputs [N, ...] to measure the agreement on.
        out: the file to write.
    """
    layers = Layers(onnx.load(source).graph)
    wanted = outputs(source, examples)
    for kept in (set[str](), layers.tail(discrete=True) | layers.tail(discrete=False)):
        model = float16.convert_float_to_float16(
            _with_own_scalars(onnx.load(source)), keep_io_types=True, node_block_list=sorted(kept)
        )
        OnnxModel.graph_topological_sort(model.graph, is_deterministic=True)
        _write(model, out)
        reached = agreement(wanted, outputs(out, examples))
        if reached >= ENOUGH_FP16:
            break
    return Made(reached, {"tool": _tool("transformers.float16"), "kept_fp32": sorted(kept)})


def to_int8(source: Path, examples: Examples, out: Path) -> Made:
    """Write the model with static INT8 convolutions and matrix products (QDQ, per channel).

    Weights have seven bits: with eight, the AVX2 kernels saturate their 16-bit sums, which costs
    the audio encoder a fifth of its codes.

    Of the layers at the ends, as few stay FP32 as agree with FP32 to within 0.01 of the best; of
    the calibration methods the one that agrees best is taken.

    Args:
        source: the FP32 model, of one input.
        examples: real inputs [N, ...], N at least 2: half to calibrate, half to measure on.
        out: the file to write.
    """
    calibration, test = examples[::2], examples[1::2]
    wanted = outputs(source, test)
    with tempfile.TemporaryDirectory() as folder:
        plain, trial = Path(folder, "plain.onnx"), Path(folder, "trial.onnx")
        with _quiet():
            shape_inference.quant_pre_process(str(source), str(plain), skip_symbolic_shape=True)

        def attempt(kept: set[str], method: str) -> float:
            _quantize(plain, trial, calibration, kept, method)
            return agreement(wanted, outputs(trial, test))

        layers = Layers(onnx.load(plain).graph)
        choices = _kept_choices(layers)
        reached = [attempt(kept, METHODS[0]) for kept in choices]
        chosen = next(at for at, share in enumerate(reached) if share >= max(reached) - CLOSE_INT8)
        kept = choices[chosen]
        by_method = {METHODS[0]: reached[chosen]}
        by_method.update({method: attempt(kept, method) for method in METHODS[1:]})
        best = max(METHODS, key=by_method.__getitem__)
        attempt(kept, best)
        _write(onnx.load(trial), out)
    how = {
        "tool": _tool("quantization.quantize_static, QDQ, per channel, 7-bit weights"),
        "kept_fp32": sorted(kept & layers.names()),
        "calibration_examples": len(calibration),
        "calibration": best,
        "agreement_by_calibration": {name: round(share, 4) for name, share in by_method.items()},
    }
    return Made(by_method[best], how)


def agreement(wanted: Outputs, found: Outputs) -> float:
    """The least agreement of any output: 1 is the same.

    For whole numbers the share that is equal; for others 1 - error / variance, where variance is
    that between the examples. Not finite: 0.
    """
    shares = []
    for left, right in zip(wanted, found, strict=True):
        if left.dtype.kind in "iu":
            shares.append(float(np.mean(left == right)))
            continue
        spread = np.mean((left - left.mean(axis=0)) ** 2, dtype=np.float64)
        error = np.mean((left - right) ** 2, dtype=np.float64)
        shares.append(float(1 - error / max(spread, 1e-12)) if np.isfinite(error) else 0.0)
    return min(shares)


def outputs(file: Path, examples: Examples) -> Outputs:
    """All outputs of a model for examples [N, ...] that are run one by one."""
    running = session(file)
    name = running.get_inputs()[0].name
    each = [running.run(None, {name: example[None]}) for example in examples]
    return [np.concatenate(parts) for parts in zip(*each, strict=True)]


def session(file: Path) -> onnxruntime.InferenceSession:
    """The model on one core of the processor.

    Raises:
        ModelError: it has more than one input.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    running = onnxruntime.InferenceSession(file, options, providers=["CPUExecutionProvider"])
    if len(running.get_inputs()) != 1:
        names = ", ".join(item.name for item in running.get_inputs())
        raise ModelError(f"{file}: inputs {names}: expected one")
    return running


class _Reader(CalibrationDataReader):  # type: ignore[misc]
    """Hands out the examples one by one."""

    def __init__(self, name: str, examples: Examples) -> None:
        self._name, self._left = name, iter(examples)

    def get_next(self) -> dict[str, Examples] | None:
        example = next(self._left, None)
        return None if example is None else {self._name: example[None]}


def _kept_choices(layers: Layers) -> list[set[str]]:
    """What may stay FP32, from nothing on; without repetitions."""
    codes, others = layers.tail(discrete=True), layers.tail(discrete=False)
    choices: list[set[str]] = []
    for kept in (set[str](), codes, codes | others, codes | others | layers.first()):
        if kept not in choices:
            choices.append(kept)
    return choices


def _quantize(
    plain: Path, out: Path, calibration: Sequence[Any], kept: set[str], method: str
) -> None:
    name = session(plain).get_inputs()[0].name
    with _quiet():
        quantize_static(
            str(plain),
            str(out),
            _Reader(name, np.asarray(calibration)),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(LAYER_TYPES),
            per_channel=True,
            reduce_range=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            nodes_to_exclude=sorted(kept),
            calibrate_method=CalibrationMethod[method],
        )


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the quantiser's prints and its advice, which is followed already."""
    logging.disable(logging.WARNING)
    try:
        with redirect_stdout(io.StringIO()):
            yield
    finally:
        logging.disable(logging.NOTSET)


def _with_own_scalars(model: onnx.ModelProto) -> onnx.ModelProto:
    """Every node gets its own copy of a scalar constant that several use.

    The converter casts the scalar once for each FP32 node, always to the same name.
    """
    graph = model.graph
    scalars = {item.name: item for item in graph.initializer if not item.dims}
    seen: set[str] = set()
    for number, node in enumerate(graph.node):
        for place, name in enumerate(node.input):
            if name in scalars and name in seen:
                copy = graph.initializer.add()
                copy.CopyFrom(scalars[name])
                copy.name = f"{name}_{number}_{place}"
                node.input[place] = copy.name
            seen.add(name)
    return model


def _tool(name: str) -> str:
    return f"onnxruntime {onnxruntime.__version__} {name}"


def _write(model: onnx.ModelProto, path: Path) -> None:
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "sage_encoders", "", ""
    del model.metadata_props[:]
    # What the exporter inferred of types holds no longer.
    del model.graph.value_info[:]
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))
