"""Every encoder on the GPU: FP16 beside FP32, from host and device memory; and SDPA's kernel.

Run by hand, or by `make gpu-test`. Writes the figures to bench/results/encoders_gpu-<device>.json.
What cannot be tested here is called absent; status 77 if that is everything. Without a GPU the same
functions run on the processor, in test_gpu_encoders.py.
"""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sage_encoders.backends.model_registry import variant
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import ModelError
from sage_encoders.core.signature import Signature

REPOSITORY = Path(__file__).resolve().parents[3]
MODELS = REPOSITORY / "models"
ENCODERS = ("vision_encoder", "audio_encoder", "tiny_vae_encoder", "light_vae_encoder")
PRECISIONS = ("fp32", "fp16")
LEAST_COSINE = {"fp32": 0.9999, "fp16": 0.99}
"""Of each floating output with that of FP32 on the processor: TF32, and rounding to half."""
RUNS = 200
NOT_TESTED = 77
SDPA_SHAPE = (1, 12, 128, 32)  # of MiniLM: heads, tokens, numbers a head
SDPA_PREFIX = "aten::_scaled_dot_product_"


def inputs_of(signature: Signature) -> dict[str, NDArray[Any]]:
    """The same noise for every provider: one of each thing that varies in number."""
    random = np.random.default_rng(7)
    made = {}
    for name, tensor in signature.inputs.items():
        shape = [size if isinstance(size, int) else 1 for size in tensor.shape]
        if tensor.dtype == "uint8":
            made[name] = random.integers(0, 256, shape, np.uint8)
        else:
            made[name] = random.standard_normal(shape).astype(tensor.dtype)
    return made


def encoder_row(name: str, precision: str, provider: str, runs: int = RUNS) -> dict[str, Any]:
    """One encoder on a provider: how near it is to FP32 on the processor, and how fast.

    Raises:
        ModelError: it does not start there.
        AssertionError: it gives something else.
    """
    path, card = variant(MODELS, name, precision)
    model = OnnxModel(path, card, provider)
    full = OnnxModel(MODELS / f"{name}.onnx", provider="cpu")
    inputs = inputs_of(full.signature)
    wanted = full.run(**inputs)
    device = "cpu" if provider == "cpu" else "cuda"
    placed = {
        key: onnxruntime.OrtValue.ortvalue_from_numpy(array, device, 0)
        for key, array in inputs.items()
    }
    row: dict[str, Any] = {"encoder": name, "precision": precision, "provider": model.provider}
    for memory, given in (("host", inputs), ("device", placed)):
        found = model.run(**given)
        row[f"cosine_{memory}"] = least_cosine(found, wanted)
        assert row[f"cosine_{memory}"] >= LEAST_COSINE[precision], row
        row[f"p50_ms_{memory}"] = p50_ms(lambda given=given: model.run(**given), runs)
    model.close()
    return row


def least_cosine(found: dict[str, NDArray[Any]], wanted: dict[str, NDArray[Any]]) -> float:
    """The smallest cosine of a floating output with what it should be."""
    cosines = []
    for name, array in wanted.items():
        if array.dtype.kind == "f":
            left, right = (x.astype(np.float64).ravel() for x in (found[name], array))
            cosines.append(float(left @ right / (np.linalg.norm(left) * np.linalg.norm(right))))
    return min(cosines)


def p50_ms(run: Callable[[], object], runs: int) -> float:
    """Median time of a run, after a tenth as many to warm up."""
    took_ms = []
    for turn in range(runs + runs // 10):
        began_ns = time.perf_counter_ns()
        run()
        if turn >= runs // 10:
            took_ms.append((time.perf_counter_ns() - began_ns) / 1e6)
    return statistics.median(took_ms)


def attention_row(device: str, precision: str, runs: int = RUNS) -> dict[str, Any]:
    """PyTorch's attention in MiniLM's shape: which kernel it chose by itself, and how fast."""
    import torch
    from torch.profiler import profile

    dtype = {"fp32": torch.float32, "fp16": torch.float16}[precision]
    query, key, value = (torch.randn(SDPA_SHAPE, dtype=dtype, device=device) for _ in range(3))

    def attend() -> None:
        torch.nn.functional.scaled_dot_product_attention(query, key, value)
        if device == "cuda":
            torch.cuda.synchronize()

    with torch.inference_mode(), profile() as seen:
        attend()
    chosen = {
        event.key.removeprefix(SDPA_PREFIX)
        for event in seen.key_averages()
        if event.key.startswith(SDPA_PREFIX) and event.key != f"{SDPA_PREFIX}attention"
    }
    with torch.inference_mode():
        took_ms = p50_ms(attend, runs)
    kernel = ", ".join(sorted(chosen)) or "math"
    return {"attention": device, "precision": precision, "kernel": kernel, "p50_ms": took_ms}


def encoder_rows(provider: str) -> list[dict[str, Any]]:
    """Every encoder in every precision."""
    return [encoder_row(name, kind, provider) for name in ENCODERS for kind in PRECISIONS]


def main() -> int:
    rows: list[dict[str, Any]] = []
    try:
        rows += encoder_rows("cuda")
    except ModelError as reason:
        print(f"absent: encoders on CUDA: {reason}")
    except AssertionError as wrong:
        print(f"FAILED: {wrong}")
        return 1
    device = "a GPU"
    if find_spec("torch") is None:
        print("absent: attention: torch is not installed (requirements/thor.in)")
    else:
        import torch

        if torch.cuda.is_available():
            device = torch.cuda.get_device_name()
            rows += [attention_row("cuda", kind) for kind in PRECISIONS]
        else:
            print("absent: attention: this PyTorch sees no GPU")
    for row in rows:
        print(json.dumps(row))
    if not rows:
        return NOT_TESTED
    commit = subprocess.run(
        ["git", "-C", str(REPOSITORY), "rev-parse", "--short", "HEAD"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.strip()
    machine = "-".join(device.lower().split())
    result = {"bench": "encoders_gpu", "commit": commit, "machine": machine, "rows": rows}
    path = REPOSITORY / "bench" / "results" / f"encoders_gpu-{machine}.json"
    path.write_text(json.dumps(result, indent=1) + "\n")
    print(f"figures: {path.relative_to(REPOSITORY)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
