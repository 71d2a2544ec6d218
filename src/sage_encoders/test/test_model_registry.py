"""Models are shared by those who ask for the same, and leave with the last of them."""

import json
import threading
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from model_copies import certify, copy_model

from sage_encoders.backends.model_registry import ModelRegistry, list_models
from sage_encoders.core import vision
from sage_encoders.core.card import ModelError

WINDOW = np.zeros((1, 60, 100), np.float32)


@pytest.fixture
def registry() -> ModelRegistry:
    return ModelRegistry()


@pytest.fixture
def variants(models: Path, tmp_path: Path) -> Path:
    """The audio encoder in FP32 and as what passes for FP16."""
    copy_model(models, tmp_path, "audio_encoder")
    copy_model(models, tmp_path, "audio_encoder", "audio_encoder_fp16", precision="fp16")
    return tmp_path


def test_lists_models_by_their_cards(models: Path) -> None:
    cards = list_models(models)
    assert {"vision_encoder", "audio_encoder", "minilm"} <= cards.keys()
    assert cards["vision_encoder"].name == "sage-vision"
    assert list(cards) == sorted(cards)


def test_the_same_model_is_loaded_once(registry: ModelRegistry, models: Path) -> None:
    first = registry.open("audio_encoder", models)
    second = registry.open("audio_encoder", models)
    other = registry.open("audio_encoder", models, threads=2)
    assert first.model is second.model is not other.model
    assert registry.open_models == 2
    for lease in (first, second, other):
        lease.close()
    assert registry.open_models == 0


def test_it_leaves_with_the_last_lease(registry: ModelRegistry, models: Path) -> None:
    first, second = (registry.open("audio_encoder", models) for _ in range(2))
    first.close()
    first.close()
    codes = second.model.run(log_mel=WINDOW)["codes"]
    second.close()
    with pytest.raises(ModelError, match="unloaded"):
        second.model.run(log_mel=WINDOW)
    assert codes.shape == (1, 30, 30), "what was made stays"
    with registry.open("audio_encoder", models) as model:
        assert np.array_equal(model.run(log_mel=WINDOW)["codes"], codes)
    assert registry.open_models == 0


def test_many_threads_ask_at_once(registry: ModelRegistry, models: Path) -> None:
    loads, leases = [], []

    class Counted:
        def __init__(self) -> None:
            loads.append(self)

        def close(self) -> None:
            loads.remove(self)

    def ask() -> None:
        together.wait(10)
        leases.append(registry.lease("counted", Counted))

    together = threading.Barrier(8)
    threads = [threading.Thread(target=ask) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(leases) == 8 and len(loads) == 1
    for lease in leases:
        lease.close()
    assert not loads


def test_a_model_that_cannot_be_loaded_leaves_nothing(
    registry: ModelRegistry, models: Path, tmp_path: Path
) -> None:
    path = copy_model(models, tmp_path, "audio_encoder")
    whole = path.read_bytes()
    path.write_bytes(whole[:1000])
    with pytest.raises(ModelError, match=r"audio_encoder\.onnx.*1000 bytes"):
        registry.open("audio_encoder", tmp_path)
    assert registry.open_models == 0
    path.write_bytes(whole)
    registry.open("audio_encoder", tmp_path).close()


def test_a_model_trained_anew_is_another(
    registry: ModelRegistry, models: Path, tmp_path: Path
) -> None:
    path = copy_model(models, tmp_path, "audio_encoder")
    old = registry.open("audio_encoder", tmp_path)
    path.write_bytes(path.read_bytes() + b"\x72\x00")  # an empty field that ONNX passes over
    certify(path)
    new = registry.open("audio_encoder", tmp_path)
    assert new.model.encoder_id != old.model.encoder_id
    old.close()
    new.model.run(log_mel=WINDOW)
    new.close()


def test_precisions(registry: ModelRegistry, variants: Path) -> None:
    with registry.open("audio_encoder", variants, "fp32") as model:
        assert model.precision == "fp32"
    with registry.open("audio_encoder", variants, "fp16") as model:
        assert model.precision == "fp16"
    with registry.open("audio_encoder", variants, "auto") as model:
        assert model.precision == "fp32", "a card that names none means FP32"


@pytest.mark.parametrize(
    ("stated", "expected"),
    [({"cpu": "fp16", "cuda": "fp32"}, "fp16"), ({"cuda": "fp16"}, "fp32"), ({}, "fp32")],
)
def test_auto_is_what_the_card_names_for_the_provider(
    registry: ModelRegistry, variants: Path, stated: dict[str, str], expected: str
) -> None:
    certify(variants / "audio_encoder.onnx", fastest_that_keeps_quality=stated)
    with registry.open("audio_encoder", variants, "auto", "cpu") as model:
        assert (model.precision, model.provider) == (expected, "cpu")


def test_a_provider_that_does_not_start_takes_its_precision_along(
    registry: ModelRegistry, variants: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = onnxruntime.get_available_providers()
    monkeypatch.setattr(
        onnxruntime, "get_available_providers", lambda: ["CUDAExecutionProvider", *real]
    )
    stated = {"cuda": "fp16", "cpu": "fp32"}
    certify(variants / "audio_encoder.onnx", fastest_that_keeps_quality=stated)
    with pytest.warns(UserWarning), registry.open("audio_encoder", variants, "auto") as model:
        assert (model.precision, model.provider) == ("fp32", "cpu")
        assert "cuda is present, but does not start" in model.provider_fault


def test_a_missing_precision_names_its_file(registry: ModelRegistry, variants: Path) -> None:
    with pytest.raises(ModelError, match=r"audio_encoder_int8\.onnx: no such model file"):
        registry.open("audio_encoder", variants, "int8")
    certify(variants / "audio_encoder.onnx", fastest_that_keeps_quality={"cpu": "int8"})
    with pytest.raises(ModelError, match=r"audio_encoder_int8\.onnx: no such model file"):
        registry.open("audio_encoder", variants, "auto")
    certify(variants / "audio_encoder.onnx", fastest_that_keeps_quality={"cpu": "int4"})
    with pytest.raises(ModelError, match="int4"):
        registry.open("audio_encoder", variants, "auto")
    (variants / "audio_encoder_fp16.json").unlink()
    with pytest.raises(ModelError, match=r"audio_encoder_fp16\.json: no such model card"):
        registry.open("audio_encoder", variants, "fp16")


def test_a_card_of_another_precision_or_model_is_refused(
    registry: ModelRegistry, variants: Path
) -> None:
    card = variants / "audio_encoder_fp16.json"
    body = json.loads(card.read_text())
    card.write_text(json.dumps({**body, "precision": "int8"}))
    with pytest.raises(ModelError, match=r"fp16\.onnx: its card says int8: expected fp16"):
        registry.open("audio_encoder", variants, "fp16")
    card.write_text(json.dumps({**body, "file": "audio_encoder.onnx"}))
    with pytest.raises(ModelError, match=r"its card describes audio_encoder\.onnx, another"):
        registry.open("audio_encoder", variants, "fp16")


def test_a_model_with_another_signature_is_refused(registry: ModelRegistry, models: Path) -> None:
    with pytest.raises(ModelError, match=r"audio_encoder\.onnx: takes log_mel: expected image"):
        registry.open("audio_encoder", models, signature=vision.SIGNATURE)
    assert registry.open_models == 0
