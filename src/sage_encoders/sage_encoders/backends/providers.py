"""What runs a network: TensorRT, CUDA or the CPU, as far as this ONNX Runtime has them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import onnxruntime

from sage_encoders.core.card import ModelError

PROVIDERS = {
    "tensorrt": "TensorrtExecutionProvider",
    "cuda": "CUDAExecutionProvider",
    "cpu": "CPUExecutionProvider",
}

T = TypeVar("T")


class ProviderError(ModelError):
    """A provider that this ONNX Runtime has, but that does not start here."""


def first_that_starts(provider: str, start: Callable[[str], T]) -> tuple[T, str]:
    """Try providers in the order TensorRT, CUDA, CPU.

    Args:
        provider: tensorrt, cuda or cpu: only that one; auto: those that this ONNX Runtime has.
        start: called with the name of a provider.

    Returns:
        What `start` returned, and which providers did not start and why; empty if the first did.

    Raises:
        ModelError: no such provider, or `start` raised it; ProviderError of the only or last one.
    """
    available = onnxruntime.get_available_providers()
    if provider == "auto":
        candidates = [key for key, name in PROVIDERS.items() if name in available]
    elif PROVIDERS.get(provider) in available:
        candidates = [provider]
    else:
        raise ModelError(f"provider {provider}: this ONNX Runtime has {', '.join(available)}")
    faults: list[str] = []
    for candidate in candidates[:-1]:
        try:
            return start(candidate), "; ".join(faults)
        except ProviderError as error:
            faults.append(str(error))
    return start(candidates[-1]), "; ".join(faults)


def with_fallback_for_operators(provider: str) -> list[str]:
    """ONNX Runtime's names of a provider and of those that take the operators that it lacks."""
    available = onnxruntime.get_available_providers()
    names = list(PROVIDERS.values())
    return [name for name in names[names.index(PROVIDERS[provider]) :] if name in available]
