"""Every kind of node, driven with a recorded sequence, goes on after any cut as if there was none.

The whole graph is cut in `test_suspended_run.py`; here each node stands alone, so that one that
forgets something is found by name, even if what it forgets does not show in the graph.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from rclpy.serialization import deserialize_message, serialize_message
from rich_bag import SECONDS, RichRun
from std_msgs.msg import Header

from sage.bags.message import BagMessage
from sage.bags.reader import open_bag
from sage.graph.catalogue import CATALOGUE
from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import CannotContinue
from sage_common.core.specs.modality import usual_modalities
from sage_common.core.state import file as state_file
from sage_common.ros.container import node_class
from sage_common.ros.conversions.definitions import canonical
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.lockstep.host import DEFAULT_START_NS, LockstepHost
from sage_common.ros.lockstep.snapshot import identity_of, resume, snapshot_of
from sage_common.ros.node import SageNode
from sage_msgs.msg import Experience, Outcome
from sage_msgs.srv import Explain

CUTS_S = (0.23, 0.5, 0.77, 1.0, 1.31, 1.7013, 2.05, 2.45, 2.95, 3.33, 4.4, 5.5)
END_S = SECONDS + 2.5
"""Long enough for every sensor to be missed."""
PICTURES = "/sage/camera/front/image_raw"
SOUND = "/sage/microphone/front/audio"
NODES: dict[str, tuple[str, dict[str, Any]]] = {
    **{f"{modality}_scorer": ("scorer", {"modality": modality}) for modality in usual_modalities()},
    **{f"{modality}_encoder": (f"{modality}_encoder", {}) for modality in usual_modalities()},
    "motor_scorer": ("vector_scorer", {"modality": "motor"}),
    "still_scorer": ("vector_scorer", {"modality": "still", "frozen_after_s": 0.4}),
    "resting_encoder": ("language_encoder", {"load": "demand", "idle_unload_s": 0.8}),
    "fusion": ("fusion", {}),
    "attention": ("attention", {}),
    # In seconds nothing is known to be rare.
    "orchestrator": (
        "orchestrator",
        {"look.false_alarms_per_hour": 36_000.0, "recall.false_alarms_per_hour": 36_000.0},
    ),
    "memory": ("memory", {"false_alarms_per_hour": 36_000.0}),
    "camera": ("camera", {"backend": "topic", "topic": PICTURES, "name": "other"}),
    "microphone": ("microphone", {"backend": "topic", "topic": SOUND, "name": "other"}),
}
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def recorded(rich_run: RichRun) -> list[BagMessage]:
    """All that goes over a graph in four seconds, inputs and outputs of all nodes."""
    inputs, outputs = open_bag(rich_run.bag), open_bag(rich_run.outputs)
    known = tuple(t for t in outputs.topics if t not in inputs.topics and t != "/diagnostics")
    messages = [*inputs.messages(tuple(inputs.topics)), *outputs.messages(known)]
    messages += [judged(m) for m in messages if m.topic == "/sage/experience"]
    return sorted(messages, key=lambda m: (m.time_ns, m.topic))


def judged(message: BagMessage) -> BagMessage:
    """A judgement of an experience, given 0.7 s after it was kept."""
    later_ns = message.time_ns + 7 * NS_PER_S // 10
    outcome = Outcome(reward=0.7, header=Header(stamp=to_stamp(later_ns)))
    outcome.experience_id = deserialize_message(message.data, Experience).id
    data = serialize_message(outcome)
    return BagMessage(later_ns, "/sage/outcome", "sage_msgs/msg/Outcome", data)


class Drive:
    """One node on the lock-step host, fed with what was recorded, cut wherever one likes."""

    def __init__(self, name: str, home: Path, recorded: list[BagMessage]) -> None:
        kind, self._parameters = NODES[name]
        self._type = node_class(CATALOGUE[kind].node_class)
        self._name = name
        self._home = home
        self._waiting = list(recorded)
        self.sent: list[tuple[int, str, bytes]] = []
        self.host = LockstepHost(home=home)
        self.node = self._add()

    def _add(self) -> SageNode:
        # The home must not be named in the parameters: what is shown of them would differ.
        return self.host.add(self._type, self._name, self._parameters)

    def run_until(self, seconds: float) -> None:
        """Feed and run; a node is not fed what it publishes itself."""
        end_ns = DEFAULT_START_NS + round(seconds * NS_PER_S)
        own = self.node._diagnostics.outputs
        while self._waiting and self._waiting[0].time_ns <= end_ns:
            message = self._waiting.pop(0)
            if message.topic not in own:
                if message.time_ns - 1 > self.host.clock.now_ns():
                    self.host.run_until(message.time_ns - 1)
                self.host.publish_serialized(
                    message.time_ns, message.topic, message.type_name, message.data
                )
        self.host.run_until(end_ns)

    def cut(self) -> None:
        """Write everything down, end, and go on with a new node on a new host."""
        path = self._home / "cut.state"
        state_file.save(path, snapshot_of(self.host), identity_of(self.host))
        now_ns = self.host.clock.now_ns()
        self._collect()
        identity, arrays = state_file.load(path)
        self.host = LockstepHost(now_ns, home=self._home)
        with self.host.preparing():
            self.node = self._add()
            assert identity_of(self.host) == identity
            resume(self.host, arrays)

    def end(self) -> list[tuple[int, str, bytes]]:
        """All that the node has published, and what it says of a moment long past."""
        explained = []
        if self._name == "fusion":
            request = Explain.Request(stamp=to_stamp(DEFAULT_START_NS + NS_PER_S), tolerance_s=9.0)
            answer = self.host.call("salience/explain", request)
            assert answer.found
            data = canonical(serialize_message(answer.salience), "sage_msgs/msg/FusedSalience")
            explained = [(0, "salience/explain", data)]
        self._collect()
        self.sent += explained
        return self.sent

    def _collect(self) -> None:
        self.sent += [(item.time_ns, item.topic, item.data) for item in self.host.outputs]
        self.host.close()


@pytest.fixture
def drive(tmp_path: Path, recorded: list[BagMessage]) -> Callable[[str, str], Drive]:
    def make(name: str, run: str) -> Drive:
        return Drive(name, tmp_path / run, recorded)

    return make


@pytest.mark.parametrize("name", NODES)
def test_a_node_goes_on_after_every_cut(name: str, drive: Callable[[str, str], Drive]) -> None:
    whole = drive(name, "whole")
    whole.run_until(END_S)
    expected = whole.end()
    parts = drive(name, "parts")
    for cut_s in CUTS_S:  # between events, and where the timers of a node meet
        parts.run_until(cut_s)
        parts.cut()
    parts.run_until(END_S)
    found = parts.end()
    for one, other in zip(expected, found, strict=False):
        assert one == other
    assert len(expected) == len(found)
    spoken = {topic for _, topic, _ in expected} - {"/diagnostics"}
    assert spoken, "the node has something to say"


def test_a_player_of_media_cannot_be_left(tmp_path: Path) -> None:
    host = LockstepHost(home=tmp_path)
    host.add(node_class(CATALOGUE["camera"].node_class), parameters={"backend": "synthetic"})
    host.run_for(0.5)
    with pytest.raises(CannotContinue, match=r"camera: .*sage record"):
        snapshot_of(host)
    host.close()


def test_sound_that_is_resampled_cannot_be_left(tmp_path: Path, recorded: list[BagMessage]) -> None:
    host = LockstepHost(home=tmp_path)
    parameters = {"backend": "topic", "topic": SOUND, "name": "other"}
    node = node_class(CATALOGUE["microphone"].node_class)
    host.add(node, parameters={**parameters, "topic_sample_rate_hz": 44100})
    first = next(message for message in recorded if message.topic == SOUND)
    host.publish_serialized(first.time_ns, SOUND, first.type_name, first.data)
    host.run_for(1.0)
    with pytest.raises(CannotContinue, match="microphone: sound of 44100 Hz is being resampled"):
        snapshot_of(host)
    host.close()
