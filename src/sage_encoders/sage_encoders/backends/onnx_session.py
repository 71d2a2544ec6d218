"""Sessions of ONNX Runtime: how they are made, and that their memory returns."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from typing import Any

import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_errors

from sage_encoders.backends.providers import (
    PROVIDERS,
    ProviderError,
    with_fallback_for_operators,
)
from sage_encoders.core.card import ModelError
from sage_encoders.core.signature import Signature, Tensor

LOAD_ERRORS = (
    runtime_errors.InvalidProtobuf,
    runtime_errors.InvalidGraph,
    runtime_errors.InvalidArgument,
    runtime_errors.NoSuchFile,
    runtime_errors.NotImplemented,
    runtime_errors.Fail,
    runtime_errors.RuntimeException,
    # What the bindings raise when a provider's library or device is missing.
    RuntimeError,
    ValueError,
)
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
}


def open_session(
    model: str | bytes,
    provider: str,
    threads: int,
    outside: Mapping[str, NDArray[Any]] | None = None,
) -> onnxruntime.InferenceSession:
    """A session on exactly this provider.

    Args:
        model: path of an ONNX file, or its content.
        provider: tensorrt, cuda or cpu.
        threads: compute threads of one run.
        outside: constants that the file leaves out. A file that does is taken as optimised.

    Raises:
        ModelError: ONNX Runtime cannot load the file.
        ProviderError: the provider does not start.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would burn the cores that other nodes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    if outside:
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # The arena would hand such large blocks back only with the process.
        options.add_session_config_entry("session.use_device_allocator_for_initializers", "1")
        values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in outside.values()]
        options.add_external_initializers(list(outside), values)
    providers = with_fallback_for_operators(provider)
    try:
        # Its own fallback to the CPU only prints; ours is reported.
        session = onnxruntime.InferenceSession(
            model, options, providers=providers, enable_fallback=0
        )
    except LOAD_ERRORS as error:
        kind = ModelError if provider == "cpu" else ProviderError
        raise kind(f"ONNX Runtime cannot load it on {provider}: {error}") from error
    if session.get_providers()[0] != PROVIDERS[provider]:
        active = ", ".join(session.get_providers())
        raise ProviderError(f"provider {provider} is present, but does not start (only {active})")
    return session


def signature_of(session: onnxruntime.InferenceSession) -> Signature:
    """What a session takes and gives."""

    def tensors(items: Any) -> dict[str, Tensor]:
        return {
            item.name: Tensor(
                _DTYPES.get(item.type, item.type),
                tuple(size if isinstance(size, int | str) else "" for size in item.shape),
            )
            for item in items
        }

    return Signature(tensors(session.get_inputs()), tensors(session.get_outputs()))


def return_freed_memory() -> None:
    """Give back what loading or unloading left in glibc's allocator: 60 MB for words."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
