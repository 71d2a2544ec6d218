"""What connects a node with the graph: the factories of all that it sends and takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar

from sage_common.core.diagnosis.timing import Timing
from sage_common.core.errors import InvalidInput
from sage_common.core.topics import TopicSpec, action_spec, filled_topic, service_spec
from sage_common.core.transport import AUTO
from sage_common.ros.answers import answer
from sage_common.ros.host import ActionClient, Host, Publisher, ServiceClient, Timer, Worker
from sage_common.ros.inputs import Inputs
from sage_common.ros.interfaces import interface
from sage_common.ros.on_demand import OnDemand
from sage_common.ros.pressure import Cost, PressureListener, Reclaimable
from sage_common.ros.tensors.ends import TensorEnds
from sage_common.ros.tensors.latest_pictures import LatestPictures, Still
from sage_common.ros.tensors.output import TensorOutput
from sage_common.ros.tensors.picture import Picture


class Connections(Inputs):
    """The only way of a node to the graph.

    Timers, as callbacks, run only while the node is active, hold `guard`, and an error of one is
    reported and goes no further.

    Args:
        host: where the node runs; see `sage_common.ros.host`.
    """

    refusals: ClassVar[tuple[type[Exception], ...]] = (InvalidInput,)
    """Errors of the handlers of requests that are answers, and no failures of the node."""

    def __init__(self, host: Host) -> None:
        super().__init__(host)
        self.parameters: Any = None
        self._clients: dict[str, ServiceClient] = {}
        self._tensors = TensorEnds(self, host, self._diagnostics)
        self._pressure = PressureListener(self)

    def disconnect(self) -> None:
        """Forget all that the factories made; the node is configured anew."""
        self._gates.clear()
        self._latest_messages.clear()
        self._clients.clear()
        self._tensors.clear()
        self._pressure.clear()
        self._diagnostics.clear()

    def publisher(self, topic_key: str, **names: str) -> Publisher:
        """A publisher of a registered topic; `names` fill the placeholders of its name."""
        return self.publisher_of(filled_topic(topic_key, self.modality_specs, **names))

    def publisher_of(self, spec: TopicSpec) -> Publisher:
        """A publisher of a topic that is all of ROS's, such as /tf_static."""
        output = self._host.make_publisher(spec, self._host.resolve(spec.name))
        self._diagnostics.outputs[output.topic] = output
        return output

    def tensor_publisher(self, topic_key: str, **names: str) -> TensorOutput:
        """Hands over tensors through a mailbox; `topic_key` is the topic of their handles.

        On the lock-step host nobody ever wants any: there, what needs them takes messages.
        """
        return self._tensors.publisher(topic_key, **names)

    def subscribe_tensor(
        self,
        tensor_key: str,
        image_key: str,
        callback: Callable[[Picture], None],
        transport: str = AUTO,
        **names: str,
    ) -> None:
        """Subscribe the pictures of a camera, without copies where it is on this machine.

        `callback` gives each picture back when its work is done, be that on a worker.

        Args:
            tensor_key: topic of the handles.
            image_key: topic of the images, for when there is no mailbox to look into.
            transport: auto, or image: images only.
        """
        self._tensors.subscribe(tensor_key, image_key, callback, transport, **names)

    def keep_latest_pictures(
        self, tensor_key: str, image_key: str, depth: int, **names: str
    ) -> LatestPictures:
        """Keep the newest `depth` pictures of a camera; topics as in `subscribe_tensor`."""
        return self._tensors.keep_latest(tensor_key, image_key, depth, **names)

    def picture_on_demand(self, tensor_key: str, image_key: str, **names: str) -> OnDemand[Still]:
        """The newest picture of a camera, which is subscribed only while somebody wants it."""
        return self._tensors.newest_on_demand(tensor_key, image_key, **names)

    def mailbox_name(self, name: str) -> str:
        """What a mailbox of the graph is called, `name` being relative to its namespace as a
        topic's is; empty: this host has no mailboxes."""
        return self._host.mailbox_name(self._host.resolve(name))

    def timer(self, period_s: float, callback: Callable[[], None], steady: bool = False) -> Timer:
        """Call `callback` every `period_s` while active; `steady`: also while no /clock comes."""

        def run() -> None:
            if self.active:  # a transition may have come in between
                callback()

        def tick() -> None:
            if self.active:
                self.guarded(run)

        return self._host.make_timer(period_s, tick, steady)

    def service(self, key: str, handler: Callable[[Any, Any], Any]) -> None:
        """Serve a registered service; `handler(request, response) -> response` runs on a worker.

        A request that comes while the node is inactive, that is refused with one of `refusals`,
        or that fails is answered too: `success` is false and `message` says why.
        """
        spec = service_spec(key)
        empty = interface(spec.type).Response
        self._host.make_service(
            spec, self._host.resolve(key), lambda *call: answer(self, empty, handler, *call)
        )

    def client(self, key: str) -> ServiceClient:
        """A client of a registered service; call it from a worker only."""
        return self._host.make_client(service_spec(key), self._host.resolve(key))

    def clients(self, key: str) -> dict[str, ServiceClient]:
        """A client of each node that serves the registered private service `~/...` now, by name.

        From a worker only, as their calls.
        """
        spec, ending = service_spec(key), key.removeprefix("~")
        for name in self._host.find_services(ending):
            if name not in self._clients:
                self._clients[name] = self._host.make_client(spec, name)
        found = sorted(name for name in self._clients if name.endswith(ending))
        return {name.removesuffix(ending): self._clients[name] for name in found}

    def action(self, key: str, execute: Callable[..., Any], at_once: int = 1) -> None:
        """Serve a registered action; so many goals are executed at the same time.

        `execute(goal, publish_feedback, cancel_requested) -> result` runs on a worker;
        `publish_feedback(feedback)` sends progress, `cancel_requested()` says whether to stop.
        Goals that cannot be met are answered as in `service`.
        """
        spec = action_spec(key)
        empty = interface(spec.type).Result

        def run(goal: Any, publish_feedback: Any, cancel_requested: Callable[[], bool]) -> Any:
            def must_stop() -> bool:
                return cancel_requested() or not self.active

            return answer(self, empty, execute, goal, publish_feedback, must_stop)

        self._host.make_action(spec, self._host.resolve(key), run, at_once)

    def action_client(self, key: str) -> ActionClient:
        """A client of a registered action; run it from a thread of your own only."""
        return self._host.make_action_client(action_spec(key), self._host.resolve(key))

    def worker(self, name: str, queue_size: int = 1) -> Worker:
        """A thread with a short queue; when it is full the oldest waiting job makes room."""
        worker = self._host.make_worker(name, queue_size, self.report_failure)
        self._diagnostics.workers[name] = worker
        return worker

    def reclaimable(
        self,
        name: str,
        cost: Cost,
        held_bytes: Callable[[], int],
        relieve: Callable[[int], None],
        kept_bytes: Callable[[], int] = int,
    ) -> None:
        """Register what this node could give back when memory is tight; see `Reclaimable`."""
        self._pressure.add(Reclaimable(name, cost, held_bytes, relieve, kept_bytes))

    def timing(self, stage: str) -> Timing:
        """What measures a stage, by its name as `core.diagnosis.stages` has it.

        It is shown in /diagnostics; not on the lock-step host, where time is not measured.
        """
        timing = Timing(self.stopwatch_ns)
        if self.time_is_measured:
            timing = self._diagnostics.timings.setdefault(stage, timing)
        return timing

    def age_ns(self, stamp_ns: int) -> int:
        """Time since a stamp, by the node's clock [ns]."""
        return self.clock.now_ns() - stamp_ns
