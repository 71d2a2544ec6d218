"""An encoder on a leased model, with what /diagnostics shows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sage_common.core.state.fields import State
from sage_common.core.state.stateful import Stateful
from sage_encoders.backends.model_registry import REGISTRY, Lease
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.signature import Signature
from sage_encoders.params import ModelParameters

E = TypeVar("E", bound=Stateful)


@dataclass(frozen=True)
class LoadedEncoder(Stateful, Generic[E]):
    """What a node holds while its model is loaded.

    Attributes:
        encoder: what the node encodes with.
        lease: of the model.
        facts: for /diagnostics.
        size_bytes: of the model's weights; 0: not known.
        warnings: what is not as it was asked for, in words.
    """

    encoder: State[E]
    lease: Lease[Any]
    facts: Mapping[str, object]
    warnings: tuple[str, ...] = ()
    size_bytes: int = 0


def load_onnx(
    name: str,
    parameters: ModelParameters,
    signature: Signature,
    make: Callable[[OnnxModel], E],
) -> LoadedEncoder[E]:
    """An encoder on a model of the models' folder, shared with others that ask for the same.

    Args:
        name: of the model's FP32 file without the ending.
        signature: what the encoder needs of the model.
        make: the encoder from the model.

    Raises:
        ModelError: the model cannot be used.
    """
    lease = REGISTRY.open(
        name,
        models_folder(parameters.models_dir),
        parameters.precision,
        parameters.provider,
        parameters.threads,
        signature,
    )
    model = lease.model
    return LoadedEncoder(
        make(model), lease, onnx_facts(model), onnx_warnings(model), model.size_bytes
    )


def onnx_facts(model: OnnxModel) -> dict[str, object]:
    """What /diagnostics shows of a model on ONNX Runtime."""
    return {
        "backend": "onnxruntime",
        "provider": model.provider,
        "provider_fault": model.provider_fault,
        "precision": model.precision,
        "weights_sha256": model.card.sha256,
        "encoder_id": model.encoder_id,
    }


def onnx_warnings(model: OnnxModel) -> tuple[str, ...]:
    """One line if a better provider is present, but did not start."""
    if not model.provider_fault:
        return ()
    return (f"the model runs on {model.provider}: {model.provider_fault}",)
