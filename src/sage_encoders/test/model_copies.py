"""Copies of models that a test may damage, and cards that it may write."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

from sage_encoders.core.card import model_sha256


def copy_model(folder: Path, target: Path, name: str, copied: str = "", **card: Any) -> Path:
    """Copy a model and its card as `copied`, with fields of the card changed; the model's path."""
    path = target / f"{copied or name}.onnx"
    shutil.copy(folder / f"{name}.onnx", path)
    body = json.loads((folder / f"{name}.json").read_text())
    path.with_suffix(".json").write_text(json.dumps({**body, "file": path.name, **card}))
    return path


def certify(path: Path, **card: Any) -> None:
    """Make the card of a changed file state its hash, as a careless export would."""
    body = json.loads(path.with_suffix(".json").read_text())
    body |= {"sha256": model_sha256(path), "bytes": path.stat().st_size, **card}
    path.with_suffix(".json").write_text(json.dumps(body))
