"""A network in an ONNX file, run by ONNX Runtime."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.allocator import return_freed_memory
from sage_common.core.errors import InvalidInput
from sage_common.core.shared_work.batches import Batches
from sage_encoders.backends.batch_gain import batching_pays
from sage_encoders.backends.onnx_session import (
    OpenSession,
    form_of,
    open_session,
    open_written,
)
from sage_encoders.backends.providers import ProviderError, first_that_starts
from sage_encoders.core.card import Card, ModelError, model_sha256, read_card
from sage_encoders.core.model import AnyTensor
from sage_encoders.core.signature import Signature

Rewrite = Callable[[memoryview], tuple[bytes, Mapping[str, NDArray[Any]]]]
"""From the content of a file, the content that is loaded and the constants that it leaves out."""
ModelBatches = Batches[Mapping[str, NDArray[Any]], dict[str, NDArray[Any]]]
MOST_ROWS = 8
"""Of a batch: with more, a core's caches overflow, and each row takes longer than alone."""


class OnnxModel:
    """An ONNX file whose hash is the one that its card states.

    Args:
        path: the model.
        card: its card; None: the `.json` beside it.
        provider: tensorrt, cuda, cpu, or auto (the first of those that this runtime has and that
            starts).
        threads: compute threads of one run.
        signature: what it must take and give; None: anything.
        rewrite: changes the content before it is loaded; None: as it is. Raises ValueError for
            content that it does not know.

    Attributes:
        path: of the model.
        card: of the model.
        size_bytes: of the file.
        provider: the one that runs it: tensorrt, cuda or cpu.
        provider_fault: providers before it that are present, but did not start, and why.
        signature: what it takes and gives.
        metadata: what its file says of it beside, text by name.
        batches: runs of it that wait for each other; see `BatchedModel`.

    Raises:
        ModelError: missing, changed or truncated file, the card of another, no such provider, not
            an ONNX model, or one that does not take or give what `signature` says.
        ProviderError: the provider is there, but does not start.
    """

    def __init__(
        self,
        path: Path,
        card: Card | None = None,
        provider: str = "auto",
        threads: int = 1,
        signature: Signature | None = None,
        rewrite: Rewrite | None = None,
    ) -> None:
        self.path = path
        self.card = card or read_card(path.with_suffix(".json"))
        self.provider = ""
        self.batches: ModelBatches = Batches(MOST_ROWS, len(os.sched_getaffinity(0)))

        def start(candidate: str) -> OpenSession:
            self.provider = candidate
            try:
                return _load(path, self.card, candidate, threads, rewrite)
            except ProviderError as error:
                raise ProviderError(f"{path}: {error}") from error

        session, self.provider_fault = first_that_starts(provider, start)
        return_freed_memory()
        self.size_bytes = path.stat().st_size
        self._session: OpenSession | None = session
        self.signature, self.metadata = session.signature, session.metadata
        if signature is not None:
            signature.check(str(path), self.signature)

    @property
    def encoder_id(self) -> str:
        """Name, version and the first 12 hex digits of the weights' hash."""
        return self.card.encoder_id

    @property
    def precision(self) -> str:
        """Of the weights: fp32, fp16 or int8."""
        return self.card.precision

    @cached_property
    def batching_pays(self) -> bool:
        """Whether rows of several requests, run as one, take less than apart, as measured here."""
        return batching_pays(self.signature, lambda inputs: self.run(**inputs))

    def run(self, **inputs: AnyTensor) -> dict[str, NDArray[Any]]:
        """Outputs by name, in host memory.

        Args:
            inputs: arrays of numpy; anything else is read by DLPack where it lies.

        Raises:
            InvalidInput: an input that is missing, unknown, of another dtype or shape, or on a
                device that this model's provider cannot read.
            ModelError: the model has been closed.
        """
        session = self._session
        if session is None:
            raise ModelError(f"{self.encoder_id} has been unloaded")
        if inputs.keys() != self.signature.inputs.keys():
            raise InvalidInput("inputs", sorted(inputs), f"{sorted(self.signature.inputs)}")
        if session.device != "cpu" or not all(type(t) is np.ndarray for t in inputs.values()):
            return dict(zip(self.signature.outputs, self._run_bound(session, inputs), strict=True))
        self.check(inputs)
        return dict(zip(self.signature.outputs, session.run(inputs), strict=True))

    def _run_bound(
        self, session: OpenSession, inputs: Mapping[str, AnyTensor]
    ) -> list[NDArray[Any]]:
        values = {name: session.value_of(name, tensor) for name, tensor in inputs.items()}
        for name, value in values.items():
            self._check(name, *form_of(value))
        return session.run_bound(values)

    def check(self, inputs: Mapping[str, NDArray[Any]]) -> None:
        """Refuse what the model cannot take.

        Raises:
            InvalidInput: an input is missing, unknown, or of another dtype or shape.
        """
        if inputs.keys() != self.signature.inputs.keys():
            raise InvalidInput("inputs", sorted(inputs), f"{sorted(self.signature.inputs)}")
        for name, array in inputs.items():
            self._check(name, array.dtype, array.shape)

    def close(self) -> None:
        """Unload. A run that is under way ends first."""
        self._session = None
        return_freed_memory()

    def _check(self, name: str, dtype: object, shape: Sequence[int]) -> None:
        wanted = self.signature.inputs[name]
        fits = len(shape) == len(wanted.shape) and all(
            not isinstance(size, int) or size == found
            for size, found in zip(wanted.shape, shape, strict=False)
        )
        if dtype != np.dtype(wanted.dtype) or not fits:
            raise InvalidInput(name, f"{dtype} {tuple(shape)}", str(wanted))


def _load(
    path: Path, card: Card, provider: str, threads: int, rewrite: Rewrite | None
) -> OpenSession:
    if rewrite is None:
        found = model_sha256(path)
        card.check_file(path, path.stat().st_size, found)
        try:
            return open_session(path, provider, threads)
        except ProviderError:
            raise
        except ModelError as error:
            raise ModelError(f"{path}: {error}") from error
    return _load_rewritten(path, card, provider, threads, rewrite)


def _load_rewritten(
    path: Path, card: Card, provider: str, threads: int, rewrite: Rewrite
) -> OpenSession:
    """Hashes on a second core meanwhile; a wrong hash is a better reason than what it led to."""
    try:
        stream = path.open("rb")
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model file") from error
    with stream, ThreadPoolExecutor(1) as beside:
        # Mapped, not read: what the network needs of it is copied once, into its own form.
        content = np.memmap(stream, np.uint8, "r") if path.stat().st_size else b""
        digest = beside.submit(lambda: hashlib.sha256(content).hexdigest())
        session, fault = None, None
        try:
            session = open_written(*rewrite(memoryview(content)), provider, threads)
        except (ModelError, ValueError) as error:
            fault = error
        card.check_file(path, len(content), digest.result())
    if session is None:
        kind = ProviderError if isinstance(fault, ProviderError) else ModelError
        raise kind(f"{path}: {fault}") from fault
    return session
