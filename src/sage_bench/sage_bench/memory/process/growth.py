"""Memory of a process that remembers ever more, with payloads under a cap.

`python -m sage_bench.memory.process.growth HOME COUNT` prints it as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import psutil

from sage_bench.encoders.section import Figures
from sage_bench.memory.inputs.corpus import BEGIN_NS, PERIOD_NS, unit
from sage_bench.memory.peers.ours import DEVICE, limits, store_all
from sage_bench.memory.process.opening import in_process
from sage_bench.memory.workplace import Workplace
from sage_bench.result import Row
from sage_common.core.puzzle import CODES, GRID
from sage_memory import Experience, Memory, Payload

PARTS = 10
WARM_UP = 3
DIM = 128
PAYLOAD_EVERY = 10
PAYLOAD_BYTES = 2_000
CAP_BYTES = 1_000_000
GOAL_MB = 0.6
BESIDE_SLOT = 5
"""Bytes of a vector's checksum, and of whether it is live, which the view does not show."""
NOTE = (
    f"growth: a process of its own stores moments of {DIM} numbers, each tenth with 2 kB of "
    "payload under a cap of 1 MB, and drops nothing else; slopes are medians of all pairs (Theil "
    f"and Sen) of what is resident at the end of each tenth, without the first {WARM_UP}. What the "
    "index needs for a moment (vector in int8, sign bits, columns of filters) grows with the "
    "moments by design, and has a row of its own"
)


@dataclass(frozen=True)
class Growth:
    """What was resident at the end of each part.

    Attributes:
        part: moments in each.
        resident_mb: of the process.
        index_mb: of it, arrays of the index that are in use.
        payload_bytes: at the end.
    """

    part: int
    resident_mb: list[float]
    index_mb: list[float]
    payload_bytes: int


def rows(place: Workplace) -> Figures:
    """Slopes per 10,000 moments."""
    with place.fresh_folder() as home:
        found = Growth(**in_process(__name__, str(home), str(place.scale.capped)))
    per_10k = 10_000 / found.part
    whole = slope(found.resident_mb[WARM_UP:]) * per_10k
    index = slope(found.index_mb[WARM_UP:]) * per_10k
    beyond = np.subtract(found.resident_mb, found.index_mb).tolist()
    count = found.part * PARTS
    full = count == 100_000
    made = (
        Row(f"resident memory over {count:,} stored, beyond the index, per 10,000",
            slope(beyond[WARM_UP:]) * per_10k, "MB", GOAL_MB if full else None, samples=PARTS),
        Row(f"resident memory over {count:,} stored, per 10,000", whole, "MB",
            baselines={"of it the index": index}, samples=PARTS),
    )  # fmt: skip
    if found.payload_bytes > CAP_BYTES:
        return Figures(made, (NOTE,), (f"{found.payload_bytes} bytes of payload above the cap",))
    return Figures(made, (NOTE,))


def slope(values: list[float]) -> float:
    """Median of the slopes between all pairs of values that follow one another evenly."""
    pairs = [
        (values[second] - values[first]) / (second - first)
        for first in range(len(values))
        for second in range(first + 1, len(values))
    ]
    return float(np.median(pairs))


def grow(home: Path, count: int) -> Growth:
    """Remember `count` moments."""
    generator = np.random.default_rng(0)
    part = count // PARTS
    own = psutil.Process()
    found = Growth(part, [], [], 0)
    with Memory.open(home, device_id=DEVICE, limits=limits(CAP_BYTES)) as memory:
        for number in range(PARTS):
            store_all(memory, (_moment(generator, number * part + k) for k in range(part)))
            found.resident_mb.append(own.memory_info().rss / 1e6)
            found.index_mb.append(index_bytes(memory) / 1e6)
        payload_bytes = memory.statistics().payload_bytes
    return Growth(part, found.resident_mb, found.index_mb, payload_bytes)


def index_bytes(memory: Memory) -> int:
    """Of the arrays of the index, as far as they are filled."""
    view = memory._current().index.view()
    total = sum(column.nbytes for column in view.columns.values())
    for space in view.spaces.values():
        arrays = [space.rows, space.roles, space.kinds]
        total += sum(array.nbytes for array in arrays) + space.count * BESIDE_SLOT
        for chunk in space.chunks:
            filled = min(space.count / (space.size * len(space.chunks)), 1.0)
            whole = chunk.codes.nbytes + chunk.scales.nbytes + chunk.bits.nbytes
            total += round(filled * whole)
    return total


def _moment(generator: np.random.Generator, number: int) -> Experience | tuple[Experience, Payload]:
    stamp_ns = BEGIN_NS + number * PERIOD_NS
    total = float(generator.random())
    experience = Experience(
        start_ns=stamp_ns,
        end_ns=stamp_ns,
        modality="vision",
        source="front",
        codes=generator.integers(0, CODES, (GRID, GRID), np.uint8),
        embedding=unit(generator.standard_normal((1, DIM), np.float32))[0],
        encoder_id="bench-1",
        surprise=total,
        novelty=total,
        arousal=total,
        reward=0.5,
        conflict=0.0,
        total=total,
    )
    if number % PAYLOAD_EVERY:
        return experience
    return experience, Payload(generator.bytes(PAYLOAD_BYTES), "image/webp")


if __name__ == "__main__":
    where, wanted = sys.argv[1:]
    print(json.dumps(asdict(grow(Path(where), int(wanted)))))
