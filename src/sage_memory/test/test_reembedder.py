"""Vectors that are missing are made in the background, by the encoders of the graph."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from sage_common.core.specs.modality import ModalitySpecs
from sage_common.ros.host import ServiceUnavailable
from sage_memory import Memory, Payload, Query
from sage_memory.backends.payload_encoding import picture
from sage_memory.core.store.reembedding import BATCH, Embedder
from sage_memory.nodes.reembedder import Reembedder


class StandIn:
    """A node with encoders that answer at once, and a clock that is turned by hand."""

    time_is_measured = True

    def __init__(self) -> None:
        self.modality_specs = ModalitySpecs()
        self.encoders = {"vision/embed": "vision-2", "language/embed": "words-2"}
        self.shown: dict[str, Any] = {}
        self.calls = 0

    def client(self, key: str) -> SimpleNamespace:
        return SimpleNamespace(call=lambda _request, _timeout_s: self._answer(key))

    def _answer(self, key: str) -> SimpleNamespace:
        if key not in self.encoders:
            raise ServiceUnavailable(f"{key}: no node serves it")
        self.calls += 1
        vector = np.random.default_rng(self.calls).normal(size=6).astype(np.float32)
        return SimpleNamespace(
            success=True, message="", embedding=vector, encoder_id=self.encoders[key]
        )

    def worker(self, _name: str) -> SimpleNamespace:
        return SimpleNamespace(submit=lambda job: job())

    def timer(self, _period_s: float, tick: Any) -> None:
        self.tick = tick

    def diagnose(self, **values: object) -> None:
        self.shown.update(values)


def fill(memory: Memory, experience, count: int) -> None:
    image = picture(np.full((8, 8, 3), 90, np.uint8))
    for index in range(count):
        memory.remember(experience(index), image)
    memory.remember(experience(count, modality="audio", text="a dog")).result()


def test_it_makes_what_is_missing_few_at_a_time(tmp_path, experience) -> None:
    node = StandIn()
    with Memory.open(tmp_path) as memory:
        fill(memory, experience, 10)
        background = Reembedder(node, lambda: memory, 1.0)
        node.tick()
        assert node.shown == {}, "nothing is known of the present encoders yet"
        background.note("vision", "vision-2")
        background.note("language", "words-2")
        background.note("proprioception", "body-1")
        node.tick()
        assert node.shown["vectors_to_make"] == 11
        for _ in range(5):
            node.tick()
        assert (node.shown["vectors_made"], node.shown["vectors_to_make"]) == (11, 0)
        calls = node.calls
        node.tick()
        assert node.calls == calls == 11, "what is done is not looked for again"
        vector = np.ones(6, np.float32)
        found = memory.recall(Query(example=vector, example_encoder_id="vision-2", limit=100))
        assert len(found) == 10
        memory.verify()


def test_an_encoder_that_is_away_or_has_changed_is_waited_for(tmp_path, experience) -> None:
    node = StandIn()
    with Memory.open(tmp_path) as memory:
        fill(memory, experience, 5)
        background = Reembedder(node, lambda: memory, 1.0)
        background.note("vision", "vision-2")
        away = node.encoders.pop("vision/embed")
        node.tick()
        assert "vision/embed: no node serves it" in node.shown["reembedding_waits_for"]
        node.encoders["vision/embed"] = "vision-3"
        node.tick()
        assert "it has become vision-3" in node.shown["reembedding_waits_for"]
        node.encoders["vision/embed"] = away
        for _ in range(4):
            node.tick()
        assert node.shown["vectors_made"] == 5
        background.note("vision", "vision-3")
        node.encoders["vision/embed"] = "vision-3"
        for _ in range(4):
            node.tick()
        found = memory.recall(
            Query(example=np.ones(6, np.float32), example_encoder_id="vision-3", limit=100)
        )
        assert len(found) == 5


def test_killed_at_any_batch_it_goes_on_and_makes_each_once(tmp_path, experience) -> None:
    rng = np.random.default_rng(0)
    total, made = 2 * BATCH + 5, 0
    with Memory.open(tmp_path) as memory:
        for index in range(total):
            memory.remember(experience(index), Payload(str(index).encode(), "image/webp"))
    embedder = Embedder("vision", "vision-2", lambda _data: rng.normal(size=6))
    while made < total:
        with Memory.open(tmp_path) as memory:  # the work knows nothing of the last one's
            work = memory.reembed([embedder])
            assert work.missing() == total - made
            work.step()
            made += work.done.made
            memory.verify()
    with Memory.open(tmp_path) as memory:
        assert memory.reembed([embedder]).step() == 0


def test_two_modalities_of_one_encoder_both_get_theirs(tmp_path, experience) -> None:
    rng = np.random.default_rng(0)
    with Memory.open(tmp_path) as memory:
        for index, name in enumerate(("rear", "vision", "rear", "vision")):
            memory.remember(experience(index, modality=name), Payload(b"x", "image/webp")).result()
        embedders = [Embedder(n, "v-2", lambda _: rng.normal(size=6)) for n in ("vision", "rear")]
        work = memory.reembed(embedders)
        while work.step():
            pass
        assert work.done.made == 4


def test_forgotten_meanwhile_and_lost_payloads_get_none(tmp_path, experience) -> None:
    with Memory.open(tmp_path) as memory:
        kept = [
            memory.remember(experience(i), Payload(str(i).encode(), "image/webp")).result()
            for i in range(3)
        ]

        def embed(data: bytes) -> np.ndarray:
            if data == b"0":
                memory.forget([kept[1].id], "asked to").result()
            return np.ones(4, np.float32)

        memory.payload_files.path(kept[2].payload_sha256, "image/webp").unlink()
        work = memory.reembed([Embedder("vision", "vision-2", embed)])
        assert work.step() == 3
        assert (work.done.made, work.done.failed) == (1, 2)
        assert work.step() == 0
        found = memory.recall(Query(example=np.ones(4, np.float32), example_encoder_id="vision-2"))
        assert [answer.experience.id for answer in found] == [kept[0].id]


@pytest.mark.parametrize(("period_s", "measured"), [(0.0, True), (1.0, False)])
def test_it_can_be_switched_off_and_is_off_in_lock_step(period_s: float, measured: bool) -> None:
    node = StandIn()
    node.time_is_measured = measured
    Reembedder(node, lambda: pytest.fail("opened"), period_s)
    assert not hasattr(node, "tick")
