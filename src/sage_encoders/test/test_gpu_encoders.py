"""What `make gpu-test` does with encoders, on the processor; and that it says what is absent."""

from __future__ import annotations

import sys
from pathlib import Path

import gpu_encoders
import numpy as np
import onnxruntime
import pytest

from sage_encoders.core.card import ModelError

HAS_CUDA = "CUDAExecutionProvider" in onnxruntime.get_available_providers()


@pytest.mark.parametrize("precision", gpu_encoders.PRECISIONS)
@pytest.mark.parametrize("name", gpu_encoders.ENCODERS)
def test_every_encoder_gives_the_same_from_host_and_device_memory(
    name: str, precision: str
) -> None:
    row = gpu_encoders.encoder_row(name, precision, "cpu", runs=1)
    assert row["provider"] == "cpu"
    assert row["cosine_host"] == row["cosine_device"]
    assert (row["cosine_host"] == pytest.approx(1.0, abs=1e-9)) is (precision == "fp32")


def test_a_wrong_output_is_seen() -> None:
    right = {"embedding": np.array([1.0, 0.0]), "codes": np.array([1], np.uint8)}
    wrong = {"embedding": np.array([0.0, 1.0]), "codes": np.array([1], np.uint8)}
    assert gpu_encoders.least_cosine(right, right) == 1.0
    assert gpu_encoders.least_cosine(wrong, right) == 0.0


@pytest.mark.skipif(HAS_CUDA, reason="there is CUDA here")
def test_without_cuda_it_says_absent(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ModelError):
        gpu_encoders.encoder_rows("cuda")
    monkeypatch.setitem(sys.modules, "torch", None)
    assert gpu_encoders.main() == gpu_encoders.NOT_TESTED
    assert "absent: encoders on CUDA" in capsys.readouterr().out
    assert not list(Path(gpu_encoders.REPOSITORY, "bench/results").glob("encoders_gpu-a-gpu*"))


def test_the_kernel_of_attention_is_named() -> None:
    pytest.importorskip("torch", reason="attention needs torch (requirements/thor.in)")
    row = gpu_encoders.attention_row("cpu", "fp32", runs=1)
    assert row["kernel"] and row["kernel"] != "math"
