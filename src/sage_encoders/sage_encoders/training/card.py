"""Writes the card of a model: what it was trained on, how well it does, how to rebuild it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from sage_encoders.core.card import sha256_of


def write(path: Path, name: str, version: str, body: Mapping[str, object]) -> None:
    """Write the card `path`.json beside the model file `path`.

    The fields that loading needs are `name`, `version`, `file` and `sha256`; the rest is for people
    and for the tests that measure the figures again.
    """
    card = {
        "name": name,
        "version": version,
        "file": path.name,
        "sha256": sha256_of(path),
        "bytes": path.stat().st_size,
        "licence": "Apache-2.0",
        **body,
    }
    path.with_suffix(".json").write_text(json.dumps(card, indent=2) + "\n", encoding="utf-8")
