"""Killing a process that remembers: how much of what it was told is kept is found afterwards.

`python -m sage_bench.memory.process.killing sage|emem FOLDER CORPUS.npz` remembers, prints a line
for each acknowledgement, and waits to be killed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.corpus import Corpus, row_of
from sage_bench.memory.peers.ours import DEVICE, limits
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_memory import Memory, Query

ALL_STORED = "all stored"
BEST = 5
NOTE = (
    "kill -9: a process remembers, and is killed after the last acknowledgement; opened again, "
    "each moment is searched by its own vector, and counts if it is among the five best answers "
    "(a few sentences occur twice). "
    "eMEM acknowledges when add returns with flush_batch_size 1, and writes its graph of vectors "
    "when it is closed or told to save, which nobody did. Random kills and power cuts: `make "
    "durability`"
)


def rows(place: Workplace) -> Figures:
    """Share of acknowledged moments that are not found by meaning after a kill."""
    corpus = place.largest.first(place.scale.killed)
    notes = [NOTE]
    beside: dict[str, float] = {}
    with place.fresh_folder() as folder:
        ours = _lost(place, "sage", folder, corpus)
    try:
        from sage_bench.memory.peers import emem as emem_peer  # noqa: F401

        with place.fresh_folder() as folder:
            beside["eMEM"] = _lost(place, "emem", folder, corpus)
    except ImportError as error:
        notes.append(f"{error.name} is not installed: its kill is left out")
    except RuntimeError as error:
        notes.append(f"eMEM after a kill: {error}")
    name = f"lost to meaning of {len(corpus):,} acknowledged, after kill -9"
    return Figures(
        (Row(name, ours, "%", 0.0, baselines=beside, samples=len(corpus)),), tuple(notes)
    )


def _lost(place: Workplace, kind: str, folder: Path, corpus: Corpus) -> float:
    """Remember in another process, kill it, open again, and search everything [%]."""
    inputs = place.folder / "killed.npz"
    np.savez(inputs, vectors=corpus.vectors, places=corpus.places, encoder=corpus.encoder_id)
    sources = os.pathsep.join(path for path in sys.path if path)
    command = [sys.executable, "-m", __name__, kind, str(folder), str(inputs)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": sources}
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.strip() == ALL_STORED:
                break
        process.send_signal(signal.SIGKILL)
    if process.returncode != -signal.SIGKILL:
        raise RuntimeError(f"the process of {kind} ended with {process.returncode} before the kill")
    found = _found_ours(folder, corpus) if kind == "sage" else _found_emem(folder, corpus)
    return 100.0 * (1.0 - found / len(corpus))


def _found_ours(home: Path, corpus: Corpus) -> int:
    with Memory.open(home, device_id=DEVICE) as memory:
        found = 0
        for row in range(len(corpus)):
            query = Query(
                example=corpus.vectors[row], example_encoder_id=corpus.encoder_id, limit=BEST
            )
            answers = memory.recall(query)
            found += row in [row_of(answer.experience.start_ns) for answer in answers]
        return found


def _found_emem(folder: Path, corpus: Corpus) -> int:
    from sage_bench.memory.peers import emem as emem_peer

    memory = emem_peer.opened(folder, corpus.vectors.shape[1], len(corpus) + emem_peer.ROOM)
    found = 0
    for row in range(len(corpus)):
        answers = memory.store.semantic_search_by_vector(corpus.vectors[row], BEST)
        found += row in emem_peer.rows_of(answers)
    return found


def remember_ours(home: Path, corpus: Corpus) -> None:
    """Every moment, each acknowledged before the next."""
    memory = Memory.open(home, device_id=DEVICE, limits=limits())
    for experience in corpus.experiences():
        memory.remember(experience).result()


def remember_emem(folder: Path, corpus: Corpus) -> None:
    """Every moment, each flushed before the next."""
    from sage_bench.memory.peers import emem as emem_peer

    room = len(corpus) + emem_peer.ROOM
    memory = emem_peer.opened(folder, corpus.vectors.shape[1], room, batch=1)
    for row in range(len(corpus)):
        emem_peer.add(memory, corpus, row)


def small_corpus(path: Path) -> Corpus:
    """The moments of the file, without words."""
    with np.load(path, allow_pickle=False) as kept:
        vectors, places, encoder_id = kept["vectors"], kept["places"], str(kept["encoder"])
    count = len(vectors)
    nothing = np.zeros(count)
    return Corpus(
        name="killed",
        vectors=vectors,
        sentence=nothing.astype(np.int64),
        texts=("words",),
        codes=np.zeros((1, 30, 30), np.uint8),
        totals=nothing.astype(np.float32),
        modalities=nothing.astype(np.int8),
        places=places,
        queries=vectors[:0],
        encoder_id=encoder_id,
    )


if __name__ == "__main__":
    kind, where, given = sys.argv[1:]
    moments = small_corpus(Path(given))
    if kind == "sage":
        remember_ours(Path(where), moments)
    else:
        remember_emem(Path(where), moments)
    print(ALL_STORED, flush=True)
    while True:
        time.sleep(3600.0)
