"""The cards tell the truth about the files beside them."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import model_sha256, read_card
from sage_encoders.core.log_mel import FRAMES, HOP, N_FFT, frames_db, normalise
from sage_training import data as recorded

MODELS = Path(__file__).resolve().parents[3] / "models"
FILES = sorted(str(path.relative_to(MODELS)) for path in MODELS.rglob("*.onnx"))
SPAN = N_FFT + (FRAMES - 1) * HOP
QUIET_DB = -85.0


def held_out_photographs(data: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    names, images = recorded.photographs(data / recorded.PHOTOGRAPHS)
    return images[recorded.held_out_photographs(len(names))]


def held_out_windows(data: Path) -> np.ndarray[Any, np.dtype[np.float32]]:
    """Normalised log-mels of the held-out clips every 0.5 s, without silent ones."""
    clips = recorded.sounds(data / recorded.ESC10)
    found = [
        frames_db(np.ascontiguousarray(samples[at : at + SPAN]))
        for name, samples in clips
        if recorded.fold(name) == 4
        for at in range(0, len(samples) - SPAN + 1, 8000)
    ]
    return np.stack([normalise(window) for window in found if window.mean() > QUIET_DB])


def perplexity(codes: np.ndarray[Any, Any]) -> float:
    share = np.bincount(codes.ravel(), minlength=10) / codes.size
    return float(np.exp(-(share[share > 0] * np.log(share[share > 0])).sum()))


def test_there_are_models() -> None:
    assert {"vision_encoder.onnx", "audio_encoder.onnx", "reference/vision_encoder.onnx"} < {*FILES}


@pytest.mark.parametrize("name", FILES)
def test_hash_size_and_how_to_rebuild(name: str) -> None:
    file = MODELS / name
    card = read_card(file.with_suffix(".json"))
    assert card.sha256 == model_sha256(file)
    assert card.body["bytes"] == file.stat().st_size
    assert card.body["rebuild"].startswith("sage models train ")
    for field in ("data", "split", "seed", "schedule", "training_seconds", "parameters"):
        assert card.body[field] or card.body[field] == 0, field


def test_all_models_together_are_small() -> None:
    assert sum(path.stat().st_size for path in MODELS.rglob("*") if path.is_file()) < 60_000_000


@pytest.mark.parametrize("name", FILES)
def test_no_path_of_the_machine_in_the_file(name: str) -> None:
    content = (MODELS / name).read_bytes()
    assert not re.search(rb"\.py\b|/home|/root|site-packages", content)


@pytest.mark.parametrize("modality", ["vision", "audio"])
def test_ours_beats_the_reference_and_null_baselines(modality: str) -> None:
    ours, reference = (
        json.loads((MODELS / folder / f"{modality}_encoder.json").read_text())
        for folder in ("", "reference")
    )
    figures = ours["held_out"]
    baselines = [
        value
        for key, value in figures.items()
        if key.startswith("baseline") and key.endswith("mse")
    ]
    assert len(baselines) >= 3
    assert figures["mse"] < min(baselines)
    assert figures["mse"] < reference["held_out"]["mse"]
    assert ours["schedule"]["puzzle"] == reference["schedule"]["puzzle"]
    assert ours["split"] == reference["split"] and ours["data"] == reference["data"]
    assert figures["perplexity"] >= 8 and figures["codes_used"] == 10


def test_vision_has_few_parameters() -> None:
    assert read_card(MODELS / "vision_encoder.json").body["parameters"] <= 350_000


@pytest.mark.parametrize("folder", ["", "reference"])
def test_vision_figures_hold_on_all_that_was_held_out(data: Path, folder: str) -> None:
    images = held_out_photographs(data)
    encoder, decoder = (
        OnnxModel(MODELS / folder / f"vision_{part}.onnx") for part in ("encoder", "decoder")
    )
    codes = np.concatenate([encoder.run(image=image[None])["codes"] for image in images])
    decoded = np.concatenate([decoder.run(codes=code[None])["image"] for code in codes])
    stated = encoder.card.body["held_out"]
    mse = float(np.mean(((decoded.astype(float) - images) / 127.5) ** 2))
    assert mse == pytest.approx(stated["mse"], rel=0.01)
    assert 10 * np.log10(4 / mse) == pytest.approx(stated["psnr_db"], abs=0.05)
    assert perplexity(codes) == pytest.approx(stated["perplexity"], rel=0.01)
    assert len(np.unique(codes)) == stated["codes_used"] and len(images) == stated["images"]
    level = images.mean((1, 2), keepdims=True)
    level_mse = float(np.mean(((images - level) / 127.5) ** 2))
    assert level_mse == pytest.approx(stated["baseline_mean_colour_mse"], rel=0.01)


@pytest.mark.parametrize("folder", ["", "reference"])
def test_audio_figures_hold_on_all_that_was_held_out(data: Path, folder: str) -> None:
    windows = held_out_windows(data)
    encoder, decoder = (
        OnnxModel(MODELS / folder / f"audio_{part}.onnx") for part in ("encoder", "decoder")
    )
    codes = np.concatenate([encoder.run(log_mel=window[None])["codes"] for window in windows])
    decoded = np.concatenate([decoder.run(codes=code[None])["log_mel"] for code in codes])
    stated = encoder.card.body["held_out"]
    mse = float(np.mean((decoded - windows) ** 2))
    assert mse == pytest.approx(stated["mse"], rel=0.01)
    assert perplexity(codes) == pytest.approx(stated["perplexity"], rel=0.01)
    assert len(np.unique(codes)) == stated["codes_used"] and len(windows) == stated["windows"]
    level_mse = float(np.mean((windows - windows.mean((1, 2), keepdims=True)) ** 2))
    assert level_mse == pytest.approx(stated["baseline_window_level_mse"], rel=0.01)
