"""Runs of one model that wait for each other are one run, and give what separate runs give."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.shared_work import batches
from sage_encoders.backends.batch_gain import HAND_OVER_NS, batching_pays
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.core.signature import Signature, Tensor

WAIT_S = 60.0


@pytest.fixture(autouse=True)
def patient(monkeypatch) -> None:
    """On a slow machine others may be at work for long."""
    monkeypatch.setattr(batches, "PATIENCE_S", WAIT_S)


@pytest.fixture
def lease(models: Path):
    """A model whose runs are joined, whether that pays on this machine or not."""
    registry = ModelRegistry()
    with registry.open("audio_encoder", models, "auto") as alone:
        alone.batching_pays = True
        with registry.open_batched("audio_encoder", models) as model:
            yield model


def windows(count: int, rows: int = 1) -> list[np.ndarray]:
    random = np.random.default_rng(3)
    return [random.normal(size=(rows, 60, 100)).astype(np.float32) for _ in range(count)]


class Held:
    """Counts the rows of each run of a model, and holds up the first runs until all others wait."""

    def __init__(self, model, waiting: int) -> None:
        self.rows: list[int] = []
        self._run, self._batches, self._waiting = model.run, model.batches, waiting
        self._began = 0
        self._all_wait = threading.Event()

    def __call__(self, **inputs):
        self.rows.append(len(next(iter(inputs.values()))))
        self._began += 1
        if self._began <= self._batches._at_once:
            # Said once for all that are held: the first to go on takes some of those that wait.
            while not self._all_wait.wait(0.001):
                queued = sum(len(queue) for queue in self._batches._waiting.values())
                if queued == self._waiting:
                    self._all_wait.set()
        return self._run(**inputs)


def asked_at_once(lease, inputs: list[np.ndarray]) -> tuple[list[int], list]:
    """The rows of each run, and the outputs, where as many run at once as may, the rest behind."""
    held = Held(lease.apart, len(inputs) - lease.batches._at_once)
    lease.apart.run = held
    outputs: list = [None] * len(inputs)

    def ask(place: int) -> None:
        try:
            outputs[place] = lease.run(log_mel=inputs[place])
        except InvalidInput as error:
            outputs[place] = error

    threads = [threading.Thread(target=ask, args=(place,)) for place in range(len(inputs))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(WAIT_S)
    lease.apart.run = held._run
    return held.rows, outputs


def test_those_that_wait_are_one_run_with_the_same_outputs(lease):
    inputs = windows(5 + lease.batches._at_once)
    rows, outputs = asked_at_once(lease, inputs)
    assert sum(rows) == len(inputs) and max(rows) > 1
    for window, found in zip(inputs, outputs, strict=True):
        alone = lease.run(log_mel=window)
        np.testing.assert_array_equal(found["codes"], alone["codes"])
        np.testing.assert_allclose(found["embedding"], alone["embedding"], rtol=1e-5, atol=1e-6)


def test_requests_of_several_rows_get_theirs(lease):
    inputs = windows(3 + lease.batches._at_once, rows=2)
    _, outputs = asked_at_once(lease, inputs)
    assert [len(found["embedding"]) for found in outputs] == [2] * len(inputs)


def test_a_wrong_input_is_refused_at_once_and_by_name(lease):
    with pytest.raises(InvalidInput, match="log_mel"):
        lease.run(log_mel=np.zeros((1, 60, 99), np.float32))
    with pytest.raises(InvalidInput, match="inputs"):
        lease.run(picture=np.zeros((1, 60, 100), np.float32))


def test_it_has_what_the_model_has_and_leaves_with_its_lease(models: Path):
    registry = ModelRegistry()
    lease = registry.open_batched("audio_encoder", models)
    assert lease.model.signature.inputs.keys() == {"log_mel"} and lease.model.provider == "cpu"
    assert registry.open_models == 1
    lease.close()
    assert registry.open_models == 0


@pytest.mark.parametrize(
    ("shapes", "expected"),
    [([("N", 3), ("N",)], True), ([("N", 3), ("M", 3)], False), ([(1, 3), (1,)], False),
     ([("N", 3), (1, 3)], False), ([(), ("N",)], False), ([("", 3), ("", 3)], False)],
)  # fmt: skip
def test_only_one_free_axis_of_all_tensors_is_a_batch(shapes, expected):
    inputs, outputs = (Tensor("float32", shape) for shape in shapes)
    assert Signature({"x": inputs}, {"y": outputs}).has_batch_axis == expected


class Costing:
    """A network on a clock of its own: what a run costs, and what each row of it."""

    def __init__(self, run_ns: int, row_ns: int) -> None:
        self.now_ns, self.runs, self._run_ns, self._row_ns = 0, 0, run_ns, row_ns

    def __call__(self, inputs) -> None:
        self.runs += 1
        self.now_ns += self._run_ns + self._row_ns * len(inputs["x"])


@pytest.mark.parametrize(
    ("run_ns", "row_ns", "expected"),
    [(10 * HAND_OVER_NS, HAND_OVER_NS, True),  # weights that are read for each run
     (0, 10 * HAND_OVER_NS, False),  # each row costs what it costs alone
     (HAND_OVER_NS // 2, 0, False),  # small: to join it takes longer than to run it
     (2 * HAND_OVER_NS, 100 * HAND_OVER_NS, False)],  # hardly anything
)  # fmt: skip
def test_runs_are_joined_where_a_row_of_several_costs_less(run_ns, row_ns, expected):
    run = Costing(run_ns, row_ns)
    rows = Tensor("float32", ("N", 3))
    assert batching_pays(Signature({"x": rows}, {"y": rows}), run, lambda: run.now_ns) == expected


def test_of_a_network_whose_other_axes_are_free_nothing_is_measured():
    run, free = Costing(10 * HAND_OVER_NS, 0), Tensor("float32", ("N", "width"))
    assert not batching_pays(Signature({"x": free}, {"y": free}), run, lambda: run.now_ns)
    assert run.runs == 0


def test_a_model_whose_runs_cost_less_apart_is_not_joined(models: Path):
    registry = ModelRegistry()
    rows: list[int] = []
    with registry.open("audio_encoder", models, "auto") as alone:
        alone.batching_pays, run = False, alone.run

        def counted(**arrays):
            rows.append(len(arrays["log_mel"]))
            return run(**arrays)

        alone.run = counted
        with registry.open_batched("audio_encoder", models) as model:
            inputs = windows(8)
            asking = [threading.Thread(target=model.run, kwargs={"log_mel": i}) for i in inputs]
            for thread in asking:
                thread.start()
            for thread in asking:
                thread.join(WAIT_S)
    assert rows == [1] * 8
