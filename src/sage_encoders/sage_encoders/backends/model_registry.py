"""Models that are open in this process, shared by the nodes that ask for the same one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Generic, Protocol, TypeVar

from sage_encoders.backends.batched_model import BatchedModel
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.providers import first_that_starts
from sage_encoders.core.card import PRECISIONS, Card, ModelError, read_card
from sage_encoders.core.signature import Signature


class Closable(Protocol):
    """Something that is loaded and can be unloaded."""

    def close(self) -> None: ...


M = TypeVar("M", bound=Closable)
L = TypeVar("L")


@dataclass
class _Shared(Generic[M]):
    model: M
    leases: int = 0


class Lease(Generic[L]):
    """The right to use a model until `close`; the last one that closes unloads it.

    Attributes:
        model: the model.
    """

    def __init__(self, model: L, end: Callable[[], None]) -> None:
        self.model = model
        self._end: Callable[[], None] | None = end

    def close(self) -> None:
        """Give the model back; closing twice does nothing."""
        end, self._end = self._end, None
        if end is not None:
            end()

    def __enter__(self) -> L:
        return self.model

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ModelRegistry:
    """Loads a model once for all who ask for it, and unloads it when none needs it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._shared: dict[Hashable, _Shared[Closable]] = {}

    @property
    def open_models(self) -> int:
        """How many models are loaded."""
        return len(self._shared)

    def lease(self, key: Hashable, load: Callable[[], M]) -> Lease[M]:
        """The model of that key, loaded if nobody has it.

        Args:
            key: equal for equal models.
            load: loads it; what it raises goes to the caller, and nothing is kept.
        """
        with self._lock:
            shared = self._shared.get(key)
            if shared is None:
                shared = self._shared[key] = _Shared(load())
            shared.leases += 1
        model: M = shared.model  # type: ignore[assignment]  # the key says which type it is
        return Lease(model, lambda: self._end(key))

    def open(
        self,
        name: str,
        folder: Path,
        precision: str = "fp32",
        provider: str = "auto",
        threads: int = 1,
        signature: Signature | None = None,
    ) -> Lease[OnnxModel]:
        """An ONNX model of a folder.

        Args:
            name: of its FP32 file without the ending, as `vision_encoder`.
            folder: of the models.
            precision: fp32, fp16, int8; auto: what the card of the FP32 model names as the fastest
                that keeps its quality on the provider that runs it.
            provider: as in `OnnxModel`.
            threads: compute threads of one run.
            signature: what it must take and give.

        Raises:
            ModelError: as `OnnxModel`; a missing precision names its file.
        """
        main_card = read_card(folder / f"{name}.json")

        def load() -> OnnxModel:
            def start(candidate: str) -> OnnxModel:
                auto = precision == "auto"
                chosen = main_card.fastest_precision(candidate) if auto else precision
                path, card = variant(folder, name, chosen)
                return OnnxModel(path, card, candidate, threads, signature)

            model, fault = first_that_starts(provider, start)
            model.provider_fault = fault
            return model

        # A file that was trained anew is another model, though its name is the same.
        key = (folder.resolve(), name, main_card.sha256, precision, provider, threads)
        return self.lease(key, load)

    def open_batched(self, name: str, folder: Path, precision: str = "auto") -> Lease[BatchedModel]:
        """An ONNX model whose runs are joined with those of others who wait for it.

        Raises:
            ModelError: as `open`.
        """
        lease = self.open(name, folder, precision)
        return Lease(BatchedModel(lease.model), lease.close)

    def _end(self, key: Hashable) -> None:
        with self._lock:
            shared = self._shared[key]
            shared.leases -= 1
            if shared.leases == 0:
                del self._shared[key]
                shared.model.close()


REGISTRY = ModelRegistry()
"""The models of this process."""


def list_models(folder: Path) -> dict[str, Card]:
    """Cards of a folder by the name of their file without the ending, in order.

    Raises:
        ModelError: a card that cannot be read.
    """
    return {path.stem: read_card(path) for path in sorted(folder.glob("*.json"))}


def variant(folder: Path, name: str, precision: str) -> tuple[Path, Card]:
    """The file of a model in a precision, and the card beside it.

    The files are `<name>.onnx`, which mostly is in fp32, `<name>_fp16.onnx` and `<name>_int8.onnx`.

    Raises:
        ModelError: no such file or card, or the card says another precision.
    """
    if precision not in PRECISIONS:
        raise ModelError(f"precision {precision}: expected {', '.join(PRECISIONS)} or auto")
    main = folder / f"{name}.onnx"
    is_main = precision == read_card(main.with_suffix(".json")).precision
    path = main if is_main else folder / f"{name}_{precision}.onnx"
    if not path.is_file():
        raise ModelError(f"{path}: no such model file{_how_to_make(path.with_suffix('.json'))}")
    card = read_card(path.with_suffix(".json"))
    if card.precision != precision:
        raise ModelError(f"{path}: its card says {card.precision}: expected {precision}")
    return path, card


def _how_to_make(card: Path) -> str:
    """The command that writes a model from the weights in a package, if it is one of those."""
    described = read_card(card) if card.is_file() else None
    if described is None or not described.is_written:
        return ""
    return f": `{described.option or 'sage weights'}` writes it"
