"""What streams carry, from what the graph publishes.

Messages that come often are kept as they are, and converted when a viewer is to get them: five
times a second at most. Fused salience, which is most of the work, is subscribed only while somebody
looks: the history lives on the most salient moment of each second, which fusion sends besides.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Any

from sage_common.core.clock import NS_PER_S
from sage_common.core.diagnosis.cycle_profile import CycleProfile, cycle_profile
from sage_common.core.diagnosis.node_status import NodeStatus
from sage_common.core.diagnosis.stages import read_timings
from sage_common.core.specs.modality import STREAMS
from sage_common.core.words.mixed import MIXED, NOTHING
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.diagnostics import DIAGNOSTICS
from sage_common.ros.node import SageNode
from sage_common.ros.tensors.latest_pictures import Still
from sage_gateway.backends.jpeg import Jpeg, as_jpeg
from sage_gateway.core.alerts import AlertTracker
from sage_gateway.core.contract.endpoints import CAMERA, CAMERA_URL, CONTRACT, PUZZLES
from sage_gateway.core.contract.events import (
    Alerts,
    CameraNow,
    Hello,
    KeptExperience,
    Puzzles,
    Sources,
)
from sage_gateway.core.ended import EndedProcesses
from sage_gateway.core.history import PERIOD_S, Condition, History
from sage_gateway.core.learning import LearningHistory
from sage_gateway.params import GatewayParameters
from sage_gateway.ros import conversions
from sage_gateway.ros.demand import SharedInput
from sage_gateway.ros.statuses import NodeStatuses
from sage_msgs.msg import PluginBudget

VERSION = "0.1.0"
MOST_EXPERIENCES = 50
LATE_PEAK_S = 1.5 * PERIOD_S
"""Without a peak for so long, seconds end by the gateway's own timer."""
VIEWERS = "viewers"
_BACKEND = " backend"
_CONVERTERS: dict[str, Callable[[Any], object]] = {
    "state": conversions.state_now,
    "pressure": conversions.pressure_now,
}


