"""The cards tell the truth about the files beside them."""

import json
from pathlib import Path

import numpy as np
import pytest

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import read_card, sha256_of
from sage_encoders.core.log_mel import frames_db, normalise
from sage_encoders.training import data as recorded

FILES = ("vision_encoder", "vision_decoder", "audio_encoder", "audio_decoder")
LARGEST = 2_000_000


@pytest.mark.parametrize("name", FILES)
def test_hash_size_and_how_to_rebuild(models: Path, name: str) -> None:
    file = models / f"{name}.onnx"
    card = read_card(file.with_suffix(".json"))
    assert card.sha256 == sha256_of(file)
    assert card.body["bytes"] == file.stat().st_size < LARGEST
    assert "python -m sage_encoders.training." in card.body["rebuild"]
    for field in ("data", "split", "seed", "epochs", "training_seconds", "parameters"):
        assert card.body[field] or card.body[field] == 0


@pytest.mark.parametrize("name", FILES)
def test_no_path_of_the_machine_in_the_file(models: Path, name: str) -> None:
    content = (models / f"{name}.onnx").read_bytes()
    assert b".py" not in content and b"/home" not in content and b"site-packages" not in content


@pytest.mark.parametrize("name", ["vision_encoder", "audio_encoder"])
def test_trained_beats_untrained_and_trivial_baselines(models: Path, name: str) -> None:
    figures = json.loads((models / f"{name}.json").read_text())["held_out"]
    baselines = [
        value
        for key, value in figures.items()
        if key.startswith("baseline") and key.endswith("mse")
    ]
    assert len(baselines) >= 3
    assert figures["mse"] < min(baselines)
    assert figures["perplexity"] >= 6 and figures["codes_used"] == 10


def test_vision_has_few_parameters(models: Path) -> None:
    assert read_card(models / "vision_encoder.json").body["parameters"] <= 350_000


def test_vision_figures_on_a_sample(models: Path, data: Path) -> None:
    names, images = recorded.photographs(data / recorded.PHOTOGRAPHS)
    sample = images[recorded.held_out_photographs(len(names))][::4]
    codes = OnnxModel(models / "vision_encoder.onnx").run(image=sample)["codes"]
    decoded = OnnxModel(models / "vision_decoder.onnx").run(codes=codes)["image"]
    stated = read_card(models / "vision_encoder.json").body["held_out"]
    mse = float(np.mean(((decoded.astype(float) - sample) / 127.5) ** 2))
    assert mse == pytest.approx(stated["mse"], rel=0.35)
    assert mse < stated["baseline_mean_colour_mse"] / 2
    share = np.bincount(codes.ravel(), minlength=10) / codes.size
    perplexity = float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))
    assert perplexity == pytest.approx(stated["perplexity"], rel=0.1)


def test_audio_figures_on_a_sample(models: Path, data: Path) -> None:
    clips = recorded.sounds(data / recorded.ESC10)
    held_out = [samples for name, samples in clips if recorded.fold(name) == 4][::8]
    windows = [frames_db(samples[:16864]) for samples in held_out]
    sample = np.stack([normalise(window) for window in windows if window.mean() > -85])
    codes = OnnxModel(models / "audio_encoder.onnx").run(log_mel=sample)["codes"]
    decoded = OnnxModel(models / "audio_decoder.onnx").run(codes=codes)["log_mel"]
    stated = read_card(models / "audio_encoder.json").body["held_out"]
    mse = float(np.mean((decoded - sample) ** 2))
    assert len(sample) >= 5
    assert mse < 2 * stated["mse"] < stated["baseline_window_level_mse"] / 2
