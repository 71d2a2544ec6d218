"""Writes a trained graph as an ONNX file that ONNX Runtime 1.19 and later load."""

from __future__ import annotations

import logging
import warnings
from pathlib import Path

import onnx
import torch
from torch import Tensor, nn

OPSET = 18
IR_VERSION = 9


def export(
    graph: nn.Module, example: Tensor, inputs: str, outputs: tuple[str, ...], path: Path
) -> None:
    """Export `graph` with a free first dimension.

    Args:
        graph: module of one tensor.
        example: an input; its first dimension must be at least 2.
        inputs, outputs: names in the file.
        path: the file to write.
    """
    logging.getLogger("torch.onnx").setLevel(logging.ERROR)
    with warnings.catch_warnings():
        # The exporter copies with interfaces of its own that it deprecates.
        warnings.simplefilter("ignore", FutureWarning)
        program = torch.onnx.export(
            graph.eval(),
            (example,),
            input_names=[inputs],
            output_names=list(outputs),
            dynamic_shapes=({0: torch.export.Dim("batch", min=1, max=64)},),
            opset_version=OPSET,
            dynamo=True,
            verbose=False,
        )
    if program is None:
        raise RuntimeError(f"{path.name}: the exporter returned nothing")
    model = program.model_proto
    model.ir_version = IR_VERSION
    model.producer_name, model.producer_version, model.doc_string = "sage_encoders", "", ""
    _forget_sources(model.graph)
    del model.metadata_props[:]
    onnx.checker.check_model(model, full_check=True)
    path.write_bytes(model.SerializeToString(deterministic=True))


def _forget_sources(graph: onnx.GraphProto) -> None:
    """Drop stack traces and source paths, which differ between machines."""
    for item in (*graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        item.doc_string = ""
        del item.metadata_props[:]
    del graph.metadata_props[:]
