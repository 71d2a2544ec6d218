"""What rosbag2 wants to know about a bag: QoS of each topic, counts and times.

The form is that of rosbag2's storage format 9 (ROS 2 Jazzy), file `metadata.yaml`.
"""

from __future__ import annotations

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import yaml
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy

from sage_common.ros.qos import OFFERED, qos_profile

FORMAT_VERSION = 9
ROS_DISTRIBUTION = "jazzy"
_INFINITE = {"sec": 9223372036, "nsec": 854775807}


@dataclass(frozen=True)
class OfferedQos:
    """How the publishers of a topic offer it, so that playing it offers the same.

    Attributes:
        reliable: reliable or best effort.
        latched: transient local or volatile.
        depth: messages kept for late or slow subscribers.
    """

    reliable: bool = True
    latched: bool = False
    depth: int = 10

    @classmethod
    def of_ros(cls, profile: QoSProfile) -> OfferedQos:
        """What a profile of rclpy offers."""
        return cls(
            profile.reliability == ReliabilityPolicy.RELIABLE,
            profile.durability == DurabilityPolicy.TRANSIENT_LOCAL,
            profile.depth,
        )

    def as_ros(self) -> QoSProfile:
        """The profile for rclpy."""
        return qos_profile(
            self.depth,
            ReliabilityPolicy.RELIABLE if self.reliable else ReliabilityPolicy.BEST_EFFORT,
            DurabilityPolicy.TRANSIENT_LOCAL if self.latched else DurabilityPolicy.VOLATILE,
        )

    def as_mapping(self) -> dict[str, Any]:
        """The profile as rosbag2 writes it."""
        return {
            "history": "keep_last",
            "depth": self.depth,
            "reliability": "reliable" if self.reliable else "best_effort",
            "durability": "transient_local" if self.latched else "volatile",
            "deadline": _INFINITE,
            "lifespan": _INFINITE,
            "liveliness": "automatic",
            "liveliness_lease_duration": _INFINITE,
            "avoid_ros_namespace_conventions": False,
        }

    def as_yaml(self) -> str:
        """The profile as a YAML list of one, as it stands in an MCAP channel."""
        return to_yaml([self.as_mapping()]).strip()


QOS_BY_PROFILE = {name: OfferedQos.of_ros(profile) for name, profile in OFFERED.items()}
"""What SAGE's publishers offer, by name of the profile."""


@functools.cache
def parse_qos(text: str) -> OfferedQos | None:
    """The first profile of a channel's `offered_qos_profiles`; None if there is none.

    Older bags hold numbers instead of words: 1 is reliable and transient local.
    """
    try:
        profiles = yaml.safe_load(text) if text else None
    except (yaml.YAMLError, RecursionError):
        return None
    if not isinstance(profiles, list) or not profiles or not isinstance(profiles[0], dict):
        return None
    first = profiles[0]
    return OfferedQos(
        reliable=first.get("reliability") in ("reliable", 1),
        latched=first.get("durability") in ("transient_local", 1),
        depth=max(int(first.get("depth") or 1), 1),
    )


@dataclass
class TopicRecord:
    """One topic of a bag as it goes into metadata.yaml."""

    name: str
    type_name: str
    type_hash: str
    qos: OfferedQos
    count: int = 0

    def as_mapping(self) -> dict[str, Any]:
        return {
            "message_count": self.count,
            "topic_metadata": {
                "name": self.name,
                "type": self.type_name,
                "serialization_format": "cdr",
                "offered_qos_profiles": [self.qos.as_mapping()],
                "type_description_hash": self.type_hash,
            },
        }


def bag_metadata(
    file_name: str, topics: Sequence[TopicRecord], start_ns: int, end_ns: int
) -> Mapping[str, Any]:
    """The content of metadata.yaml for a bag of one MCAP file."""
    count = sum(topic.count for topic in topics)
    starting_time = {"nanoseconds_since_epoch": start_ns}
    duration = {"nanoseconds": end_ns - start_ns}
    return {
        "rosbag2_bagfile_information": {
            "version": FORMAT_VERSION,
            "storage_identifier": "mcap",
            "duration": duration,
            "starting_time": starting_time,
            "message_count": count,
            "topics_with_message_count": [topic.as_mapping() for topic in topics],
            "compression_format": "",
            "compression_mode": "",
            "relative_file_paths": [file_name],
            "files": [
                {
                    "path": file_name,
                    "starting_time": starting_time,
                    "duration": duration,
                    "message_count": count,
                }
            ],
            "custom_data": None,
            "ros_distro": ROS_DISTRIBUTION,
        }
    }


def to_yaml(content: Any) -> str:
    """YAML with keys in the given order and without references."""

    class _Dumper(yaml.SafeDumper):
        def ignore_aliases(self, data: Any) -> bool:
            return True

    return yaml.dump(content, Dumper=_Dumper, sort_keys=False, default_flow_style=False)
