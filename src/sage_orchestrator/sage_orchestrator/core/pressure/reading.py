"""What is known of memory at one moment."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sage_common.core.errors import InvalidInput

UNKNOWN = -1.0


@dataclass(frozen=True)
class Stalls:
    """One file of pressure stall information (PSI), Linux `Documentation/accounting/psi.rst`.

    Attributes:
        some_avg10, full_avg10: share of the last 10 s in which some task, or all, stalled [%].
        some_us, full_us: time stalled since the start [us].
    """

    some_avg10: float
    full_avg10: float
    some_us: int
    full_us: int


@dataclass(frozen=True)
class PressureReading:
    """What decides on the level.

    Attributes:
        some, full: share of the last 2 s or more in which some task, or all, stalled on memory [%];
            -1 if the kernel does not say.
        some_avg10, full_avg10: the same of the last 10 s, as the kernel averages it [%]; -1.
        limit_hits: how often the cgroup was held up at its limit since the reading before.
        used: share of the limit, or of all memory, that cannot be reclaimed [%]; -1 if something
            better is known.
        used_soon: what that will be in 1 s, if it goes on to grow as it does [%]; -1.
        available_mb: memory that can still be taken [MB]; -1 if unknown.
        method: what it was read from, in words.
        faults: what could not be read, and why.
        ignored: what was said to be watched and cannot be, why, and what counts instead; or empty.
    """

    some: float = UNKNOWN
    full: float = UNKNOWN
    some_avg10: float = UNKNOWN
    full_avg10: float = UNKNOWN
    limit_hits: int = 0
    used: float = UNKNOWN
    used_soon: float = UNKNOWN
    available_mb: float = UNKNOWN
    method: str = "nothing is read"
    faults: tuple[str, ...] = ()
    ignored: str = ""


def parse_stalls(name: str, text: str) -> Stalls:
    """Read `some avg10=0.00 avg60=0.00 avg300=0.00 total=0` and the same of `full`.

    Args:
        name: of the file, for errors.
        text: its content.

    Raises:
        InvalidInput: a line or a field is missing, is no number, or is out of range.
    """
    lines = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.split()}
    values = {}
    for kind in ("some", "full"):
        fields = dict(item.partition("=")[::2] for item in lines.get(kind, ()))
        for field, most in (("avg10", 100.0), ("total", 2.0**64)):
            value = _number(fields.get(field, ""))
            if not 0.0 <= value <= most:
                shown = fields.get(field, "nothing")
                raise InvalidInput(f"{name}: {kind} {field}", shown, f"0 to {most:g}")
            values[f"{kind} {field}"] = value
    return Stalls(
        values["some avg10"],
        values["full avg10"],
        int(values["some total"]),
        int(values["full total"]),
    )


def stalled_share(before_us: int, now_us: int, elapsed_ns: int) -> float:
    """Share of a time that was stalled [%], in [0, 100]; 0 where the counter began anew."""
    if elapsed_ns <= 0:
        return 0.0
    return min(max(now_us - before_us, 0) * 1e5 / elapsed_ns, 100.0)


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan
