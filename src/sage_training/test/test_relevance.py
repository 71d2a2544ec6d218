"""The relevance floor: calibrated on one half of the texts, read from the embedder's card."""

from __future__ import annotations

import json
import zipfile
import zlib
from pathlib import Path

import numpy as np
import pytest

from sage_common.core.relevance import Relevance
from sage_encoders.backends.text_relevance import CARD_FILE, text_relevance
from sage_encoders.core.card import ModelError, read_card
from sage_training.language import relevance

MODELS = Path(__file__).resolve().parents[3] / "models"


def embed(text: str) -> np.ndarray:
    """A direction for what stands before the slash, nearly the same for all that begin so."""
    begin = np.random.default_rng(zlib.crc32(text.partition("/")[0].encode())).normal(size=64)
    own = np.random.default_rng(zlib.crc32(text.encode())).normal(size=64)
    vector = begin + 0.3 * own
    return np.asarray(vector / np.linalg.norm(vector), np.float32)


@pytest.fixture
def data(tmp_path: Path) -> Path:
    for folder in ("text", "images"):
        (tmp_path / folder).mkdir()
    questions = [json.dumps({"question": f"question {n}", "answer": []}) for n in range(200)]
    (tmp_path / relevance.QUESTIONS).write_text("\n".join(questions))
    pairs = [f"pair {n}/a,pair {n}/b,{4.5 if n % 4 else 1.0}" for n in range(900)]
    (tmp_path / relevance.PAIRS).write_text("\n".join(pairs))
    scenes = [{"captions": [f"scene {n}/{k}" for k in range(5)]} for n in range(20)]
    with zipfile.ZipFile(tmp_path / relevance.SCENES, "w") as archive:
        archive.writestr("annotations.json", json.dumps(scenes))
    return tmp_path


def test_both_halves_share_no_text_and_hold_to_one_floor(data: Path) -> None:
    even, odd = (relevance.read_half(data, odd=half) for half in (False, True))
    assert not set(even.questions) & set(odd.questions) and not set(even.pairs) & set(odd.pairs)
    card = relevance.calibrated(data, embed)
    floor = Relevance(card["level"], card["growth"], card["most"])
    assert floor.growth > 0.0 and 0.8 < floor.most < 1.0
    found = relevance.embedded(odd, embed)
    assert np.mean(relevance.own_best(found) >= floor.most) > 0.95
    for count in (20, 200):
        answered = relevance.best_of(found.questions, found.stored, count) >= floor.floor(count)
        assert 0.01 < answered.mean() < 0.12


def test_a_floor_belongs_to_one_encoder(tmp_path: Path) -> None:
    card = read_card(MODELS / CARD_FILE)
    found = text_relevance(card.encoder_id, str(MODELS))
    assert found is not None and 0.0 < found.level < found.floor(1000) <= found.most < 1.0
    assert text_relevance("another-1@abc", str(MODELS)) is None
    assert text_relevance(card.encoder_id, str(tmp_path)) is None
    (tmp_path / CARD_FILE).write_text(json.dumps({**card.body, "relevance": {"level": "x"}}))
    with pytest.raises(ModelError, match="relevance: expected numbers level, growth, most"):
        text_relevance(card.encoder_id, str(tmp_path))
