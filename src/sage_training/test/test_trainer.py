"""Training goes on where it was stopped, and says what does not fit."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="training needs torch (requirements/train.in)")
pytest.importorskip("safetensors", reason="checkpoints need safetensors (requirements/train.in)")
pytest.importorskip("onnx", reason="export needs onnx (requirements/train.in)")

from sage_encoders.core.card import ModelError, read_card  # noqa: E402
from sage_training import publish, trainer  # noqa: E402
from sage_training.recipe import Recipe, Schedule, Stage  # noqa: E402


class Interrupted(Exception):
    """As if somebody had pressed Ctrl-C."""


class Line(Stage):
    """Learns y = 2 x, with a dropout that draws from torch's generator."""

    name = "line"

    def network(self, earlier: Any) -> torch.nn.Module:
        return torch.nn.Sequential(
            torch.nn.Linear(1, 8), torch.nn.Dropout(0.2), torch.nn.Linear(8, 1)
        )

    def batch(self, rng: np.random.Generator) -> tuple[torch.Tensor, ...]:
        inputs = torch.from_numpy(rng.normal(size=(self.schedule.batch, 1)).astype(np.float32))
        return inputs, 2 * inputs

    def loss(self, network: Any, batch: Any, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        error = (network(batch[0]) - batch[1]).square().mean()
        return error, error


class Follower(Line):
    """Needs the network of the stage before."""

    name = "follower"

    def network(self, earlier: Any) -> torch.nn.Module:
        self.leader = earlier["line"]
        return super().network(earlier)

    def loss(self, network: Any, batch: Any, number: int) -> tuple[torch.Tensor, torch.Tensor]:
        with torch.no_grad():
            target = self.leader(batch[0])
        return super().loss(network, (batch[0], target), number)


class Lines(Recipe):
    name = "lines"
    files = ("line.bin",)
    rate = 0.01
    measured = 0.25

    def stages(self) -> Sequence[Stage]:
        schedule = Schedule(self.epochs or 4, steps=5, batch=8, rate=self.rate)
        return Line(schedule), Follower(schedule)

    def export(self, networks: Any, out: Path) -> None:
        weights = networks["follower"].state_dict()
        (out / "line.bin").write_bytes(b"".join(v.numpy().tobytes() for v in weights.values()))

    def measure(self, models: Path) -> dict[str, Any]:
        if self.measured is None:
            raise ModelError("cannot be measured")
        return {"mse": self.measured}

    def describe(self, networks: Any) -> dict[str, dict[str, Any]]:
        return {"line.bin": {"name": "line", "version": "1", "input": "x"}}


def nothing(progress: trainer.Progress) -> None:
    """No report."""


def weights(networks: dict[str, Any]) -> dict[str, np.ndarray]:
    return {
        f"{stage}/{name}": value.numpy()
        for stage, network in networks.items()
        for name, value in network.state_dict().items()
    }


@pytest.mark.parametrize("stop_at", [7, 19, 23, 39])
def test_resumed_training_ends_at_the_same_weights(tmp_path: Path, stop_at: int) -> None:
    whole = trainer.train(Lines(tmp_path), tmp_path / "whole", nothing)
    seen = 0

    def stop(progress: trainer.Progress) -> None:
        nonlocal seen
        seen += 1
        if seen == stop_at:
            raise Interrupted

    with pytest.raises(Interrupted):
        trainer.train(Lines(tmp_path), tmp_path / "cut", stop)
    steps: list[trainer.Progress] = []
    resumed = trainer.train(Lines(tmp_path), tmp_path / "cut", steps.append)
    assert len(steps) < 40, "finished epochs were trained again"
    for name, value in weights(whole).items():
        np.testing.assert_array_equal(weights(resumed)[name], value, err_msg=name)


def test_seed_decides(tmp_path: Path) -> None:
    first, same, other = (
        weights(trainer.train(Lines(tmp_path, seed), tmp_path / name, nothing))
        for name, seed in (("a", 1), ("b", 1), ("c", 2))
    )
    assert all(np.array_equal(first[name], same[name]) for name in first)
    assert any(not np.array_equal(first[name], other[name]) for name in first)


def test_it_learns_and_reports_every_step(tmp_path: Path) -> None:
    steps: list[trainer.Progress] = []
    trainer.train(Lines(tmp_path, epochs=60), tmp_path, steps.append)
    line = [step for step in steps if step.stage == "line"]
    assert [(s.epoch, s.step) for s in line[:6]] == [(0, 1), (0, 2), (0, 3), (0, 4), (0, 5), (1, 1)]
    assert line[-1].error < line[4].error / 2


def test_other_settings_are_refused_until_restarted(tmp_path: Path) -> None:
    trainer.train(Lines(tmp_path), tmp_path, nothing)
    with pytest.raises(ModelError, match="epochs=4, but epochs=5 is asked for"):
        trainer.train(Lines(tmp_path, epochs=5), tmp_path, nothing)
    trainer.train(Lines(tmp_path, epochs=5), tmp_path, nothing, restart=True)
    assert trainer.load(Lines(tmp_path, epochs=5), tmp_path).keys() == {"line", "follower"}


def test_unfinished_training_cannot_be_exported(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="0 of 4 epochs"):
        trainer.load(Lines(tmp_path), tmp_path)


def test_damaged_checkpoint_is_named(tmp_path: Path) -> None:
    trainer.train(Lines(tmp_path), tmp_path, nothing)
    path = tmp_path / "lines-line.safetensors"
    path.write_bytes(path.read_bytes()[:100])
    with pytest.raises(ModelError, match=r"lines-line\.safetensors: not a training checkpoint"):
        trainer.train(Lines(tmp_path), tmp_path, nothing)


def test_divergence_stops_with_the_rate_named(tmp_path: Path) -> None:
    recipe = Lines(tmp_path)
    recipe.rate = 1e30
    with pytest.raises(ModelError, match=r"learning rate 1e\+30 is too high"):
        trainer.train(recipe, tmp_path, nothing)


def test_rate_rises_and_falls() -> None:
    schedule = Schedule(epochs=10, steps=100, batch=1, rate=0.5)
    rates = [trainer.rate(schedule, step) for step in range(1000)]
    peak = int(np.argmax(rates))
    assert max(rates) == pytest.approx(0.5) and peak == 50
    assert np.all(np.diff(rates[:peak]) > 0) and np.all(np.diff(rates[peak:]) < 0)
    assert rates[-1] < 1e-4


def test_published_files_have_cards_that_can_be_checked(tmp_path: Path) -> None:
    recipe, out = Lines(tmp_path), tmp_path / "models"
    networks = trainer.train(recipe, tmp_path, nothing)
    publish.publish(recipe, networks, tmp_path, out)
    card = read_card(out / "line.json")
    assert card.body["held_out"] == {"mse": 0.25} and card.body["seed"] == 0
    assert card.body["schedule"]["line"]["epochs"] == 4
    assert card.body["rebuild"] == "sage models train lines --data DIR --seed 0"
    assert publish.differences(recipe, out)["mse"]["holds"]
    recipe.measured = 0.3
    assert not publish.differences(recipe, out)["mse"]["holds"]


def test_failed_publishing_leaves_the_old_files(tmp_path: Path) -> None:
    recipe, out = Lines(tmp_path), tmp_path / "models"
    publish.publish(recipe, trainer.train(recipe, tmp_path, nothing), tmp_path, out)
    before = {path.name: path.read_bytes() for path in out.iterdir()}
    other = Lines(tmp_path, seed=1)
    other.measured = None
    with pytest.raises(ModelError, match="cannot be measured"):
        publish.publish(other, trainer.train(other, tmp_path / "other", nothing), tmp_path, out)
    assert {path.name: path.read_bytes() for path in out.iterdir()} == before
