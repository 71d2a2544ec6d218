"""How long an encoder's network takes to come and to go, and whether its memory comes back.

Each is measured in a process of its own: `python -m sage_bench.encoders.loading NAME MODELS TIMES`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sage.run.process_state import process_pss_mb
from sage_bench.encoders.section import Figures, Setting
from sage_bench.result import Row, row_of_samples
from sage_encoders.backends.minilm import CARD_FILE, OpenTextEmbedder
from sage_encoders.backends.model_registry import Lease, ModelRegistry
from sage_encoders.core import audio, vision

GOAL_MS = 50.0
TIMES, TIMES_QUICK = 200, 20
FILES = {"vision": "vision_encoder.onnx", "audio": "audio_encoder.onnx", "language": CARD_FILE}


def rows(setting: Setting) -> Figures:
    """Load and unload of each encoder, and its share of memory."""
    found: list[Row] = []
    for name, file in FILES.items():
        setting.model(file)
        times = TIMES_QUICK if setting.quick else TIMES
        program = [sys.executable, "-m", __name__, name, str(setting.models), str(times)]
        ran = subprocess.run(program, capture_output=True, text=True, check=True)
        found += _rows_of(name, json.loads(ran.stdout))
    return Figures(tuple(found))


def _rows_of(name: str, measured: dict[str, Any]) -> list[Row]:
    before, loaded, after = (measured[f"{when}_mb"] for when in ("before", "loaded", "after"))
    return [
        row_of_samples(f"{name} load, p50", measured["load_ms"], "ms", goal=GOAL_MS),
        row_of_samples(f"{name} unload, p50", measured["unload_ms"], "ms", goal=GOAL_MS),
        Row(
            f"{name} memory (PSS) left after unloading", after, "MB",
            baselines={"before loading": before, "loaded": loaded},
        ),
    ]  # fmt: skip


def opener(name: str, models: Path) -> Callable[[ModelRegistry], Lease[Any]]:
    """Takes the network of an encoder from a registry, as its node does by default."""
    if name == "language":
        return lambda registry: registry.lease(name, lambda: OpenTextEmbedder(models))
    signature = {"vision": vision.SIGNATURE, "audio": audio.SIGNATURE}[name]
    stem = Path(FILES[name]).stem
    return lambda registry: registry.open(stem, models, "auto", "auto", 1, signature)


def measure(name: str, models: Path, times: int) -> dict[str, Any]:
    """Load and unload `times` times: times in ms, and this process's PSS in MB.

    The first load brings the runtime's own libraries and is not among the times; memory is that
    before the second one, with the model, and after the last one has gone.
    """
    registry, take = ModelRegistry(), opener(name, models)
    take(registry).close()
    measured: dict[str, Any] = {"before_mb": pss_mb(), "load_ms": [], "unload_ms": []}
    for _ in range(times):
        begin = time.perf_counter()
        lease = take(registry)
        loaded = time.perf_counter()
        measured.setdefault("loaded_mb", pss_mb())
        closing = time.perf_counter()
        lease.close()
        measured["unload_ms"].append((time.perf_counter() - closing) * 1e3)
        measured["load_ms"].append((loaded - begin) * 1e3)
    return {**measured, "after_mb": pss_mb()}


def pss_mb() -> float:
    """This process's proportional share of memory."""
    return process_pss_mb(os.getpid())


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], Path(sys.argv[2]), int(sys.argv[3]))))
