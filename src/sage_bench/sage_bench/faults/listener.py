"""Says which nodes a program hears that joins a graph now: `python -m ...listener NAMESPACE NODE`.

It ends with 0 once it has heard the node, and with 1 if it does not within `PATIENCE_S`.
"""

from __future__ import annotations

import sys
import time

from sage.observe.attached import Attached
from sage.observe.counters import node_name
from sage.observe.observer_node import ObserverNode

PATIENCE_S = 10.0
LOOK_S = 0.1


def main(namespace: str, wanted: str) -> int:
    """0: it was heard."""
    end_s = time.monotonic() + PATIENCE_S
    with Attached(ObserverNode, namespace) as attached:
        while time.monotonic() < end_s:
            if wanted in map(node_name, attached.node.latest.statuses()):
                return 0
            time.sleep(LOOK_S)
    return 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
