"""Our WordPiece against the one of package tokenizers."""

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from sage_encoders.backends.wordpiece import wordpiece

VOCABULARY = Path(__file__).resolve().parents[3] / "models" / "minilm_vocab.txt"


def reference() -> Tokenizer:
    ids = {word: number for number, word in enumerate(VOCABULARY.read_text("utf-8").splitlines())}
    tokenizer = Tokenizer(WordPiece(ids, unk_token="[UNK]", max_input_chars_per_word=100))
    tokenizer.normalizer = BertNormalizer(lowercase=True)
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(
        single="[CLS] $A [SEP]",
        special_tokens=[("[CLS]", ids["[CLS]"]), ("[SEP]", ids["[SEP]"])],
    )
    tokenizer.enable_truncation(max_length=128)
    return tokenizer


REFERENCE, OURS = reference(), wordpiece(VOCABULARY)


def test_every_sentence_of_the_benchmark(data: Path) -> None:
    with (data / "text/stsb-en-dev.csv").open(newline="", encoding="utf-8") as stream:
        sentences = [text for row in csv.reader(stream) for text in row[:2]]
    assert len(sentences) == 3000
    assert [OURS(text) for text in sentences] == [REFERENCE.encode(t).ids for t in sentences]


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=200))
def test_any_text(text: str) -> None:
    assert OURS(text) == REFERENCE.encode(text).ids


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Unaffable naïveté",
        "漢字 и кириллица",
        "x" * 100,
        "x" * 101,
        "don't [SEP] ##ing",
        "a" * 300,
    ],
)
def test_odd_texts(text: str) -> None:
    assert OURS(text) == REFERENCE.encode(text).ids


def test_long_texts_are_cut_at_128() -> None:
    for text in ("word " * 500, "unaffable " * 60, "x" * 90 + " y" * 300):
        assert OURS(text) == REFERENCE.encode(text).ids
        assert len(OURS(text)) == 128
