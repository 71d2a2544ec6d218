"""The card of a model: its name, version, precision and the hash of its weights."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sage_common.core.home import sha256_of

PRECISIONS = ("fp32", "fp16", "int8")


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

    @property
    def precision(self) -> str:
        """Of the weights: fp32, fp16 or int8; a card that does not say is fp32."""
        return str(self.body.get("precision", "fp32"))

    @property
    def is_written(self) -> bool:
        """Whether `sage weights` writes its file, from weights in a package."""
        return "weights" in self.body

    @property
    def option(self) -> str:
        """What installs the weights of an option of the set-up; empty: it is none."""
        rebuild = str(self.body.get("rebuild", ""))
        return rebuild if rebuild.startswith("make demo ") else ""

    def fastest_precision(self, provider: str) -> str:
        """The fastest precision that keeps its quality on `provider`; fp32 if nothing is said.

        Raises:
            ModelError: the card names an unknown precision.
        """
        stated = self.body.get("fastest_that_keeps_quality", {})
        chosen = stated.get(provider, "fp32") if isinstance(stated, Mapping) else stated
        if chosen not in PRECISIONS:
            raise ModelError(
                f"card of {self.name}: fastest_that_keeps_quality = {chosen!r} for {provider}: "
                f"expected {', '.join(PRECISIONS)}"
            )
        return str(chosen)

    def check_file(self, path: Path, size: int, sha256: str) -> None:
        """Compare with a model file.

        Args:
            path: of the file.
            size: of its content [bytes].
            sha256: of its content, hex.

        Raises:
            ModelError: it is not the file that this card describes.
        """
        described = self.body.get("file", path.name)
        if described != path.name:
            raise ModelError(f"{path}: its card describes {described}, another model")
        if sha256 != self.sha256:
            raise ModelError(
                f"{path}: SHA-256 {sha256[:12]} ({size} bytes), but its card says "
                f"{self.sha256[:12]} ({self.body.get('bytes', 'unknown')} bytes): "
                "the file is damaged or was replaced"
                + "; `sage weights` writes it anew"
                * self.is_written
            )


def read_card(path: Path) -> Card:
    """Read a card.

    Raises:
        ModelError: no such file, not JSON, or name, version or sha256 is missing.
    """
    try:
        body = json.loads(path.read_text(encoding="utf-8"))
        return Card(str(body["name"]), str(body["version"]), str(body["sha256"]), body)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model card") from error
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise ModelError(f"{path}: not a JSON model card: {error}") from error
    except (KeyError, TypeError) as error:
        raise ModelError(f"{path}: card without name, version and sha256") from error


def model_sha256(path: Path) -> str:
    """SHA-256 of a file of a model, in hex.

    Raises:
        ModelError: no such file.
    """
    try:
        return sha256_of(path)
    except FileNotFoundError as error:
        raise ModelError(f"{path}: no such model file") from error
