"""Time and memory of scoring over many frames, in a process of its own with one thread.

`python -m sage_bench.salience.endurance growth FRAMES` prints them as JSON; `... latency SIZE
REMEMBERED SAMPLES` does so with the time of a score.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil
from numpy.typing import NDArray

from sage_bench.salience.score_latency import ScoreLatency, score_latency
from sage_common.core.puzzle import CODES, GRID, Percept
from sage_snarc.core.fusion import Fusion, ModalSalience
from sage_snarc.core.scorer import Scorer

PERIOD_NS = 33_333_333
VISION_SIZE, AUDIO_SIZE = 128, 64
ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


@dataclass(frozen=True)
class Growth:
    """Scoring and fusing frame after frame.

    Attributes:
        frames: how many, in ten equal parts.
        score_ms, fuse_ms: median time in each part.
        memory_mb: resident memory of the process at the end of each part.
    """

    frames: int
    score_ms: list[float]
    fuse_ms: list[float]
    memory_mb: list[float]

    @property
    def slowdown(self) -> float:
        """Time to score and fuse in the last part, over that in the second."""
        taken_ms = np.add(self.score_ms, self.fuse_ms)
        return float(taken_ms[-1] / taken_ms[1])

    @property
    def memory_growth_mb(self) -> float:
        """From the end of the second part to the end of the last."""
        return self.memory_mb[-1] - self.memory_mb[1]


def growth(frames: int) -> Growth:
    """Score and fuse independent percepts, beside which another modality speaks ever anew."""
    generator = np.random.default_rng(0)
    scorer, fusion = Scorer("vision"), Fusion(("audio", "vision"))
    own = psutil.Process()
    part = frames // 10
    taken_ms = np.zeros((2, part))
    found = Growth(part * 10, [], [], [])
    for frame in range(part * 10):
        percept = _percept(generator, frame)
        other = _unit(generator, AUDIO_SIZE)
        times_ns = [time.perf_counter_ns()]
        salience = scorer.score(percept)
        times_ns.append(time.perf_counter_ns())
        fusion.see("audio", percept.stamp_ns, other)
        fusion.see("vision", percept.stamp_ns, percept.embedding)
        fusion.fuse(
            ModalSalience(
                stamp_ns=salience.stamp_ns,
                modality="vision",
                surprise=salience.surprise,
                novelty=salience.novelty,
                arousal=salience.arousal,
                total=salience.total,
                reason=salience.reason,
            )
        )
        times_ns.append(time.perf_counter_ns())
        taken_ms[:, frame % part] = np.diff(times_ns) * 1e-6
        if frame % part == part - 1:
            score_ms, fuse_ms = np.median(taken_ms, axis=1).tolist()
            found.score_ms.append(score_ms)
            found.fuse_ms.append(fuse_ms)
            found.memory_mb.append(own.memory_info().rss / 1e6)
    return found


def measured_growth(frames: int) -> Growth:
    """`growth` in a process of its own."""
    return Growth(**_measured("growth", str(frames)))


def measured_latency(modality: str, size: int, remembered: int, samples: int) -> ScoreLatency:
    """`score_latency` in a process of its own."""
    return ScoreLatency(**_measured("latency", modality, str(size), str(remembered), str(samples)))


def _measured(*arguments: str) -> dict[str, Any]:
    command = [sys.executable, "-m", __name__, *arguments]
    # The same sources as here, wherever they were found.
    sources = os.pathsep.join(path for path in sys.path if path)
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "PYTHONPATH": sources}
    ran = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    found: dict[str, Any] = json.loads(ran.stdout)
    return found


def _percept(generator: np.random.Generator, frame: int) -> Percept:
    return Percept(
        stamp_ns=(frame + 1) * PERIOD_NS,
        modality="vision",
        source="bench",
        codes=generator.integers(0, CODES, (GRID, GRID), np.uint8),
        embedding=_unit(generator, VISION_SIZE),
        encoder_id="bench",
    )


def _unit(generator: np.random.Generator, size: int) -> NDArray[np.float32]:
    vector = generator.standard_normal(size)
    unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
    return unit


if __name__ == "__main__":
    wanted, *words = sys.argv[1:]
    if wanted == "growth":
        print(json.dumps(asdict(growth(*map(int, words)))))
    else:
        print(json.dumps(asdict(score_latency(words[0], *map(int, words[1:])))))
