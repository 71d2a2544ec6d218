"""Frames from node to node through a mailbox: what is seen of them, as JSON on stdout.

A program of its own: Fast DDS reads its profile once in a process, and other tests want another.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from sage_bench.mailbox.staged_graph import Entry, staged

NODES = "sage_bench.mailbox.frame_nodes"


def seen(folder: Path) -> dict[str, object]:
    """What both nodes say of their frames, and what waiting for nothing ends with."""
    size = {"width_px": 64, "height_px": 48}
    home = {"home": str(folder), "resume": False}
    entries = (
        Entry(f"{NODES}:FrameListener", "frame_listener", {"transport": "auto", **home}),
        Entry(f"{NODES}:FrameTalker", "frame_talker", {**size, **home}),
    )
    with staged(entries, composed=False, home=folder) as graph:
        graph.wait_until(lambda: int(graph.fact("frame_listener", "frames") or 0) > 10, "frames")
        graph.wait_until(lambda: graph.fact("frame_talker", "in place") > "0", "diagnostics")
        found: dict[str, object] = {
            "by copy": graph.fact("frame_talker", "by copy"),
            "transport": graph.fact("frame_listener", "transport"),
            "pss_mb": graph.pss_mb(),
            "cpu_percent": graph.cpu_percent(0.2),
        }
        try:
            graph.wait_until(lambda: False, "what never comes", patience_s=0.2)
        except RuntimeError as error:
            found["waited in vain"] = str(error)
    return found


if __name__ == "__main__":
    print(json.dumps(seen(Path(sys.argv[1]))))
