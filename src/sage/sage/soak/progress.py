"""A line on how a soak goes."""

from __future__ import annotations

from sage.soak.samples_file import Look

_UNITS = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"))


def time_in_words(time_s: float) -> str:
    """A time such as "45 s", "12 min" or "2 h"."""
    for unit_s, unit in _UNITS:
        if time_s >= unit_s:
            return f"{time_s / unit_s:.3g} {unit}"
    return f"{time_s:.0f} s"


def progress_line(before: Look | None, now: Look, duration_s: float | None) -> str:
    """How all processes together are now, and what they have done since `before`.

    Args:
        before: an earlier look; None: the soak begins.
        now: the newest look.
        duration_s: how long the soak is to last [s]; None: until a signal.
    """
    of = "" if duration_s is None else f" of {time_in_words(duration_s)}"
    anonymous_mb = sum(item.sample.anonymous_mb for item in now.processes)
    words = [
        f"{time_in_words(now.time_s)}{of}: {len(now.processes)} processes",
        f"anonymous memory {anonymous_mb:.1f} MB",
    ]
    if before is not None and (seconds := now.time_s - before.time_s) > 0.0:
        (cpu_s, messages), (cpu_before_s, messages_before) = _done(now), _done(before)
        words.append(f"{100.0 * (cpu_s - cpu_before_s) / seconds:.0f} % of a core")
        words.append(f"{(messages - messages_before) / seconds:.0f} messages/s")
    words.append(f"dropped {sum(now.dropped.values())}")
    return ", ".join(words)


def _done(look: Look) -> tuple[float, int]:
    """Processor time taken [s] and messages published, so far."""
    cpu_s = sum(item.sample.cpu_s for item in look.processes)
    return cpu_s, sum(item.messages for item in look.processes)
