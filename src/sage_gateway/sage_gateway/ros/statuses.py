"""What the nodes report in /diagnostics, read where it says something new or is asked for."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.serialization import deserialize_message

from sage_common.core.diagnosis.node_status import OK, NodeStatus, read_status
from sage_common.ros.conversions.status_heads import StatusHead, status_head
from sage_common.ros.diagnostics import HARDWARE_ID


class NodeStatuses:
    """The newest of each node of a namespace; from any thread.

    Args:
        namespace: of the graph.
        heard: given what each report says of its node, also where that was said before.
        read: given each status that is read.
    """

    def __init__(
        self,
        namespace: str,
        heard: Callable[[NodeStatus], None],
        read: Callable[[Any], None],
    ) -> None:
        self._namespace, self._heard, self._read = namespace, heard, read
        self._known: dict[str, tuple[StatusHead, NodeStatus]] = {}
        self._newest: dict[str, Any] = {}
        self._unread: dict[str, bytes] = {}
        self._lock = threading.RLock()

    def hear(self, message: Any) -> None:
        """A DiagnosticArray, serialized or not."""
        with self._lock:
            head = status_head(message) if isinstance(message, bytes) else None
            if head is None:
                self._take(message)
            elif self._is_ours(head.hardware_id, head.name):
                known = self._known.get(head.name)
                self._unread[head.name] = message
                if known is None or known[0] != head or known[1].level != OK:
                    self._read_unread(head.name, head)
                self._heard(self._known[head.name][1])

    def read(self) -> list[Any]:
        """The newest diagnostic_msgs/DiagnosticStatus of each node."""
        with self._lock:
            for name in tuple(self._unread):
                self._read_unread(name, self._known[name][0])
            return list(self._newest.values())

    def _take(self, message: Any) -> None:
        array = deserialize_message(message, DiagnosticArray) if _is_raw(message) else message
        for status in array.status:
            if self._is_ours(status.hardware_id, status.name):
                self._unread.pop(status.name, None)
                self._known.pop(status.name, None)
                self._newest[status.name] = status
                self._read(status)
                self._heard(read_status(status))

    def _read_unread(self, name: str, head: StatusHead) -> None:
        (status,) = deserialize_message(self._unread.pop(name), DiagnosticArray).status
        self._known[name] = head, read_status(status)
        self._newest[name] = status
        self._read(status)

    def _is_ours(self, hardware_id: str, name: str) -> bool:
        return hardware_id == HARDWARE_ID and name.startswith(self._namespace)


def _is_raw(message: Any) -> bool:
    return isinstance(message, bytes)
