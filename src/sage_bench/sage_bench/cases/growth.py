"""Growth: what an hour adds to the memory, threads and descriptors of each process of the graph.

The graph runs on the recording, in one process and then in a process a node, for 70 minutes each;
SAGE_BENCH_MINUTES=130 makes that longer, and SAGE_BENCH_PARTS=composed or processes leaves out the
other. The first ten minutes, in which buffers fill, are left out. `--all` leaves this bench out.
"""

from __future__ import annotations

from sage_bench.growth.parts import measure

__all__ = ["measure"]
