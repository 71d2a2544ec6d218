from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")
pytest.importorskip("onnx", reason="export needs onnx (requirements/train.in)")
pytest.importorskip("onnxscript", reason="export needs onnxscript (requirements/train.in)")

from sage_encoders.backends.onnx_model import OnnxModel  # noqa: E402
from sage_training import card, export  # noqa: E402
from sage_training.audio.network import (  # noqa: E402
    AudioEncoderGraph,
    audio_autoencoder,
)
from sage_training.audio.network import pooled as audio_pooled  # noqa: E402
from sage_training.audio.reference import (  # noqa: E402
    reference_autoencoder as audio_reference_autoencoder,
)
from sage_training.vision.network import (  # noqa: E402
    VisionAutoencoder,
    VisionDecoderGraph,
    cut_patches,
    row_index,
    vision_autoencoder,
)
from sage_training.vision.reference import reference_autoencoder  # noqa: E402
from sage_training.vision.views import view  # noqa: E402
from sage_training.vqvae import autoencoder, projection  # noqa: E402
from sage_training.vqvae.quantizer import Quantizer, perplexity  # noqa: E402


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
    card.write(path, {"name": "tiny", "version": "0"})
    outputs = OnnxModel(path).run(log_mel=windows.numpy())
    assert np.mean(outputs["codes"] == codes.numpy()) > 0.999
    np.testing.assert_allclose(outputs["embedding"], embedding.numpy(), atol=1e-4)


def test_codes_are_put_in_order() -> None:
    torch.manual_seed(0)
    model = vision_autoencoder().eval()
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


def test_references_have_the_stated_size() -> None:
    assert reference_autoencoder().parameter_count() == 349_187
    audio = audio_reference_autoencoder()
    assert audio.parameter_count() - audio.quantizer.codebook.numel() == 83_777
    assert vision_autoencoder().parameter_count() <= 350_000


@pytest.mark.parametrize("build", [reference_autoencoder, vision_autoencoder])
def test_vision_networks_fit_the_puzzle(build: Callable[[], VisionAutoencoder]) -> None:
    model = build().eval()
    with torch.no_grad():
        _, latent = model.encoder(torch.zeros(1, 224, 224, 3, dtype=torch.uint8))
        assert model.decoder(latent).shape == (1, 3, 224, 224)
    assert latent.shape[1] == 900


def test_patches_lie_where_their_cells_are() -> None:
    image = torch.zeros(1, 224, 224, 3, dtype=torch.uint8)
    image[..., 0] = torch.arange(224, dtype=torch.uint8)[:, None]
    image[..., 1] = torch.arange(224, dtype=torch.uint8)
    patches = cut_patches(image, row_index()).reshape(30, 30, 8, 8, 3).float().numpy()
    centres = (np.arange(30) + 0.5) * 224 / 30 - 0.5
    np.testing.assert_allclose(patches[..., 0].mean((1, 2, 3)), centres, atol=0.75)
    np.testing.assert_allclose(patches[..., 1].mean((0, 2, 3)), centres, atol=0.75)
    np.testing.assert_array_equal(np.diff(patches[..., 0], axis=2), 1)
    np.testing.assert_array_equal(np.diff(patches[..., 1], axis=3), 1)


def test_views_are_different_pictures_of_the_right_kind() -> None:
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, (size, 260, 3), dtype=np.uint8) for size in (224, 300)]
    views = [view(images, rng) for _ in range(20)]
    assert all(v.shape == (224, 224, 3) and v.dtype == np.uint8 for v in views)
    assert len({v.tobytes() for v in views}) == 20
