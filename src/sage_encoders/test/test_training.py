from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")
pytest.importorskip("onnx", reason="export needs onnx (requirements/train.in)")
pytest.importorskip("onnxscript", reason="export needs onnxscript (requirements/train.in)")

from sage_encoders.backends.onnx_model import OnnxModel  # noqa: E402
from sage_encoders.training import autoencoder, card, export, projection  # noqa: E402
from sage_encoders.training.audio_network import (  # noqa: E402
    AudioEncoderGraph,
    audio_autoencoder,
)
from sage_encoders.training.audio_network import pooled as audio_pooled  # noqa: E402
from sage_encoders.training.quantizer import Quantizer, perplexity  # noqa: E402
from sage_encoders.training.vision_network import (  # noqa: E402
    VisionAutoencoder,
    VisionDecoderGraph,
)


def test_a_few_steps_lower_the_loss() -> None:
    torch.manual_seed(0)
    model = audio_autoencoder()
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    batch = torch.randn(4, 60, 100).cumsum(2) * 0.05
    errors = []
    for _ in range(6):
        optimizer.zero_grad()
        loss, error = model.losses(batch, quantized=False)
        loss.backward()
        optimizer.step()
        errors.append(error.item())
    assert errors[-1] < errors[0]


def test_training_is_repeatable() -> None:
    schedule = autoencoder.Schedule(epochs=2, warm_up=1, steps=2, rate=1e-3, seed=5, evenness=0.01)

    def batch(rng: np.random.Generator) -> torch.Tensor:
        return torch.from_numpy(rng.normal(0, 1, (2, 60, 100)).astype(np.float32))

    def epoch(rng: np.random.Generator) -> Iterator[torch.Tensor]:
        return (batch(rng) for _ in range(schedule.steps))

    runs = [autoencoder.train(audio_autoencoder, epoch, batch, schedule) for _ in range(2)]
    left, right = (run.state_dict() for run in runs)
    assert all(torch.equal(left[name], right[name]) for name in left)


def test_export_computes_what_the_network_computes(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = audio_autoencoder().eval()
    windows = torch.randn(3, 60, 100)
    with torch.no_grad():
        features = audio_pooled(model.encoder(torch.randn(40, 60, 100))[0])
        head = projection.fit(features.reshape(20, 2, -1), 16)
        graph = AudioEncoderGraph(model, head).eval()
        codes, embedding = graph(windows)
    path = tmp_path / "tiny.onnx"
    export.export(graph, windows[:2], "log_mel", ("codes", "embedding"), path)
    card.write(path, "tiny", "0", {})
    outputs = OnnxModel(path).run(log_mel=windows.numpy())
    assert np.mean(outputs["codes"] == codes.numpy()) > 0.999
    np.testing.assert_allclose(outputs["embedding"], embedding.numpy(), atol=1e-4)


def test_codes_are_put_in_order() -> None:
    torch.manual_seed(0)
    model = VisionAutoencoder().eval()
    values = autoencoder.order_codes(model, lambda decoded: decoded.mean((1, 2, 3)), 900)
    assert values == sorted(values)
    with torch.no_grad():
        image = VisionDecoderGraph(model)(torch.zeros(1, 30, 30, dtype=torch.uint8))
    assert image.shape == (1, 224, 224, 3) and image.dtype == torch.uint8


def test_dead_codes_come_back() -> None:
    torch.manual_seed(0)
    quantizer = Quantizer(10, 4)
    quantizer.codebook[5:] += 1000.0
    quantizer.total[5:] += 1000.0
    latent = torch.randn(2, 900, 4)
    for _ in range(300):
        quantizer(latent)
    assert perplexity(quantizer(latent)[1], 10)[1] == 10
