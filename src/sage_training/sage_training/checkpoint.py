"""The state of a stage between epochs, in one safetensors file: weights and AdamW's moments."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from sage_encoders.core.card import ModelError

_WEIGHTS, _MOMENTS = "weights/", "moments/"


@dataclass(frozen=True)
class Saved:
    """What a checkpoint says of itself.

    Attributes:
        epochs: finished ones.
        seconds: of training so far.
        settings: what the stage was trained with.
    """

    epochs: int
    seconds: float
    settings: Mapping[str, Any]


def save(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer, saved: Saved) -> None:
    """Write a checkpoint; the one before it stays whole until the new one is."""
    tensors = {_WEIGHTS + name: value for name, value in network.state_dict().items()}
    for index, state in optimizer.state_dict()["state"].items():
        tensors.update({f"{_MOMENTS}{index}/{key}": value for key, value in state.items()})
    header = {
        "epochs": str(saved.epochs),
        "seconds": str(saved.seconds),
        "settings": json.dumps(saved.settings, sort_keys=True),
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    written = path.with_suffix(".partial")
    # Clones, since safetensors refuses tensors that share memory.
    own = {name: value.contiguous().clone() for name, value in tensors.items()}
    save_file(own, written, header)
    written.replace(path)


def read(path: Path) -> Saved | None:
    """What the checkpoint says of itself; None: there is none.

    Raises:
        ModelError: not a checkpoint.
    """
    if not path.exists():
        return None
    try:
        with safe_open(path, "pt") as file:
            header = file.metadata()
        return Saved(
            int(header["epochs"]), float(header["seconds"]), json.loads(header["settings"])
        )
    except (SafetensorError, KeyError, TypeError, ValueError) as error:
        raise ModelError(f"{path}: not a training checkpoint: {error}") from error


def restore(path: Path, network: nn.Module, optimizer: torch.optim.Optimizer | None = None) -> None:
    """Put the weights, and the optimiser's moments if it is given, back.

    Raises:
        ModelError: of another network.
    """
    weights: dict[str, Tensor] = {}
    moments: dict[int, dict[str, Tensor]] = {}
    with safe_open(path, "pt") as file:
        for name in file.keys():  # noqa: SIM118 - not iterable
            if name.startswith(_WEIGHTS):
                weights[name.removeprefix(_WEIGHTS)] = file.get_tensor(name)
            elif optimizer is not None:
                index, key = name.removeprefix(_MOMENTS).split("/")
                moments.setdefault(int(index), {})[key] = file.get_tensor(name)
    try:
        network.load_state_dict(weights)
    except RuntimeError as error:
        raise ModelError(f"{path}: of another network: {error}") from error
    if optimizer is not None:
        groups = optimizer.state_dict()["param_groups"]
        optimizer.load_state_dict({"state": moments, "param_groups": groups})
