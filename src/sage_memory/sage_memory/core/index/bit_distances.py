"""How many signs of vectors differ from a query's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from sage_memory.core.index.numpy_two import bitwise_count
from sage_memory.core.index.quantised import weighty_signs
from sage_memory.core.index.rotation import rotated
from sage_memory.core.index.space_view import Chunk, Inside, QuantiserStatistics, SpaceView

Part = tuple[Chunk, Inside]
FARTHEST = 255
BLOCK_WORDS = 2**16
"""Words worked on at once: few enough to stay in the cache."""
GATHER_BELOW = 0.3
"""Below this share of wanted vectors, picking out their bits is cheaper than comparing all."""


def bit_distances(
    space: SpaceView,
    statistics: QuantiserStatistics,
    query: NDArray[np.float32],
    slots: NDArray[np.int64] | None,
) -> NDArray[np.uint8]:
    """How many weighty signs differ: uint8 [n] of the wanted slots (None: all)."""
    turned = rotated(query[None])[0]
    signs, mask = weighty_signs(turned, np.abs(turned) * statistics.deviation)
    if slots is None or len(slots) < GATHER_BELOW * space.count:
        return _differing(space, slots, signs, mask)
    return _differing(space, None, signs, mask)[slots]


def _differing(
    space: SpaceView,
    slots: NDArray[np.int64] | None,
    signs: NDArray[np.uint64],
    mask: NDArray[np.uint64],
) -> NDArray[np.uint8]:
    """Differing bits under the mask, of the slots (None: all)."""
    distances = np.empty(space.count if slots is None else len(slots), np.uint8)
    block = min(BLOCK_WORDS // len(signs), len(distances))
    words = np.empty((len(signs), block), np.uint64)
    counts = np.empty(words.shape, np.uint8)
    sign, bits = signs[:, None], mask[:, None]
    for start, size, parts in _blocks(space, slots, block):
        word, count = words[:, :size], counts[:, :size]
        np.bitwise_xor(_joined(parts, word), sign, out=word)
        np.bitwise_and(word, bits, out=word)
        bitwise_count(word, out=count)
        np.add.reduce(count, axis=0, out=distances[start : start + size])
    return distances


def _blocks(
    space: SpaceView, slots: NDArray[np.int64] | None, block: int
) -> Iterator[tuple[int, int, list[Part]]]:
    """Place of the first one in `slots`, and how many, at most `block`, lie where."""
    if slots is None:
        for chunk, start, inside in space.parts(None, block):
            yield start, inside.size, [(chunk, inside)]
        return
    for start in range(0, len(slots), block):
        some = slots[start : start + block]
        yield start, len(some), [(chunk, inside) for chunk, _, inside in space.parts(some, block)]


def _joined(parts: list[Part], out: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The words of each vector; those of one part are not copied if they are a run."""
    if len(parts) == 1 and isinstance(parts[0][1].places, slice):
        chunk, inside = parts[0]
        return chunk.bits[:, inside.places]
    start = 0
    for chunk, inside in parts:
        for row, own in zip(chunk.bits, out[:, start : start + inside.size], strict=True):
            if isinstance(inside.places, slice):
                own[:] = row[inside.places]
            else:
                row.take(inside.places, out=own, mode="clip")  # with "raise" numpy copies twice
        start += inside.size
    return out
