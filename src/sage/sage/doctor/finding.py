"""One line of the doctor's report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Finding:
    """What was looked at, what was found, and how to fix it.

    Attributes:
        name: what was looked at.
        level: ok, warn (the profile runs with less), or error (the profile cannot run).
        text: what was found.
        fix: what to do; empty if nothing has to be done.
    """

    name: str
    level: str
    text: str
    fix: str = ""


def needed(name: str, is_met: bool, text: str, fix: str, otherwise: str = "warn") -> Finding:
    """What is met, or `otherwise` and how to fix it."""
    return Finding(name, "ok", text) if is_met else Finding(name, otherwise, text, fix)
