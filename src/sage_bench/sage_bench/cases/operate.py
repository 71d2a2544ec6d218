"""Operation: what it costs to watch a robot and to keep it running, and what recordings keep.

Every part is a module of `sage_bench.operate` whose `rows` are listed in `parts`.
SAGE_BENCH_PARTS=recording measures only this part and writes it under another name.
"""

from __future__ import annotations

from sage_bench.operate.parts import measure

__all__ = ["measure"]