class GraphFeed:
    """Subscribes what the page shows, and keeps the newest of it.

    Args:
        node: whose inputs they are; it is being configured.
        namespace: of the graph.
        tell: given the name and the data of what happens.
    """

    def __init__(self, node: SageNode, namespace: str, tell: Callable[[str, object], None]) -> None:
        self._node, self._namespace, self._tell = node, namespace, tell
        p: GatewayParameters = node.parameters
        self._parameters = p
        self.history = History()
        self.learning = LearningHistory()
        self.experiences: deque[KeptExperience] = deque(maxlen=MOST_EXPERIENCES)
        self.newest_messages: dict[str, Any] = {}
        self._numbers: dict[str, int] = {}
        self._alerts = AlertTracker()
        self.alerts = Alerts(())
        self._ended = EndedProcesses(node.home)
        self._sensors: dict[str, str] = {}
        self._statuses = NodeStatuses(namespace, self._hear_status, self._show_status)
        self._peak_s = -math.inf
        self._mixed = ""
        self.jpeg: Jpeg | None = None
        self._viewers = 0
        self._subscribe()

    def _subscribe(self) -> None:
        node, p = self._node, self._parameters
        node.subscribe("salience_peak", self._on_peak)
        node.subscribe("budget_sum", self._on_budget_sum)
        node.subscribe("state", lambda message: self._keep("state", message))
        node.subscribe("pressure", lambda message: self._keep("pressure", message))
        node.subscribe("experience", self._on_experience)
        node.subscribe("refinement", self._on_refinement)
        node.subscribe("outcome", self._on_outcome)
        node.subscribe_unread(DIAGNOSTICS, self._statuses.hear)
        self._fused = SharedInput(node.newest_on_demand("fused_salience"))
        self._budget = SharedInput(node.newest_on_demand("budget"))
        self._attention = SharedInput(node.newest_on_demand("attention"))
        self._for_viewers = (self._fused, self._budget, self._attention)
        self.puzzles = {
            name: SharedInput(node.newest_on_demand("puzzle", modality=name))
            for name in p.modalities
        }
        self._cameras: list[SharedInput[Still]] = [
            SharedInput(node.picture_on_demand("camera/tensor", "camera/image_raw", name=name))
            for name in p.cameras[:1]
        ]

    def close(self) -> None:
        """Nobody watches any more."""
        for wanted in (*self._for_viewers, *self.puzzles.values(), *self._cameras):
            wanted.close()

    # -- Feed --------------------------------------------------------------------------------

    def hello(self, viewers: int) -> Hello:
        p = self._parameters
        self._statuses.read()
        return Hello(
            contract=CONTRACT,
            version=VERSION,
            namespace=self._namespace,
            time_s=self._now_s(),
            allow_actions=p.allow_actions,
            camera=p.cameras[0] if p.cameras else "",
            modalities=tuple(p.modalities),
            sensors=dict(self._sensors),
            viewers=viewers,
        )

    def watch(self, viewers: int, extras: frozenset[str]) -> None:
        self._node.diagnose(viewers=viewers)
        self._viewers = viewers
        for wanted in self._for_viewers:
            wanted.want(VIEWERS, viewers > 0)
        for puzzle in self.puzzles.values():
            puzzle.want(VIEWERS, PUZZLES in extras)
        for camera in self._cameras:
            camera.want(VIEWERS, CAMERA in extras)
        if CAMERA not in extras:
            self.jpeg = None

    def newest(self, event: str, after: int) -> tuple[int, object] | None:
        if event == "salience":
            return self._newest_salience(after)
        if event == "attention":
            return _if_newer(self._attention.newest, after, conversions.attention_now)
        if event == "budget":
            message = self._budget.newest or self.newest_messages.get("budget_sum")
            return _if_newer(message, after, conversions.budget_now)
        if event == "puzzles":
            return self._newest_puzzles(after)
        if event == "camera":
            return self._newest_picture(after)
        number = self._numbers.get(event, 0)
        if number in (0, after):
            return None
        if event == "alerts":
            return number, self.alerts
        if event == "sources":
            mixed = "" if self._mixed == NOTHING else self._mixed
            return number, Sources(dict(self._sensors), mixed)
        return number, _CONVERTERS[event](self.newest_messages[event])

    def _newest_salience(self, after: int) -> tuple[int, object] | None:
        message = self._fused.newest or self.newest_messages.get("peak")
        modalities = self._parameters.modalities
        return _if_newer(message, after, lambda m: conversions.salience_now(m, modalities))

    def _newest_puzzles(self, after: int) -> tuple[int, object] | None:
        messages = [puzzle.newest for puzzle in self.puzzles.values()]
        good = [message for message in messages if message is not None and message.valid]
        number = sum(stamp_ns(message.header.stamp) for message in good)
        if number in (0, after):
            return None
        return number, Puzzles(tuple(map(conversions.puzzle_now, good)))

    def _newest_picture(self, after: int) -> tuple[int, object] | None:
        still = self._cameras[0].newest if self._cameras else None
        if still is None or stamp_ns(still.header.stamp) == after:
            return None
        jpeg = self.jpeg = as_jpeg(still.rgb())
        stamp = conversions.seconds(still.header.stamp)
        event = CameraNow(stamp, CAMERA_URL, jpeg.width, jpeg.height)
        return stamp_ns(still.header.stamp), event

    # -- messages ----------------------------------------------------------------------------

    def second(self) -> None:
        """A second has passed by the gateway's timer."""
        if self._node.stopwatch_ns() / NS_PER_S - self._peak_s > LATE_PEAK_S:
            self._close_second({})

    def _on_peak(self, message: Any) -> None:
        """A second has passed, and this was its most salient moment."""
        self._peak_s = self._node.stopwatch_ns() / NS_PER_S
        self._keep("peak", message)
        self._close_second(self._count_peak(message) if message.valid else {})

    def _close_second(self, weights: dict[str, float]) -> None:
        state, pressure = self.newest_messages.get("state"), self.newest_messages.get("pressure")
        budget = self.newest_messages.get("budget_sum")
        known = conversions.known
        now = Condition(
            state="" if state is None else conversions.state_now(state).state,
            pressure="" if pressure is None else conversions.pressure_now(pressure).level,
            energy_reserve=None if state is None else known(state.energy_reserve),
            temperature_c=None if pressure is None else known(pressure.temperature_c),
            power_w=None if pressure is None else known(pressure.power_w),
            trust={} if budget is None else {p.name: p.trust for p in budget.plugins},
        )
        if now.trust or weights:
            self.learning.sample(self._now_s(), now.trust, weights)
        self._tell("history", self.history.close_second(self._now_s(), now))
        if self._viewers:
            self._statuses.read()
        monotonic_s = self._node.stopwatch_ns() / NS_PER_S
        alerts = self._alerts.now(monotonic_s, self._now_s(), self._ended.now())
        if alerts != self.alerts or "alerts" not in self._numbers:
            self.alerts = alerts
            self._count("alerts")

    def _count_peak(self, message: Any) -> dict[str, float]:
        """Put it into the history; the weights of its modalities."""
        by = {m.modality: float(m.total) for m in message.modalities if m.valid}
        stamp_s = conversions.seconds(message.header.stamp)
        total = round(float(message.total), conversions.DIGITS)
        self.history.salience(total, stamp_s, message.reason, message.dominant_modality, by)
        pairs = zip(message.modalities, message.weights, strict=True)
        return {item.modality: weight for item, weight in pairs if item.valid}

    def _on_budget_sum(self, message: Any) -> None:
        self._keep("budget_sum", message)
        self.history.cycle(message.budget_atp, {p.name: p.spent_atp for p in message.plugins})

    def _on_experience(self, message: Any) -> None:
        kept = conversions.kept_experience(message)
        self.experiences.appendleft(kept)
        self.history.experience()
        self._tell("experience", kept)

    def _on_refinement(self, message: Any) -> None:
        self._tell("refinement", conversions.refinement_done(message))
        if message.state == PluginBudget.DONE and not message.ordered:
            self.learning.run(self._now_s(), message.plugin, message.steps)

    def _on_outcome(self, message: Any) -> None:
        self.learning.outcome(self._now_s(), message.reward)

    def cycle_profile(self) -> CycleProfile:
        """Where the time goes, as nodes have reported by now."""
        specs = self._node.modality_specs
        streams = {name: specs[name].stream for name in self._parameters.modalities}
        by_camera = dict(sorted(streams.items(), key=lambda item: item[1] != "camera"))
        return cycle_profile(read_timings(self._statuses.read()), by_camera)

    def _hear_status(self, status: NodeStatus) -> None:
        self._alerts.hear(status, self._node.stopwatch_ns() / NS_PER_S, self._now_s())

    def _show_status(self, status: Any) -> None:
        values = {item.key: item.value for item in status.values}
        for stream in STREAMS:
            backend = values.get(stream + _BACKEND)
            if backend and backend != self._sensors.get(stream):
                self._sensors[stream] = backend
                self._count("sources")
        mixed = values.get(MIXED, self._mixed)
        if mixed != self._mixed:
            self._mixed = mixed
            self._count("sources")

    def _keep(self, name: str, message: Any) -> None:
        self.newest_messages[name] = message
        self._count(name)

    def _count(self, name: str) -> None:
        self._numbers[name] = self._numbers.get(name, 0) + 1

    def _now_s(self) -> float:
        return round(self._node.clock.now_ns() / NS_PER_S, 6)


def _if_newer(
    message: Any | None, after: int, convert: Callable[[Any], object]
) -> tuple[int, object] | None:
    """The number of a message, which is its stamp, and what is made of it."""
    number = 0 if message is None else stamp_ns(message.header.stamp)
    return None if number in (0, after) else (number, convert(message))
