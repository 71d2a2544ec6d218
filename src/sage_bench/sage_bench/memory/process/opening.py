"""Opening a filled memory in a process of its own: time to the first answer, and memory.

`python -m sage_bench.memory.process.opening sage|emem FOLDER QUERIES.npy ROWS` prints it as JSON.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.cache import kept_folder
from sage_bench.memory.peers.ours import DEVICE, filled_home
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_memory import Memory, Query

GOAL_S, GOAL_MB = 4.0, 1_200.0
ASKED = 20
NOTE = (
    "opening: in a new process, from the call that opens (imports are done) to the first answer; "
    f"memory is the proportional set size of the process, Python included, after {ASKED} "
    "questions; the files were read or written before, so the system has them at hand"
)


@dataclass(frozen=True)
class Opened:
    """A memory that was opened.

    Attributes:
        first_answer_s: from the call to the first answer.
        later_ms: median of the next answers.
        memory_mb: PSS of the process.
        before_mb: PSS of the process before it opened the memory.
    """

    first_answer_s: float
    later_ms: float
    memory_mb: float
    before_mb: float


def rows(place: Workplace) -> Figures:
    """Our largest memory, and the peer's largest."""
    largest = place.scale.sizes[-1]
    corpus = place.corpus(largest)
    ours = opened("sage", filled_home(corpus, place.homes), place, largest)
    notes = [NOTE]
    seconds: dict[str, float] = {}
    megabytes: dict[str, float] = {}
    built = [size for size in place.scale.sizes if size <= place.scale.built_up_to]
    if built:
        try:
            peer = _emem(place, built[-1])
        except ImportError as error:
            notes.append(f"{error.name} is not installed: its opening is left out")
        else:
            name = f"eMEM at {built[-1]:,}"
            seconds[name], megabytes[name] = peer.first_answer_s, peer.memory_mb
            notes.append(f"eMEM is opened with {built[-1]:,}: more take too long to fill")
    full = largest == 1_000_000
    made = (
        Row(f"open to the first answer at {largest:,}", ours.first_answer_s, "s",
            GOAL_S if full else None, baselines=seconds),
        Row(f"memory of a process that holds {largest:,}, PSS", ours.memory_mb, "MB",
            GOAL_MB if full else None, baselines=megabytes),
    )  # fmt: skip
    return Figures(made, tuple(notes))


def _emem(place: Workplace, size: int) -> Opened:
    from sage_bench.memory.peers.emem import build

    corpus = place.corpus(size)
    folder = kept_folder(place.homes, "emem", corpus, lambda empty: build(empty, corpus))
    return opened("emem", folder, place, size)


def opened(kind: str, folder: Path, place: Workplace, size: int) -> Opened:
    """`open_ours` or `open_emem` in a process of its own."""
    queries = place.folder / "queries.npy"
    np.save(queries, place.largest.queries[: ASKED + 1])
    encoder_id = place.largest.encoder_id
    return Opened(**in_process(__name__, kind, str(folder), str(queries), str(size), encoder_id))


def in_process(module: str, *arguments: str) -> dict[str, Any]:
    """What a module prints as JSON when it is run with the same sources as here."""
    sources = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": sources}
    ran = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout.splitlines()[-1])
    return found


def open_ours(home: Path, queries: np.ndarray, encoder_id: str) -> Opened:
    """As a robot does that starts."""
    before_mb = pss_mb()
    begin = time.perf_counter()
    with Memory.open(home, device_id=DEVICE) as memory:

        def ask(vector: np.ndarray) -> int:
            query = Query(text="?", text_embedding=vector, text_encoder_id=encoder_id)
            return len(memory.recall(query))

        return _opened(begin, before_mb, ask, queries)


def open_emem(folder: Path, queries: np.ndarray, size: int) -> Opened:
    """The peer, with its graph and its R-tree."""
    from sage_bench.memory.peers import emem as emem_peer

    before_mb = pss_mb()
    begin = time.perf_counter()
    memory = emem_peer.opened(folder, queries.shape[1], size + emem_peer.ROOM)

    def ask(vector: np.ndarray) -> int:
        return len(memory.store.semantic_search_by_vector(vector, 10))

    return _opened(begin, before_mb, ask, queries)


def _opened(begin: float, before_mb: float, ask: Any, queries: np.ndarray) -> Opened:
    if not ask(queries[0]):
        raise RuntimeError("no answer: expected a filled memory")
    first_answer_s = time.perf_counter() - begin
    later_ms = []
    for query in queries[1:]:
        before = time.perf_counter()
        ask(query)
        later_ms.append(1e3 * (time.perf_counter() - before))
    return Opened(first_answer_s, float(np.median(later_ms)), pss_mb(), before_mb)


def pss_mb() -> float:
    """Proportional set size of this process [MB]."""
    for line in Path("/proc/self/smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError("/proc/self/smaps_rollup: no line Pss")


if __name__ == "__main__":
    kind, folder, asked, size, encoder_id = sys.argv[1:]
    vectors = np.load(asked)
    if kind == "sage":
        result = open_ours(Path(folder), vectors, encoder_id)
    else:
        result = open_emem(Path(folder), vectors, int(size))
    print(json.dumps(asdict(result)))
