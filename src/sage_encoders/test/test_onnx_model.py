import json
import shutil
import sys
from pathlib import Path

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.models_folder import models_folder
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import ModelError, model_sha256


@pytest.fixture
def copy(models: Path, tmp_path: Path) -> Path:
    """A copy of the audio encoder and its card that a test may damage."""
    for name in ("audio_encoder.onnx", "audio_encoder.json"):
        shutil.copy(models / name, tmp_path / name)
    return tmp_path / "audio_encoder.onnx"


def test_loads_and_says_what_it_is(copy: Path) -> None:
    model = OnnxModel(copy, provider="cpu", threads=1)
    assert model.provider == "cpu"
    assert model.encoder_id == f"sage-audio-2@{model_sha256(copy)[:12]}"
    outputs = model.run(log_mel=np.zeros((1, 60, 100), np.float32))
    assert sorted(outputs) == ["codes", "embedding"]


def test_missing_file(copy: Path) -> None:
    copy.unlink()
    with pytest.raises(ModelError, match=r"audio_encoder\.onnx: no such model file"):
        OnnxModel(copy)


def test_missing_card(copy: Path) -> None:
    copy.with_suffix(".json").unlink()
    with pytest.raises(ModelError, match=r"audio_encoder\.json: no such model card"):
        OnnxModel(copy)


@pytest.mark.parametrize("text", ["{", "[]", '{"name": "x"}'])
def test_damaged_card(copy: Path, text: str) -> None:
    copy.with_suffix(".json").write_text(text)
    with pytest.raises(ModelError, match=r"audio_encoder\.json"):
        OnnxModel(copy)


def test_truncated_file(copy: Path) -> None:
    copy.write_bytes(copy.read_bytes()[:1000])
    with pytest.raises(ModelError, match=r"1000 bytes.*damaged or was replaced"):
        OnnxModel(copy)


def test_one_changed_byte(copy: Path) -> None:
    damaged = bytearray(copy.read_bytes())
    damaged[5000] ^= 1
    copy.write_bytes(bytes(damaged))
    with pytest.raises(ModelError, match="damaged or was replaced"):
        OnnxModel(copy)


def test_right_hash_but_no_onnx(copy: Path) -> None:
    copy.write_bytes(b"no network at all")
    card = json.loads(copy.with_suffix(".json").read_text())
    card["sha256"] = model_sha256(copy)
    copy.with_suffix(".json").write_text(json.dumps(card))
    with pytest.raises(ModelError, match="ONNX Runtime cannot load it"):
        OnnxModel(copy)


def test_provider_that_is_not_there(copy: Path) -> None:
    with pytest.raises(ModelError, match="provider abacus"):
        OnnxModel(copy, provider="abacus")


@pytest.mark.parametrize(
    "array",
    [
        np.zeros((1, 60, 99), np.float32),
        np.zeros((60, 100), np.float32),
        np.zeros((1, 60, 100), np.float64),
    ],
)
def test_refuses_other_inputs(audio_model: OnnxModel, array: np.ndarray) -> None:
    with pytest.raises(InvalidInput, match="log_mel"):
        audio_model.run(log_mel=array)
    with pytest.raises(InvalidInput, match="inputs"):
        audio_model.run(sound=array)


def test_models_folder(models: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert models_folder(str(models)) == models
    monkeypatch.setenv("SAGE_MODELS", str(tmp_path))
    assert models_folder() == tmp_path
    assert models_folder(str(models)) == models
    with pytest.raises(ModelError, match="no such folder"):
        models_folder(str(tmp_path / "nowhere"))
    monkeypatch.delenv("SAGE_MODELS")
    beside = tmp_path / "share" / "sage_encoders" / "models"
    for variable in ("", str(tmp_path)):
        monkeypatch.setenv("AMENT_PREFIX_PATH", variable)
        with monkeypatch.context() as patched:
            patched.setattr(sys, "prefix", str(tmp_path))
            with pytest.raises(ModelError, match="SAGE_MODELS"):
                models_folder()
            beside.mkdir(parents=True)
            assert models_folder() == beside
            shutil.rmtree(tmp_path / "share")
