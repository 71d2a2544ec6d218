"""Inputs of sound cards as Linux (ALSA) lists them, those that PortAudio cannot open among them."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

from sage_sensors.backends.device_holders import Holder, described, named

CARDS = Path("/proc/asound")
NODES = Path("/dev/snd")


@dataclass(frozen=True)
class SoundInput:
    """One input.

    Attributes:
        name: of the device, such as "USB Audio".
        address: what PortAudio's name of it ends with: "hw:0,0".
        may_open: whether this user may.
        holders: who has it open; PortAudio lists only what it can open, so not these.
    """

    name: str
    address: str
    may_open: bool
    holders: tuple[Holder, ...]

    @property
    def fault(self) -> str:
        """Why it cannot be opened; empty if it can."""
        if not self.may_open:
            return "permission denied: who may use sound cards is in the group audio"
        return f"in use by {described(self.holders)}" if self.holders else ""


def sound_inputs() -> list[SoundInput]:
    """In the order of cards and devices; empty where there is no sound card."""
    folders = CARDS.glob("card[0-9]*/pcm[0-9]*c")
    return [_input(folder) for folder in sorted(folders, key=_numbers)]


def _input(folder: Path) -> SoundInput:
    card, device = _numbers(folder)
    node = NODES / f"pcmC{card}D{device}c"
    statuses = [status.read_text() for status in sorted(folder.glob("sub*/status"))]
    owners = re.findall(r"owner_pid\s*:\s*(\d+)", "\n".join(statuses))
    is_full = bool(statuses) and len(owners) == len(statuses)
    name = re.search(r"^name: *(.*)$", (folder / "info").read_text(), re.MULTILINE)
    return SoundInput(
        name[1] if name else folder.name,
        f"hw:{card},{device}",
        os.access(node, os.R_OK | os.W_OK),
        tuple(named(int(pid)) for pid in owners) if is_full else (),
    )


def _numbers(folder: Path) -> tuple[int, int]:
    return int(folder.parent.name[len("card") :]), int(folder.name[len("pcm") : -1])
