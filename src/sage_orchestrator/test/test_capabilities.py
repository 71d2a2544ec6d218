"""What plugins see around: by the peripheral tier, or else by a scan of their own."""

from __future__ import annotations

import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from std_msgs.msg import Header

from sage_common.core.tiles import TileGrid, TileView
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.host import ServiceUnavailable
from sage_common.ros.tensors import mailboxes
from sage_common.ros.tensors.tile_input import TileInput
from sage_common.ros.tensors.tile_output import TileOutput
from sage_msgs.srv import Recall
from sage_orchestrator.core.plugin import NothingToDo, Query
from sage_orchestrator.nodes.camera_view import CameraView
from sage_orchestrator.nodes.clients.memory_client import MEMORY_PATIENCE_NS, MemoryClient
from sage_orchestrator.nodes.tile_channel import TileChannel

S = 1_000_000_000


@dataclass
class Still:
    """A kept picture."""

    header: Header
    level: int

    def rgb(self) -> np.ndarray:
        pixels = np.full((480, 848, 3), 90, np.uint8)
        pixels[330:450, 10:150] = self.level
        return pixels


class Pictures:
    """Two of them: one second and 1.1 seconds after the beginning; what moved is at the bottom."""

    def nearest(self, wanted_ns: int, within_ns: int) -> Still | None:
        if abs(wanted_ns - S) > within_ns:
            return None
        late = wanted_ns > 1.05 * S
        return Still(Header(stamp=to_stamp(S + late * S // 10)), 255 * late)


class Around:
    """The view of one camera."""

    def __init__(self) -> None:
        name = f"test.{os.getpid()}.{uuid.uuid4().hex}"
        self.output = TileOutput(name, self)
        tiles = TileInput(name, "front")
        self.seen = CameraView(Pictures(), tiles, TileChannel("", self), "front")

    def warning(self, text: str) -> None: ...

    def way(self) -> str:
        return str(self.seen.facts()["periphery front"])


@pytest.fixture
def around() -> Iterator[Around]:
    made = Around()
    yield made
    made.seen.close()
    made.output.close()


@pytest.mark.skipif(mailboxes.library is None, reason=mailboxes.MISSING)
def test_what_the_peripheral_tier_told_is_taken(around: Around) -> None:
    level = np.full((3, 5), 0.25, np.float32)
    around.output.open()
    around.output.publish(TileView(S, "front", TileGrid(848, 480, 3, 5), level, level, level))
    view = around.seen.periphery("front", S + 3)
    assert view is not None and view.stamp_ns == S
    np.testing.assert_array_equal(view.salience, level)
    assert around.way() == "mailbox"
    assert around.seen.facts()["tiles lost front"] == 0


def test_without_it_two_pictures_are_looked_at(around: Around) -> None:
    view = around.seen.periphery("front", S + S // 4)
    assert view is not None and view.stamp_ns == S + S // 10
    assert np.unravel_index(view.salience.argmax(), view.salience.shape) == (2, 0)
    assert view.change[2, 0] > 100.0 and view.change[0, 0] == 0.0
    assert around.way().startswith("looks itself (")


def test_without_pictures_there_is_no_view(around: Around) -> None:
    assert around.seen.periphery("front", 60 * S) is None
    assert around.seen.periphery("back", S) is None


class AbsentMemory:
    """A client of a service that nobody serves until `served`."""

    served = False

    def wait(self, timeout_s: float) -> bool:
        assert timeout_s == 0.0, "a plugin's time is charged"
        return self.served

    def call(self, request: Any, timeout_s: float) -> Any:
        if not self.served:
            raise ServiceUnavailable("memory/recall: no node serves it")
        return Recall.Response(success=True)


QUERY = Query(np.ones(1, np.float32), "model", S, "vision", 0.0, 3)


def asking(memory: AbsentMemory, clock_ns: list[int]) -> MemoryClient:
    return MemoryClient(memory, lambda: clock_ns[0])


def test_a_memory_that_may_still_be_starting_is_no_failure() -> None:
    clock_ns, memory = [7 * S], AbsentMemory()
    seen = asking(memory, clock_ns)
    for _ in range(3):
        with pytest.raises(NothingToDo, match="no memory yet"):
            seen.recall(QUERY)
        clock_ns[0] += S
    memory.served = True
    assert list(seen.recall(QUERY)) == []


def test_a_memory_that_is_started_again_is_no_failure_each_time() -> None:
    clock_ns, memory = [7 * S], AbsentMemory()
    seen = asking(memory, clock_ns)
    for _ in range(2):
        memory.served = True
        assert list(seen.recall(QUERY)) == []
        memory.served = False
        with pytest.raises(NothingToDo, match="no memory yet"):
            seen.recall(QUERY)
        clock_ns[0] += 2 * MEMORY_PATIENCE_NS


class SilentMemory(AbsentMemory):
    """Killed: its service is still known, and nobody answers; then it is not active yet."""

    served = True
    said = ""

    def call(self, request: Any, timeout_s: float) -> Any:
        if self.said:
            return Recall.Response(success=False, message=self.said)
        raise ServiceUnavailable("memory/recall: no answer")


def test_a_memory_that_does_not_answer_or_is_not_active_is_no_failure_for_a_while() -> None:
    clock_ns, memory = [7 * S], SilentMemory()
    seen = asking(memory, clock_ns)
    with pytest.raises(NothingToDo, match="no answer"):
        seen.recall(QUERY)
    memory.said = "memory is not active"
    with pytest.raises(NothingToDo, match="not active"):
        seen.recall(QUERY)
    clock_ns[0] += MEMORY_PATIENCE_NS + 1
    with pytest.raises(ServiceUnavailable, match="not active"):
        seen.recall(QUERY)
    memory.said = "no such encoder"
    with pytest.raises(RuntimeError, match="no such encoder"):
        seen.recall(QUERY)


def test_a_memory_that_stays_away_is_a_failure() -> None:
    clock_ns = [7 * S]
    seen = asking(AbsentMemory(), clock_ns)
    with pytest.raises(NothingToDo):
        seen.recall(QUERY)
    clock_ns[0] += MEMORY_PATIENCE_NS + 1
    with pytest.raises(ServiceUnavailable):
        seen.recall(QUERY)
