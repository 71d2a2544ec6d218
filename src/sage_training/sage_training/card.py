"""Writes the card of a model: what it was trained on, how well it does, how to rebuild it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from sage_encoders.core.card import model_sha256


def write(path: Path, body: Mapping[str, object]) -> None:
    """Write the card `path`.json beside the model file `path`.

    Args:
        path: the model file; only its name counts if the body has its `sha256` already.
        body: `name` and `version`, which loading needs, and what people and the tests that measure
            the figures again want to know.
    """
    file: dict[str, object] = {"file": path.name}
    if "sha256" not in body:
        file.update(sha256=model_sha256(path), bytes=path.stat().st_size)
    names = {key: body[key] for key in ("name", "version")}
    card = {**names, **file, "licence": "Apache-2.0", "precision": "fp32", **body}
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
