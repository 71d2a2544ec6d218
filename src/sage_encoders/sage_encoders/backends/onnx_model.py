"""A network in an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

import ctypes
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray
from onnxruntime.capi import onnxruntime_pybind11_state as runtime_errors

from sage_common.core.errors import InvalidInput
from sage_encoders.core.card import Card, ModelError, read_card, sha256_of

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}
_DTYPES = {
    "tensor(uint8)": np.dtype(np.uint8),
    "tensor(float)": np.dtype(np.float32),
    "tensor(int64)": np.dtype(np.int64),
}
_LOAD_ERRORS = (
    runtime_errors.InvalidProtobuf,
    runtime_errors.InvalidGraph,
    runtime_errors.InvalidArgument,
    runtime_errors.NoSuchFile,
    runtime_errors.NotImplemented,
    runtime_errors.Fail,
    runtime_errors.RuntimeException,
)


class OnnxModel:
    """An ONNX file whose hash is the one that its card states.

    Args:
        path: the model.
        card: its card; None: the `.json` beside it.
        provider: tensorrt, cuda, cpu, or auto (the first of those that this runtime has).
        threads: compute threads of one run.
        prepare: changes the file's content before it is loaded; None: as it is.

    Raises:
        ModelError: missing, changed or truncated file, no such provider, or not an ONNX model.
    """

    def __init__(
        self,
        path: Path,
        card: Card | None = None,
        provider: str = "auto",
        threads: int = 1,
        prepare: Callable[[bytes], bytes] | None = None,
    ) -> None:
        self.card = card or read_card(path.with_suffix(".json"))
        found = sha256_of(path)
        if found != self.card.sha256:
            raise ModelError(
                f"{path}: SHA-256 {found[:12]} ({path.stat().st_size} bytes), but its card says "
                f"{self.card.sha256[:12]}: the file is damaged or was replaced"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        # Spinning threads would burn the cores that other nodes need.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        options.log_severity_level = 3
        try:
            with _prepared(path, prepare) as file:
                self._session = onnxruntime.InferenceSession(
                    file, options, providers=_provider_order(provider)
                )
        except _LOAD_ERRORS as error:
            raise ModelError(f"{path}: ONNX Runtime cannot load it: {error}") from error
        _return_freed_memory()
        self._inputs = {item.name: item for item in self._session.get_inputs()}
        self._outputs = [item.name for item in self._session.get_outputs()]

    @property
    def encoder_id(self) -> str:
        """Name, version and the first 12 hex digits of the weights' hash."""
        return self.card.encoder_id

    @property
    def provider(self) -> str:
        """The provider that runs it: tensorrt, cuda or cpu."""
        active = self._session.get_providers()[0]
        return next((key for key, name in PROVIDERS.items() if name == active), active)

    def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """Outputs by name.

        Raises:
            InvalidInput: an input that is missing, unknown, or of another dtype or shape.
        """
        if inputs.keys() != self._inputs.keys():
            raise InvalidInput("inputs", sorted(inputs), f"{sorted(self._inputs)}")
        for name, array in inputs.items():
            self._check(name, array)
        return dict(zip(self._outputs, self._session.run(None, inputs), strict=True))

    def _check(self, name: str, array: NDArray[Any]) -> None:
        wanted = self._inputs[name]
        dtype = _DTYPES[wanted.type]
        fits = len(array.shape) == len(wanted.shape) and all(
            not isinstance(size, int) or size == found
            for size, found in zip(wanted.shape, array.shape, strict=False)
        )
        if array.dtype != dtype or not fits:
            raise InvalidInput(name, f"{array.dtype} {array.shape}", f"{dtype} {wanted.shape}")


def _provider_order(provider: str) -> list[str]:
    available = onnxruntime.get_available_providers()
    if provider == "auto":
        return [name for name in PROVIDERS.values() if name in available]
    if provider not in PROVIDERS or PROVIDERS[provider] not in available:
        raise ModelError(f"provider {provider}: this ONNX Runtime has {', '.join(available)}")
    return list(dict.fromkeys((PROVIDERS[provider], PROVIDERS["cpu"])))


@contextmanager
def _prepared(path: Path, prepare: Callable[[bytes], bytes] | None) -> Iterator[str]:
    """The file to load: a session made from bytes instead would keep them all its life."""
    if prepare is None:
        yield str(path)
        return
    with tempfile.NamedTemporaryFile(suffix=".onnx") as changed:
        changed.write(prepare(path.read_bytes()))
        changed.flush()
        yield changed.name


def _return_freed_memory() -> None:
    """Give back what loading left behind: 60 MB for the language model, with glibc's allocator."""
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
    if trim is not None:
        trim(0)
