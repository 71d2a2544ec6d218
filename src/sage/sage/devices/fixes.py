"""What to do about a device that gives nothing."""

from __future__ import annotations

from collections.abc import Mapping

USUAL: Mapping[str, str] = {
    "group video": "sudo usermod -aG video $USER, then log in again; in a container: --device",
    "group audio": "sudo usermod -aG audio $USER, then log in again; in a container: --device",
    "in use": "end what uses it, or have that publish it and name its topic (backend topic)",
    "raw sensor data": "start the ROS node of its image processor, and name its topic",
    "not installed": "install what is named",
    "libportaudio2": "sudo apt-get install -y libportaudio2",
    "gives nothing within": "plug it into a port of its own; dmesg says what its driver met",
    "crashed": "update its driver or library; dmesg says more",
    "not answer": "plug it out and in again; if that does not help, restart the machine",
}
"""By what stands in the message."""
OTHERWISE = "dmesg says what its driver met"


def fix_of(message: str) -> str:
    """The fix for a device of which a message says why it gives nothing."""
    return next((fix for part, fix in USUAL.items() if part in message), OTHERWISE)
