"""Faults at every node of a running graph: killed, stopped, without disk, time, device or sense.

SAGE_BENCH_PARTS=processes or composed tries a process a node, or one process, alone;
SAGE_BENCH_CELLS=memory,SIGSTOP only the cells of these processes and faults.
"""

from __future__ import annotations

from sage_bench.faults.parts import measure

__all__ = ["measure"]
