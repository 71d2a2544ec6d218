"""Sessions of ONNX Runtime: how they are made."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_errors

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.onnx_protobuf import GraphWriter
from sage_encoders.backends.providers import (
    PROVIDERS,
    ProviderError,
    with_fallback_for_operators,
)
from sage_encoders.core.card import ModelError
from sage_encoders.core.model import AnyTensor
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
HOST_MEMORY, CUDA_MEMORY = 1, 2
"""Kinds of devices, as DLPack numbers them."""
_DTYPES = {
    "tensor(uint8)": "uint8",
    "tensor(float)": "float32",
    "tensor(float16)": "float16",
    "tensor(int64)": "int64",
}


class OpenSession:
    """A session and the constants that it was given, which ONNX Runtime uses where they lie.

    Attributes:
        signature: what it takes and gives.
        metadata: what its file says of it beside, text by name.
        device: whose memory it computes in: cpu or cuda.
    """

    def __init__(
        self, session: onnxruntime.InferenceSession, constants: Sequence[onnxruntime.OrtValue]
    ) -> None:
        self._session, self._constants = session, constants
        self.signature = _signature_of(session)
        self.metadata: Mapping[str, str] = session.get_modelmeta().custom_metadata_map
        self.device = "cpu" if session.get_providers()[0] == PROVIDERS["cpu"] else "cuda"

    def run(self, inputs: Mapping[str, NDArray[Any]]) -> list[NDArray[Any]]:
        """The outputs, in the order of the signature; on the processor the quickest way."""
        outputs: list[NDArray[Any]] = self._session.run(None, inputs)
        return outputs

    def run_bound(self, inputs: Mapping[str, onnxruntime.OrtValue]) -> list[NDArray[Any]]:
        """The same of inputs read where they lie: each crosses to the device once at most."""
        binding = self._session.io_binding()
        for name, value in inputs.items():
            binding.bind_ortvalue_input(name, value)
        for name in self.signature.outputs:
            binding.bind_output(name)
        binding.synchronize_inputs()  # whoever wrote them may have used another stream
        self._session.run_with_iobinding(binding)
        outputs: list[NDArray[Any]] = binding.copy_outputs_to_cpu()
        return outputs

    def value_of(self, name: str, tensor: AnyTensor) -> onnxruntime.OrtValue:
        """A tensor as ONNX Runtime binds it, without a copy.

        Raises:
            InvalidInput: it lies on a device that this session cannot read.
        """
        if isinstance(tensor, onnxruntime.OrtValue):
            return tensor
        if isinstance(tensor, np.ndarray):
            return onnxruntime.OrtValue.ortvalue_from_numpy(np.ascontiguousarray(tensor))
        kind, index = tensor.__dlpack_device__()
        if kind == HOST_MEMORY:
            return self.value_of(name, np.from_dlpack(tensor))
        # ONNX Runtime 1.23, the last one for Python 3.10, has no way from DLPack to a value.
        take = getattr(onnxruntime.OrtValue, "from_dlpack", None)
        if kind != CUDA_MEMORY or self.device == "cpu" or take is None:
            raise InvalidInput(name, f"DLPack device ({kind}, {index})", self._readable(take))
        return take(tensor)

    def _readable(self, take: object) -> str:
        if self.device == "cpu":
            return "host memory"
        return "host memory or CUDA" if take else "host memory (this ONNX Runtime has no DLPack)"


def open_session(path: Path, provider: str, threads: int) -> OpenSession:
    """A session on exactly this provider.

    Args:
        path: of an ONNX file.
        provider: tensorrt, cuda or cpu.
        threads: compute threads of one run.

    Raises:
        ModelError: ONNX Runtime cannot load the file.
        ProviderError: the provider does not start.
    """
    return OpenSession(_session(path, _options(threads), provider), ())


def open_written(
    model: bytes, constants: Mapping[str, NDArray[Any]], provider: str, threads: int
) -> OpenSession:
    """A session of what `GraphWriter` has written: taken as it is, without copying the constants.

    Args:
        constants: the large ones, by name.

    Raises:
        ModelError, ProviderError: as `open_session`.
    """
    options = _options(threads)
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(array) for array in constants.values()]
    for name, value in zip(constants, values, strict=True):
        options.add_initializer(name, value)
    with tempfile.TemporaryDirectory(prefix="sage-") as folder:
        path = Path(folder, "model.onnx")
        path.write_bytes(model)
        # ONNX Runtime wants a file to be there even for constants that it need not read from it.
        Path(folder, GraphWriter.OUTSIDE_FILE).touch()
        return OpenSession(_session(path, options, provider), values)


def _options(threads: int) -> onnxruntime.SessionOptions:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    # Spinning threads would burn the cores that other nodes need.
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.log_severity_level = 3
    return options


def _session(
    path: Path, options: onnxruntime.SessionOptions, provider: str
) -> onnxruntime.InferenceSession:
    providers = with_fallback_for_operators(provider)
    try:
        # Its own fallback to the CPU only prints; ours is reported.
        session = onnxruntime.InferenceSession(
            path, options, providers=providers, enable_fallback=0
        )
    except LOAD_ERRORS as error:
        kind = ModelError if provider == "cpu" else ProviderError
        raise kind(f"ONNX Runtime cannot load it on {provider}: {error}") from error
    if session.get_providers()[0] != PROVIDERS[provider]:
        active = ", ".join(session.get_providers())
        raise ProviderError(f"provider {provider} is present, but does not start (only {active})")
    return session


def _signature_of(session: onnxruntime.InferenceSession) -> Signature:
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


def form_of(value: onnxruntime.OrtValue) -> tuple[np.dtype[Any] | str, list[int]]:
    """Dtype and shape; a type that numpy lacks by its name in ONNX Runtime."""
    name = _DTYPES.get(value.data_type())
    return np.dtype(name) if name else value.data_type(), value.shape()
