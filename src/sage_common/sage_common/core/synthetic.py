"""The mark of a generated signal: from the sensor message's frame into whatever derives from it.

A generated picture, sound or motion is stamped with the frame `synthetic/FRAME`, as if it came from
a robot of that name, and its percepts name the sensor as `synthetic:NAME`; so do saliences, regions
of attention, experiences, and what a bag replays.
"""

from __future__ import annotations

SYNTHETIC = "synthetic"
"""The backend that generates a signal."""
_FRAME = SYNTHETIC + "/"
_SOURCE = SYNTHETIC + ":"


def synthetic_frame(frame_id: str) -> str:
    """The TF frame of a generated signal that stands for a sensor in `frame_id`."""
    return _FRAME + frame_id


def percept_source(sensor: str, frame_id: str) -> str:
    """The source of a percept of `sensor`, whose message came in `frame_id`."""
    return _SOURCE + sensor if frame_id.startswith(_FRAME) else sensor


def is_synthetic(source: str) -> bool:
    """Whether a percept's source is a generated signal."""
    return source.startswith(_SOURCE)


def sensor_name(source: str) -> str:
    """The sensor's name, as in its topics, of a percept's source."""
    return source.removeprefix(_SOURCE)
