"""`sage doctor` goes through all that it looks at, and says it on one screen or as JSON."""

from __future__ import annotations

import argparse
import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from sage.commands.machine import doctor
from sage.doctor import models
from sage_encoders.backends.minilm import CARD_FILE
from sage_encoders.backends.packaged.name_vectors import vectors_file
from sage_encoders.core.card import read_card
from sage_encoders.core.recognition.concepts import read_concepts

LEVELS = {"ok", "warn", "error"}
MODELS = Path(__file__).parents[3] / "models"


@pytest.mark.parametrize("profile", ["nano", "thor"])
def test_everything_is_looked_at(
    profile: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monkeypatch.setenv("SAGE_HOME", str(tmp_path))
    status = doctor.run(
        argparse.Namespace(profile=profile, json=True, bundle=None, devices=False, home="")
    )
    found = {finding["name"]: finding for finding in json.loads(capsys.readouterr().out)}
    assert {"mailboxes", "graph"} <= found.keys()
    assert {finding["level"] for finding in found.values()} <= LEVELS
    assert status == any(finding["level"] == "error" for finding in found.values())
    assert "nodes for profile" in found["graph"]["text"]


def test_a_damaged_or_missing_model_is_written_anew_by_the_command_that_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cards = {
        "damaged": {"weights": "of a package", "rebuild": "sage weights"},
        "missing": {"weights": "of a package", "rebuild": "sage weights"},
        "option": {"weights": "of a package", "rebuild": "make demo OPTIONS=1"},
        "own": {},
    }
    for name, body in cards.items():
        card = {"name": name, "version": "1", "sha256": "0" * 64, **body}
        (tmp_path / f"{name}.json").write_text(json.dumps(card))
    for name in ("damaged", "own"):
        (tmp_path / f"{name}.onnx").write_bytes(b"?")
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    found = {item.name.removeprefix("weights "): item for item in models.weights()}
    assert found["damaged"].fix == "the card says 000000000000: sage weights"
    assert (found["missing"].level, found["missing"].fix) == ("error", "sage weights")
    assert (found["option"].level, found["option"].fix) == ("warn", "make demo OPTIONS=1")
    assert found["own"].fix == "the card says 000000000000: restore the file"


def test_what_is_no_network_is_looked_at_and_its_damage_is_told_with_what_mends_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("picture_features.json", "picture_features.npy", CARD_FILE, "minilm_vocab.txt"):
        shutil.copy(MODELS / name, tmp_path)
    for name in ("imagenet_concepts.tsv", "coco_concepts.tsv"):
        shutil.copy(MODELS / name, tmp_path)
    vectors = vectors_file(tmp_path, read_card(tmp_path / CARD_FILE).encoder_id)
    count = sum(len(names) for names in read_concepts(tmp_path).names)
    np.save(vectors, np.zeros((count, 4), np.float16))
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    assert {item.name: item.level for item in models.weights()} == {
        "weights minilm": "ok",
        "weights picture_features": "ok",
        "vocabulary of words": "ok",
        "names of pictures": "ok",
        "meaning of names": "ok",
    }
    for file, name, fix in (
        (vectors.name, "meaning of names", "sage weights"),
        ("picture_features.npy", "weights picture_features", "restore the file"),
        ("minilm_vocab.txt", "vocabulary of words", "make clean, then make demo"),
        ("coco_concepts.tsv", "names of pictures", "make clean, then make demo"),
    ):
        whole = (tmp_path / file).read_bytes()
        (tmp_path / file).write_bytes(whole[: len(whole) // 2])
        (wrong,) = [item for item in models.weights() if item.level != "ok"]
        assert (wrong.name, wrong.level) == (name, "error") and wrong.fix.endswith(fix)
        (tmp_path / file).write_bytes(whole)
