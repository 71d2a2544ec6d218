"""The tiny VAE: its sizes, its start, how students are compared, and what its card says."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")

from sage_encoders.backends.onnx_model import OnnxModel  # noqa: E402
from sage_encoders.core.card import read_card  # noqa: E402
from sage_training.tiny_vae.data import held_out, pictures  # noqa: E402
from sage_training.tiny_vae.measures import (  # noqa: E402
    Comparison,
    errors,
    linear_code,
    through,
)
from sage_training.tiny_vae.network import (  # noqa: E402
    STUDENT,
    TEACHER,
    Posterior,
    TinyVae,
    divergence,
    negative_evidence,
    started,
    unsigned,
)

FILES = ("tiny_vae_encoder", "tiny_vae_decoder")
GOAL_MSE = 0.015


@pytest.fixture(scope="module")
def blobs() -> NDArray[np.uint8]:
    """256 smooth random pictures, [256, 32, 32, 3]."""
    rng = np.random.default_rng(0)
    coarse = rng.integers(0, 256, (256, 4, 4, 3)).astype(np.float32)
    fine = np.kron(coarse, np.ones((1, 8, 8, 1), np.float32)) + rng.normal(0, 4, (256, 32, 32, 3))
    return np.clip(fine, 0, 255).astype(np.uint8)


def test_sizes() -> None:
    small, large = (TinyVae(size).parameter_count() for size in (STUDENT, TEACHER))
    assert small <= 290_000
    assert 8_400_000 <= large <= 9_000_000
    assert large / small >= 30


def test_it_starts_better_than_noise_and_near_a_linear_code(blobs: NDArray[np.uint8]) -> None:
    torch.manual_seed(0)
    start = errors(through(started(STUDENT, blobs), blobs), blobs).mean()
    noise = errors(through(TinyVae(STUDENT), blobs), blobs).mean()
    linear = errors(linear_code(blobs, blobs), blobs).mean()
    assert start < noise / 20
    assert linear <= start < 4 * linear + 1e-4


def test_turning_the_latent_changes_no_picture(blobs: NDArray[np.uint8]) -> None:
    torch.manual_seed(0)
    images = unsigned(blobs)
    left, right = started(STUDENT, blobs), started(STUDENT, blobs[::-1, ::-1])
    with torch.no_grad():
        wanted = right.encode(images).mean
        before = left.decode(left.encode(images).mean)
        apart = (left.encode(images).mean - wanted).square().mean()
        left.turn(wanted, images)
        after = left.decode(left.encode(images).mean)
        nearer = (left.encode(images).mean - wanted).square().mean()
    torch.testing.assert_close(after, before, atol=1e-3, rtol=0)
    assert nearer < apart


def test_divergence_is_that_of_gaussians() -> None:
    mean, log_variance = torch.randn(3, 5), torch.randn(3, 5)
    spread = (log_variance / 2).exp()
    from torch.distributions import Normal, kl_divergence

    wanted = kl_divergence(Normal(mean, spread), Normal(0.0, 1.0)).sum(1)
    torch.testing.assert_close(divergence(Posterior(mean, log_variance)), wanted)


def test_a_few_steps_lower_the_objective(blobs: NDArray[np.uint8]) -> None:
    torch.manual_seed(0)
    model = TinyVae(STUDENT)
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    images, found = unsigned(blobs[:16]), []
    for _ in range(8):
        optimizer.zero_grad()
        objective, error, _, _ = negative_evidence(model, images)
        objective.backward()
        optimizer.step()
        found.append(float(objective.detach()))
        assert float(error.detach()) <= found[-1]
    assert found[-1] < found[0] * 0.75


def test_every_tenth_of_each_class_is_held_out() -> None:
    labels = np.array([0, 1] * 25)
    chosen = held_out(labels)
    assert [int(chosen[labels == label].sum()) for label in (0, 1)] == [2, 2]
    assert list(np.flatnonzero(chosen)) == [18, 19, 38, 39]


@pytest.mark.parametrize(
    ("gain", "verdict", "shipped"),
    [
        (0.01, "distilling helps", "distilled"),
        (-0.01, "distilling harms", "control"),
        (0.0, "no difference that is larger than chance", None),
    ],
)
def test_students_are_compared_with_an_interval(
    gain: float, verdict: str, shipped: str | None
) -> None:
    rng = np.random.default_rng(1)
    control = rng.uniform(0.01, 0.1, 200)
    distilled = control - gain + rng.normal(0, 0.002, 200)
    figures = Comparison(distilled, control, control / 2).figures()
    assert figures["verdict"] == verdict
    assert "teacher" not in str(figures["limits"])
    assert shipped is None or figures["shipped"] == shipped


def test_a_poor_teacher_is_named_as_a_limit() -> None:
    control = np.full(20, 0.02)
    figures = Comparison(control, control, control * 1.1).figures()
    assert "the teacher does no better than the student alone" in str(figures["limits"])


@pytest.mark.parametrize("name", FILES)
def test_the_card_states_sizes_and_how_to_rebuild(models: Path, name: str) -> None:
    body = read_card(models / f"{name}.json").body
    assert body["bytes"] == (models / f"{name}.onnx").stat().st_size < 1_200_000
    assert body["parameters"] <= 290_000 and body["latent_size"] == 128
    assert body["distillation"]["teacher_to_student"] >= 30
    assert body["rebuild"].startswith("sage models train tiny_vae")


def test_the_better_student_is_shipped(models: Path) -> None:
    body = read_card(models / "tiny_vae_encoder.json").body
    found = body["distillation"]
    assert found["verdict"] and found["limits"]
    assert body["held_out"]["mse"] == pytest.approx(
        min(found["distilled_mse"], found["control_mse"]), abs=2e-5
    )


def test_figures_hold_on_held_out_pictures(models: Path, data: Path) -> None:
    images = pictures(data)[1]
    encoder, decoder = (OnnxModel(models / f"{name}.onnx") for name in FILES)
    found = [encoder.run(image=images[at : at + 50])["latent"] for at in range(0, len(images), 50)]
    decoded = np.concatenate([decoder.run(latent=latent)["image"] for latent in found])
    mse = errors(decoded, images).mean()
    stated = read_card(models / "tiny_vae_encoder.json").body["held_out"]
    assert mse == pytest.approx(stated["mse"], rel=0.02)
    assert mse <= GOAL_MSE
    for name in ("mean_image", "mean_colour", "untrained", "start"):
        assert mse < stated[f"baseline_{name}_mse"]
