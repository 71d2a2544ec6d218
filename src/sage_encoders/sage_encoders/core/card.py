"""The card of a model: its name, version and the hash of its weights."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class ModelError(RuntimeError):
    """A model that cannot be used: missing, damaged, or not what its card says."""


@dataclass(frozen=True)
class Card:
    """What stands in the `.json` beside a model file.

    Attributes:
        name, version: of the model.
        sha256: of the model file, hex.
        body: everything else: data, split, figures, how to rebuild.
    """

    name: str
    version: str
    sha256: str
    body: Mapping[str, Any]

    @property
    def encoder_id(self) -> str:
        """Name, version and the first 12 hex digits of the weights' hash."""
        return f"{self.name}-{self.version}@{self.sha256[:12]}"


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        ModelError: no such file, not JSON, or name, version or sha256 is missing.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Card(body["name"], body["version"], body["sha256"], body)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model card") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not a JSON model card: {error}") from error
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: card without name, version and sha256") from error


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, in hex.

    Raises:
        ModelError: no such file.
    """
    digest = hashlib.sha256()
    try:
        with path.open("rb") as stream:
            while block := stream.read(1 << 20):
                digest.update(block)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model file") from error
    return digest.hexdigest()
