"""Message, service and action classes by their interface name."""

from __future__ import annotations

import functools
import importlib
from typing import Any

import numpy.random  # noqa: F401 - as type supports, loaded by every node at its start
from rclpy.type_support import check_for_type_support

from sage_common.core.topics import ACTIONS, SERVICES, TOPICS

OF_EVERY_NODE = (
    "diagnostic_msgs/msg/DiagnosticArray",
    "lifecycle_msgs/srv/ChangeState",
    "rcl_interfaces/srv/GetParameters",
    "rosgraph_msgs/msg/Clock",
    "type_description_interfaces/srv/GetTypeDescription",
)
"""An interface of each package whose type supports a node loads for itself."""


@functools.cache
def interface(name: str) -> Any:
    """The Python class of `package/msg|srv|action/Type`.

    Raises:
        ValueError: the name has another form.
        ModuleNotFoundError: the package is not installed or not on the path.
        AttributeError: the package has no such type.
    """
    parts = name.split("/")
    if len(parts) != 3 or parts[1] not in ("msg", "srv", "action"):
        raise ValueError(f"interface = {name!r}: expected package/msg|srv|action/Type")
    package, kind, type_name = parts
    return getattr(importlib.import_module(f"{package}.{kind}"), type_name)


def load_type_supports() -> None:
    """Load the type supports of all that nodes send and take, which they share when forked."""
    registered = (*TOPICS.values(), *SERVICES.values(), *ACTIONS.values())
    for name in dict.fromkeys([*OF_EVERY_NODE, *(spec.type for spec in registered)]):
        check_for_type_support(interface(name))
