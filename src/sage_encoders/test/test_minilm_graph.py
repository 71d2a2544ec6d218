"""The compact form of the language network against the file as it was exported."""

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from sage_encoders.backends.minilm import network_file
from sage_encoders.backends.minilm_graph import compact
from sage_encoders.backends.onnx_protobuf import Graph, GraphWriter
from sage_encoders.backends.onnx_session import open_written


@pytest.fixture(scope="module")
def content() -> bytes:
    return network_file().read_bytes()


@pytest.mark.parametrize("tokens", [3, 17, 128])
def test_the_same_numbers_as_the_exported_file(content: bytes, tokens: int) -> None:
    exported = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])
    ours = open_written(*compact(content), "cpu", 1)
    rng = np.random.default_rng(tokens)
    mask = np.ones((2, tokens), np.int64)
    mask[1, tokens // 2 :] = 0
    inputs = {
        "input_ids": rng.integers(1000, 30000, (2, tokens)),
        "attention_mask": mask,
        "token_type_ids": rng.integers(0, 2, (2, tokens)),
    }
    # What a hidden token becomes means nothing, and nobody reads it.
    seen = mask[..., None].astype(bool)
    left, right = exported.run(None, inputs)[0], ours.run(inputs)[0]
    np.testing.assert_allclose(right * seen, left * seen, atol=1e-5)


def test_few_operators_and_all_large_weights_stay_int8(content: bytes) -> None:
    model, outside = compact(content)
    assert len(Graph(model).nodes) == 53 + 2 * 4 * 6 < len(Graph(content).nodes)
    assert outside["words"].shape == (30522, 384)
    assert {a.dtype for a in outside.values() if a.size >= 384 * 384 * 2} == {np.dtype(np.int8)}
    assert sum(array.nbytes for array in outside.values()) < 24e6


def test_constants_do_not_lie_in_the_file(content: bytes) -> None:
    whole = np.frombuffer(content, np.uint8)
    _, outside = compact(content)
    assert not any(np.shares_memory(array, whole) for array in outside.values())


@pytest.mark.parametrize("wrong", [b"", b"no network at all", bytes(1000)])
def test_refuses_what_is_no_network(wrong: bytes) -> None:
    with pytest.raises(ValueError, match=r"ONNX|field"):
        compact(wrong)


def test_refuses_a_truncated_file_and_another_network(content: bytes, models: Path) -> None:
    with pytest.raises(ValueError, match=r"field|ONNX"):
        compact(content[:100_000])
    with pytest.raises(ValueError, match="MiniLM"):
        compact((models / "audio_encoder.onnx").read_bytes())


def test_what_is_written_is_read_again() -> None:
    writer = GraphWriter()
    small = writer.constant("small", np.array([-1, 5], "<i8"))
    large = writer.constant("large", np.ones((20, 3), np.float32))
    writer.node("Gather", [large, small], "rows", axis=0)
    shape = (np.dtype(np.float32), ("n", 3))
    graph = Graph(writer.model({}, {"rows": shape}))
    assert graph.tensors["small"].tolist() == [-1, 5]
    assert [(node.operator, node.inputs, node.outputs) for node in graph.nodes] == [
        ("Gather", ["large", "small"], ["rows"])
    ]
    assert list(writer.outside) == ["large"]
