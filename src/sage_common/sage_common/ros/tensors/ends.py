"""The tensors that a node gives and takes."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from sage_common.core.topics import filled_topic, topic_name
from sage_common.core.transport import IMAGE
from sage_common.ros.diagnostics import Diagnostics
from sage_common.ros.gate import Gate
from sage_common.ros.host import Host
from sage_common.ros.latest import LatestMessages
from sage_common.ros.on_demand import OnDemand
from sage_common.ros.pressure import Cost
from sage_common.ros.tensors.input import LOOK_PERIOD_S, TensorInput
from sage_common.ros.tensors.latest_pictures import LatestPictures, Still
from sage_common.ros.tensors.output import TensorOutput
from sage_common.ros.tensors.picture import Picture
from sage_common.ros.tensors.reader import TensorReader

if TYPE_CHECKING:
    from sage_common.ros.connections import Connections


class TensorEnds:
    """Makes and ends them; see the factories of `SageNode`.

    On a host without mailboxes, pictures are messages, and nothing else is set up.
    """

    def __init__(self, node: Connections, host: Host, diagnostics: Diagnostics) -> None:
        self._node, self._host, self._diagnostics = node, host, diagnostics
        self._closers: list[Callable[[], None]] = []

    def clear(self) -> None:
        """Forget all; the node is configured anew."""
        self._closers.clear()

    def close(self) -> None:
        """The node became inactive: hold no memory of others, and have none of its own."""
        for close in self._closers:
            close()

    def publisher(self, topic_key: str, **names: str) -> TensorOutput:
        node, mailbox = self._node, self._mailbox_name(topic_key, names)
        publisher = node.publisher(topic_key, **names) if mailbox else None
        output = TensorOutput(publisher, mailbox, lambda: node.active, node.log)
        if publisher is not None:
            name = f"slots of {publisher.topic}"
            node.reclaimable(
                name, Cost.REFILL, output.held_bytes, output.relieve, output.kept_bytes
            )
        self._closers.append(output.close)
        self._diagnostics.sources.append(output.facts)
        return output

    def subscribe(
        self,
        tensor_key: str,
        image_key: str,
        callback: Callable[[Picture], None],
        transport: str,
        **names: str,
    ) -> None:
        node = self._node
        if transport == IMAGE or not self._mailbox_name(tensor_key, names):
            node.connect(
                node.make_gate(
                    filled_topic(image_key, **names),
                    lambda message: callback(Picture.of_message(message)),
                )
            )
            if transport == IMAGE:
                node.diagnose(transport="image (asked for)")
            return
        taken = TensorInput(callback, node.log, node.stopwatch_ns)
        images = node.make_gate(filled_topic(image_key, **names), taken.on_image)
        self._link(taken, tensor_key, lambda: node.connect(images), images, names)

    def keep_latest(
        self, tensor_key: str, image_key: str, depth: int, **names: str
    ) -> LatestPictures:
        node = self._node
        messages, subscribe = node.kept_messages(image_key, depth, **names)
        pictures = LatestPictures(messages, depth)
        name = f"pictures of {filled_topic(image_key, **names).name}"
        node.reclaimable(
            name, Cost.REFILL, pictures.held_bytes, pictures.relieve, pictures.kept_bytes
        )
        if self._mailbox_name(tensor_key, names):
            taken = TensorInput(pictures.keep, node.log, node.stopwatch_ns)
            self._link(taken, tensor_key, subscribe, messages, names)
            self._closers.append(pictures.clear)
        else:
            subscribe()
        return pictures

    def newest_on_demand(self, tensor_key: str, image_key: str, **names: str) -> OnDemand[Still]:
        node = self._node
        messages, subscribe = node.kept_messages(image_key, 1, **names)
        pictures = LatestPictures(messages, 1)
        if not self._mailbox_name(tensor_key, names):
            return OnDemand(pictures.newest, messages.clear, subscribe, messages.health, node.guard)
        taken = TensorInput(pictures.keep, node.log, node.stopwatch_ns)
        handles = self._join(taken, tensor_key, subscribe, messages, names)

        def clear() -> None:
            taken.close()
            pictures.clear()
            messages.clear()

        wanted = OnDemand(
            pictures.newest, clear, lambda: node.connect(handles), handles.health, node.guard
        )
        node.timer(LOOK_PERIOD_S, lambda: taken.tick() if wanted.is_open else None, steady=True)
        self._closers.append(wanted.close)
        return wanted

    def _link(
        self,
        taken: TensorInput,
        tensor_key: str,
        subscribe_images: Callable[[], Callable[[], None]],
        images: Gate | LatestMessages,
        names: dict[str, str],
    ) -> None:
        handles = self._join(taken, tensor_key, subscribe_images, images, names)
        self._node.connect(handles)
        # Steady: images must be subscribed before a player starts /clock, or its first are lost.
        self._node.timer(LOOK_PERIOD_S, taken.tick, steady=True)
        self._closers.append(taken.close)
        self._diagnostics.sources.append(taken.facts)

    def _join(
        self,
        taken: TensorInput,
        tensor_key: str,
        subscribe_images: Callable[[], Callable[[], None]],
        images: Gate | LatestMessages,
        names: dict[str, str],
    ) -> Gate:
        """Both ways of pictures into one input; the gate of the handles, not subscribed yet."""
        handles = self._node.make_gate(filled_topic(tensor_key, **names), taken.on_handle)
        reader = TensorReader(self._mailbox_name(tensor_key, names))
        taken.connect(reader, subscribe_images, handles.health, images.health)
        return handles

    def _mailbox_name(self, tensor_key: str, names: dict[str, str]) -> str:
        return self._host.mailbox_name(self._host.resolve(topic_name(tensor_key, **names)))
