"""Messages in which every number that can be none is NaN."""

from __future__ import annotations

import math
import re
import time
from collections.abc import Mapping
from typing import Any

import numpy as np
from audio_common_msgs.msg import AudioDataStamped

from sage_common.core.topics import TOPICS, TopicSpec
from sage_common.ros.conversions.stamps import to_stamp
from sage_common.ros.interfaces import interface

FLOATS = ("float", "double")
NUMBERS_OF_LIST = 4
SOUND_SAMPLES = 1600
_BESIDE = {"valid": True, "text": "words"}
"""Without these a message says itself that it is none."""
_PLACEHOLDER = re.compile(r"\\\{(\w+)\\\}")


def registered(name: str) -> tuple[TopicSpec, dict[str, str]] | None:
    """The topic of the registry that a name in the graph's namespace stands for, with what fills
    its placeholders; None if there is none."""
    for spec in TOPICS.values():
        pattern = _PLACEHOLDER.sub(r"(?P<\1>[^/]+)", re.escape(spec.name))
        if match := re.fullmatch(pattern, name):
            return spec, match.groupdict()
    return None


def poisoned(type_name: str, names: Mapping[str, str]) -> Any | None:
    """A message of this type with NaN wherever that is possible, stamped now; None: nowhere.

    Args:
        type_name: `package/msg/Type`.
        names: what fills the placeholders of its topic: who checks them must find nothing else.
    """
    message = interface(type_name)()
    if isinstance(message, AudioDataStamped):
        message.audio.data = np.full(SOUND_SAMPLES, np.nan, np.float32).tobytes()
    elif not _poison(message):
        return None
    if hasattr(message, "header"):
        message.header.stamp = to_stamp(time.time_ns())
    for name, value in {**_BESIDE, "modality": names.get("modality", "")}.items():
        if hasattr(message, name):
            setattr(message, name, value)
    return message


def _poison(message: Any) -> bool:
    """Whether there was a number to replace."""
    found = False
    for name, kind in message.get_fields_and_field_types().items():
        if kind in FLOATS:
            setattr(message, name, math.nan)
            found = True
        elif kind.startswith("sequence<") and kind[9:].rstrip(">").split(",")[0] in FLOATS:
            setattr(message, name, [math.nan] * NUMBERS_OF_LIST)
            found = True
        elif hasattr(getattr(message, name), "get_fields_and_field_types"):
            found |= _poison(getattr(message, name))
        elif kind.partition("[")[0] in FLOATS:
            setattr(message, name, [math.nan] * len(getattr(message, name)))
            found = True
    return found
