"""Mailboxes: records and tensors per second, hand-over latency and CPU, beside other transports.

SAGE_BENCH_PARTS=rates,cpp measures only these parts and writes them under another name.
"""

from __future__ import annotations

from sage_bench.mailbox.parts import measure

__all__ = ["measure"]
