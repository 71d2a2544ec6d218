"""Streams of jobs, written down before any way of sharing was tried on them.

All are built of recorded runs of real plugins, with what each step really cost and what is true of
each answer. The walk chose the constants of the scheduler; kitchen and husky are reported.

PLAIN: look, recall and recognise on the same moments. All are of use and matter as much at a time.

CONTRASTING: trust, value and salience differ.
- `recognise_dark` works on a second camera, in the dark and out of focus, and is nearly always
  wrong. Its salience is that of its own percepts, by a scorer of its own, which hears of every new
  photograph there as the other does of those in front: it may be high where the plugin cannot help.
- `look_finely` has seen most of the detail after its first steps, and goes on.
- `recall` is worth something within the tick alone in which it was asked (its deadline is 100 ms).
- Of every tenth answer, drawn with a fixed seed, somebody says how it turned out: 2 x what is true
  of it - 1. Whoever shares may learn from that.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sage_bench.budget.choice.traces import JobTrace


@dataclass(frozen=True)
class Stream:
    """Whose jobs there are.

    Attributes:
        name: in the rows; empty: none is needed.
        plugins: that ask, at every tick.
        due_ticks: ticks after which an answer of a plugin is worth nothing, by plugin.
        outcomes: part of the answers of which somebody says how they turned out, [0, 1].
    """

    name: str
    plugins: tuple[str, ...]
    due_ticks: Mapping[str, int] = field(default_factory=dict)
    outcomes: float = 0.0

    def of(self, jobs: Sequence[JobTrace]) -> list[JobTrace]:
        """Its jobs of all that were recorded."""
        return [job for job in jobs if job.plugin in self.plugins]


PLAIN = Stream("", ("look", "recall", "recognise"))
CONTRASTING = Stream(
    "contrasting",
    ("look_finely", "recall", "recognise", "recognise_dark"),
    due_ticks={"recall": 1},
    outcomes=0.1,
)
