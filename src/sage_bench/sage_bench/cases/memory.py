"""Memory: remembering, recall by words and clips, opening, sleep, what hindsight does.

Every part beside its peers on the same input. SAGE_BENCH_CACHE names a folder that keeps what took
long to embed or fill (several GB); SAGE_BENCH_PARTS=recall,sleep measures only these parts and
writes them under another name; SAGE_BENCH_MOST=100000 leaves out larger memories, which take most
of the time where nothing is kept.
"""

from __future__ import annotations

from sage_bench.memory.parts import measure

__all__ = ["measure"]
