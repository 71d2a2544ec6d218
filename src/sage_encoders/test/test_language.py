from pathlib import Path

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.minilm import OpenTextEmbedder, wordpiece
from sage_encoders.core.card import ModelError, read_card
from sage_encoders.core.language import TextEmbedder, similarity_puzzle
from sage_training.language.measures import measure, ranks, sentence_pairs


@pytest.fixture(scope="module")
def embedder(models: Path) -> TextEmbedder:
    return OpenTextEmbedder(models).embedder


def test_meaning_counts_more_than_words(embedder: TextEmbedder) -> None:
    dog, puppy, market = (
        embedder.embed(text)
        for text in ("a dog barks", "the puppy is barking", "the stock market fell")
    )
    assert dog.shape == (384,) and dog.dtype == np.float32
    assert np.linalg.norm(dog) == pytest.approx(1.0, abs=1e-5)
    assert dog @ puppy > 0.6 > 0.3 > dog @ market


def test_percept(embedder: TextEmbedder) -> None:
    percept = embedder.percept("where is the red cup", 5, "anna")
    assert (percept.stamp_ns, percept.modality, percept.source) == (5, "language", "anna")
    assert percept.text == "where is the red cup"
    assert percept.encoder_id.startswith("minilm-l6-int8-1@")
    assert percept.codes.shape == (30, 30) and percept.codes.dtype == np.uint8
    assert np.array_equal(percept.codes, percept.codes.T)
    assert (np.diag(percept.codes) == 9).all()
    assert len(np.unique(percept.codes)) > 3


def test_two_openings_agree_to_the_bit(models: Path, embedder: TextEmbedder) -> None:
    again = OpenTextEmbedder(models).embedder
    text = "a robot walks along a path"
    assert np.array_equal(again.embed(text), embedder.embed(text))
    assert np.array_equal(again.percept(text, 0, "a").codes, embedder.percept(text, 0, "a").codes)


def test_wordpiece_gives_the_ids_of_bert(models: Path) -> None:
    tokenize = wordpiece(models / "minilm_vocab.txt")
    assert tokenize("Hello, world!") == [101, 7592, 1010, 2088, 999, 102]
    assert tokenize("naïve unaffable") == tokenize("naive unaffable")
    assert len(tokenize("word " * 500)) == 128


def test_long_text_is_cut_and_one_token_is_enough(embedder: TextEmbedder) -> None:
    assert embedder.percept("word " * 800, 0, "a").codes.shape == (30, 30)
    assert (embedder.percept("yes", 0, "a").codes == 9).all()


@pytest.mark.parametrize("text", ["", "  \n", "\x00\x01", "x" * 4097])
def test_refuses(embedder: TextEmbedder, text: str) -> None:
    with pytest.raises(InvalidInput, match="text"):
        embedder.embed(text)


def test_similarity_puzzle_of_known_vectors() -> None:
    codes = similarity_puzzle(np.eye(2, dtype=np.float32))
    assert (codes[:15, :15] == 9).all() and (codes[15:, 15:] == 9).all()
    assert not codes[:15, 15:].any()
    opposite = similarity_puzzle(np.array([[1, 0], [-1, 0]], np.float32))
    assert not opposite[:15, 15:].any()
    many = similarity_puzzle(np.ones((60, 4), np.float32))
    assert (many == 9).all()


def test_ranks_share_ties() -> None:
    assert ranks(np.array([3.0, 1.0, 3.0, 2.0])).tolist() == [2.5, 0.0, 2.5, 1.0]


def test_missing_and_changed_vocabulary(models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"minilm\.json"):
        OpenTextEmbedder(tmp_path)
    (tmp_path / "minilm.json").write_bytes((models / "minilm.json").read_bytes())
    (tmp_path / "minilm_vocab.txt").write_text("[PAD]\n")
    with pytest.raises(ModelError, match=r"minilm_vocab\.txt"):
        OpenTextEmbedder(tmp_path)


def test_card_figure_on_a_sample(models: Path, data: Path, embedder: TextEmbedder) -> None:
    stated = read_card(models / "minilm.json").body["held_out"]
    sample = sentence_pairs(data / "text/stsb-en-dev.csv")[::10]
    found = measure(embedder, sample)
    assert found["spearman"] == pytest.approx(stated["spearman"], abs=0.06)
    assert found["spearman"] > found["baseline_spearman_shared_words"] + 0.1
