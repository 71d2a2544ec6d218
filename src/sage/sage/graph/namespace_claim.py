"""Whether another graph of this user has the same namespace in the same ROS domain."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sage.graph.lock_file import hold


@contextmanager
def claimed(domain_id: int, namespace: str) -> Iterator[str]:
    """Have a namespace of a ROS domain meanwhile; gives a warning if another graph has it, or "".

    Graphs of `sage run` only: what `ros2 launch` starts claims nothing.

    Args:
        domain_id: ROS domain.
        namespace: absolute.
    """
    folder = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    name = namespace.replace("/", ".")
    path = folder / f"sage-{os.getuid()}-domain-{domain_id}-graph{name}.lock"
    try:
        lock = hold(path)
    except OSError as error:
        yield f"whether another {namespace} runs in ROS domain {domain_id} is not known: {error}"
        return
    if lock is None:
        pid = path.read_text() or "unknown"
        yield (
            f"another {namespace} runs in ROS domain {domain_id} (process {pid}), and the two get "
            "each other's messages: set another ROS_DOMAIN_ID, or none"
        )
        return
    with lock:
        lock.truncate()
        lock.write(str(os.getpid()))
        lock.flush()
        yield ""
