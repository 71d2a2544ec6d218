"""Compute that follows salience: use of the budget, choice, isolation, states, the governor.

Every part is a module of `sage_bench.budget` whose `rows` are listed in `parts`.
SAGE_BENCH_PARTS=decision,choice measures only these parts and writes them under another name.
"""

from __future__ import annotations

from sage_bench.budget.parts import measure

__all__ = ["measure"]
