"""`sage models` says what lies in a folder, and refuses wrong arguments without PyTorch."""

import json
import shutil
from pathlib import Path

import pytest

from sage import cli

MODELS = Path(__file__).resolve().parents[3] / "models"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two models with their cards, one of them in a folder of its own."""
    models = tmp_path / "models"
    (models / "reference").mkdir(parents=True)
    for name in ("audio_encoder", "reference/audio_encoder"):
        for ending in (".onnx", ".json"):
            shutil.copy(MODELS / f"{name}{ending}", models / f"{name}{ending}")
    return models


def states(folder: Path, capsys: pytest.CaptureFixture[str]) -> tuple[int, dict[str, str]]:
    status = cli.main(["models", "list", "--models", str(folder), "--json"])
    found = json.loads(capsys.readouterr().out)
    return status, {model["file"]: model["state"] for model in found}


def test_whole_models_are_listed_by_their_place(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert states(folder, capsys) == (
        0,
        {"audio_encoder.onnx": "whole", "reference/audio_encoder.onnx": "whole"},
    )


def test_damage_is_seen(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    whole = (folder / "audio_encoder.onnx").read_bytes()
    (folder / "audio_encoder.onnx").write_bytes(whole[:1000])
    (folder / "reference" / "audio_encoder.json").unlink()
    assert states(folder, capsys) == (
        1,
        {
            "audio_encoder.onnx": "damaged or replaced",
            "reference/audio_encoder.onnx": "without a card",
        },
    )
    (folder / "audio_encoder.onnx").unlink()
    assert states(folder, capsys)[1]["audio_encoder.onnx"] == "missing"


def test_an_empty_folder_is_no_success(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["models", "list", "--models", str(tmp_path)]) == 1
    assert "expected model files" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["train", "nose", "--data", "."], "model = 'nose': expected one of vision, audio"),
        (["train", "audio", "--data", "/nowhere"], "--data = '/nowhere': expected a folder"),
        (["train", "audio", "--data", ".", "--epochs", "0"], "--epochs = 0: expected 1 or more"),
        (["train", "audio", "--data", ".", "--threads", "0"], "--threads = 0: expected 1 or more"),
        (["evaluate", "audio", "--data", ".", "--seed", "-1"], "--seed = -1: expected 0 or more"),
        (["export", "nose", "--data", "."], "model = 'nose': expected one of"),
    ],
)
def test_wrong_arguments_are_named(
    words: list[str], told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["models", *words, "--models", str(tmp_path)]) == 2
    assert told in capsys.readouterr().err
