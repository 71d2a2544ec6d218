"""The light VAE: latents in int8, the network that makes them, and what its card says of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import read_card
from sage_encoders.core.latent import Latent, LatentCodec, rounded
from sage_training import data as recorded

FILES = ("light_vae_encoder", "light_vae_decoder")
LARGEST_BYTES = 6_000_000


def any_latent(seed: int = 0) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(0, 1, (7, 7, 256)).astype(np.float32)


@pytest.fixture(scope="module")
def codec(models: Path) -> LatentCodec:
    encoder, decoder = (OnnxModel(models / f"{name}.onnx") for name in FILES)
    return LatentCodec(encoder, decoder)


def test_rounding_costs_at_most_half_a_step() -> None:
    latent = any_latent()
    found = rounded(latent)
    assert found.values.nbytes == 12_544
    assert np.abs(found.values).max() == 127
    assert np.abs(found.floats() - latent).max() <= found.scale * 0.5001


def test_a_latent_of_zeros_stays_zero() -> None:
    found = rounded(np.zeros((7, 7, 256), np.float32))
    assert found.scale > 0 and not found.floats().any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_a_latent_that_is_not_finite_is_refused(bad: float) -> None:
    latent = any_latent()
    latent[3, 3, 3] = bad
    with pytest.raises(InvalidInput, match="latent"):
        rounded(latent)


@pytest.mark.parametrize(
    "latent", [np.zeros((7, 7, 128), np.float32), np.zeros((7, 7, 256), np.float64)]
)
def test_other_shapes_and_types_of_latents_are_refused(latent: NDArray[Any]) -> None:
    with pytest.raises(InvalidInput, match=r"latent.*float32 \(7, 7, 256\)"):
        rounded(latent)


def test_a_latent_from_outside_is_checked() -> None:
    values = np.zeros((7, 7, 256), np.int8)
    with pytest.raises(InvalidInput, match="scale"):
        Latent(values, 0.0)
    with pytest.raises(InvalidInput, match="scale"):
        Latent(values, float("nan"))
    with pytest.raises(InvalidInput, match="values"):
        Latent(values.astype(np.uint8), 1.0)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "image", [np.zeros((223, 224, 3), np.uint8), np.zeros((224, 224, 3), np.float32)]
)
def test_other_pictures_are_refused(codec: LatentCodec, image: NDArray[Any]) -> None:
    with pytest.raises(InvalidInput, match=r"image.*uint8"):
        codec.encode(image)


def test_pictures_survive(codec: LatentCodec, scenes: NDArray[np.uint8]) -> None:
    for scene in scenes:
        back = codec.decode(codec.encode(scene))
        assert back.shape == scene.shape and back.dtype == np.uint8
        flat = np.mean((scene - scene.mean((0, 1))) ** 2)
        assert np.mean((back.astype(float) - scene) ** 2) < flat / 2


@pytest.mark.parametrize("name", FILES)
def test_small_enough(models: Path, name: str) -> None:
    card = read_card(models / f"{name}.json")
    assert (models / f"{name}.onnx").stat().st_size == card.body["bytes"] <= LARGEST_BYTES
    assert card.body["rebuild"].startswith("sage models train light_vae")


def test_better_than_what_needs_no_training(models: Path) -> None:
    figures = read_card(models / "light_vae_encoder.json").body["held_out"]
    baselines = [value for name, value in figures.items() if name.startswith("baseline")]
    assert len(baselines) == 5 and figures["mse_int8_latent"] < min(baselines)
    assert figures["mse_int8_latent"] < 1.02 * figures["mse"]


def test_figures_hold_on_held_out_photographs(codec: LatentCodec, models: Path, data: Path) -> None:
    names, images = recorded.photographs(data / recorded.PHOTOGRAPHS)
    held_out = images[recorded.held_out_photographs(len(names))]
    errors = [
        np.mean(((codec.decode(codec.encode(image)).astype(float) - image) / 127.5) ** 2)
        for image in held_out
    ]
    stated = read_card(models / "light_vae_encoder.json").body["held_out"]
    assert np.mean(errors) == pytest.approx(stated["mse_int8_latent"], rel=0.02)


class TestTraining:
    """The network that is trained; needs torch."""

    @pytest.fixture(autouse=True)
    def _torch(self) -> None:
        pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")

    def test_it_starts_better_than_noise(self, scenes: NDArray[np.uint8]) -> None:
        import torch

        from sage_training.light_vae.network import LightVae, multiply_adds, started
        from sage_training.vision.measures import mse

        torch.manual_seed(0)
        model = started(np.concatenate((scenes, scenes[:, ::-1], scenes[:, :, ::-1])))
        from sage_training.light_vae.measures import through

        assert mse(through(model, scenes), scenes) < mse(through(LightVae(), scenes), scenes) / 4
        assert max(multiply_adds(model)) < 250e6

    def test_export_computes_what_the_network_computes(
        self, tmp_path: Path, scenes: NDArray[np.uint8]
    ) -> None:
        pytest.importorskip("onnxscript", reason="export needs onnxscript (requirements/train.in)")
        import onnxruntime
        import torch

        from sage_training import export
        from sage_training.light_vae.network import LightDecoderGraph, LightVae

        torch.manual_seed(0)
        graph = LightDecoderGraph(LightVae()).eval()
        latent = any_latent()[None].repeat(2, 0)
        export.export(graph, torch.from_numpy(latent), "latent", ("image",), tmp_path / "d.onnx")
        session = onnxruntime.InferenceSession(tmp_path / "d.onnx")
        (found,) = session.run(["image"], {"latent": latent})
        with torch.no_grad():
            wanted = graph(torch.from_numpy(latent)).numpy()
        assert np.abs(found.astype(int) - wanted).max() <= 1


def test_smallest_loss_jpeg_fits(scenes: NDArray[np.uint8]) -> None:
    pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")
    from sage_training.light_vae.measures import smallest_loss_jpeg

    picture, size = smallest_loss_jpeg(scenes[0], 6_000)
    assert size <= 6_000 and picture.shape == scenes[0].shape
