"""The faults that are tried, what each is, and for which nodes it has no meaning."""

from __future__ import annotations

from dataclasses import dataclass

KILL, STOP = "kill -9", "SIGSTOP"
SLOW, FULL = "slow disk", "full disk"
AHEAD, BEHIND = "clock +1 h", "clock -1 h"
UNPLUGGED, NAN, SEGMENT = "unplugged", "NaN flood", "segment lost"
NOTHING = "nothing"
"""The control: what is watched as long, and must pass."""
HOUR_S = 3600
SLOW_CALL_US = 500_000


@dataclass(frozen=True)
class Fault:
    """One column of the matrix.

    Attributes:
        name: as it is printed.
        seen_s: within which the supervisor ends the process, or knows that it ended; 0: it does not
            end.
        active_s: within which it is active again.
        named: regular expression that diagnostics of the node, or of its supervisor, must match.
        told: what is done, in words.
    """

    name: str
    seen_s: float
    active_s: float
    named: str
    told: str


FAULTS = {
    fault.name: fault
    for fault in (
        Fault(KILL, 1.0, 3.0, "SIGKILL", "SIGKILL to the process"),
        Fault(STOP, 1.0, 4.0, "stopped by a signal", "SIGSTOP to the process"),
        Fault(
            SLOW, 0.0, 0.0, "disk|slow|state not saved",
            f"each write and sync of the process below the home folder takes "
            f"{SLOW_CALL_US / 1e6:g} s longer",
        ),
        Fault(
            FULL, 0.0, 0.0, "No space left|disk is full",
            "each write of the process below the home folder fails with ENOSPC",
        ),
        Fault(AHEAD, 0.0, 0.0, "ahead|s old|wrong input", "its clock is an hour ahead"),
        Fault(BEHIND, 0.0, 0.0, "ahead|s old|wrong input", "its clock is an hour behind"),
        Fault(UNPLUGGED, 0.0, 0.0, "no such device", "its sensor is gone"),
        Fault(
            NAN, 0.0, 0.0, "wrong input|not finite|NaN|nan",
            "50 messages a second on each of its inputs, of NaN wherever a number can be it; of a "
            "sensor, samples of NaN",
        ),
        Fault(
            SEGMENT, 5.0, 10.0, "shared memory",
            "the segments of Fast DDS that the process has made are removed",
        ),
    )
}  # fmt: skip
SENSORS = ("camera", "microphone", "imu")
STATELESS = ("text", "speaker", "gateway", "attention", *SENSORS)
"""Kinds of nodes that write nothing below the home folder while they run; encoders neither."""

SILENT = ("governor",)
"""It listens to nobody, and speaks when something changes: nobody can tell its clock."""


def meaningless(fault: str, kind: str) -> str:
    """Why a fault has no meaning for a kind of node, in words; empty: it has one."""
    if fault == UNPLUGGED and kind not in SENSORS:
        return "it has no device"
    if fault in (SLOW, FULL) and (kind in STATELESS or kind.endswith("_encoder")):
        return "it writes nothing while it runs"
    if fault == NAN and kind in ("camera", "text", "speaker"):
        return "neither its sensor nor its inputs carry a number that can be NaN"
    if fault == NAN and kind in SILENT:
        return "it listens to nobody"
    return ""
