from pathlib import Path

import numpy as np
import onnxruntime

from sage_encoders.backends.minilm import network_file
from sage_encoders.backends.row_lookup import look_up_first


def hidden(model: bytes, ids: np.ndarray) -> np.ndarray:
    session = onnxruntime.InferenceSession(model, providers=["CPUExecutionProvider"])
    inputs = {"input_ids": ids, "attention_mask": np.ones_like(ids)}
    return session.run(None, {**inputs, "token_type_ids": np.zeros_like(ids)})[0]


def test_the_same_numbers_from_the_rewired_language_model() -> None:
    original = network_file().read_bytes()
    rewired = look_up_first(original)
    assert rewired != original
    ids = np.random.default_rng(0).integers(1000, 30000, (2, 17))
    np.testing.assert_allclose(hidden(rewired, ids), hidden(original, ids), atol=1e-5)


def test_a_model_without_such_nodes_stays_as_it_is(models: Path) -> None:
    original = (models / "audio_encoder.onnx").read_bytes()
    assert look_up_first(original) == original
    assert look_up_first(b"") == b""


def test_rewiring_twice_changes_nothing_more() -> None:
    rewired = look_up_first(network_file().read_bytes())
    assert look_up_first(rewired) == rewired
