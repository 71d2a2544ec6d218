"""What took long to make, kept for the next run where there is a cache."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from sage_bench.memory.inputs.corpus import Corpus

COMPLETE = "filled.json"


def kept_folder(folder: Path, name: str, corpus: Corpus, fill: Callable[[Path], None]) -> Path:
    """A folder that `fill` filled with a corpus, now or in an earlier run.

    Args:
        folder: in which it lies.
        name: of who filled it; everything that changes what is written belongs into it.
        corpus: that it holds.
        fill: is given the empty folder.
    """
    made = folder / f"{name}-{len(corpus)}-{corpus.digest[:16]}"
    complete = made / COMPLETE
    if complete.is_file():
        return made
    if made.exists():  # a run was interrupted
        shutil.rmtree(made)
    made.mkdir(parents=True, mode=0o700)
    begin = time.perf_counter()
    fill(made)
    taken_s = time.perf_counter() - begin
    complete.write_text(json.dumps({"moments": len(corpus), "taken_s": taken_s}))
    return made


def taken_s(made: Path) -> float:
    """How long it took to fill such a folder [s]."""
    seconds: float = json.loads((made / COMPLETE).read_text())["taken_s"]
    return seconds
