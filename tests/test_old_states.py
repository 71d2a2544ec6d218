"""States that the version before declared fields wrote are restored, number by number."""

from __future__ import annotations

import json
import lzma
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sage_common.core.state import file as state_file
from sage_common.core.state.packing import VALUES
from sage_common.ros.lockstep.host import LockstepHost
from sage_memory.nodes.memory_node import MemoryNode
from sage_orchestrator.nodes.orchestrator_node import OrchestratorNode
from sage_snarc.nodes.fusion_node import FusionNode
from sage_snarc.nodes.scorer_node import ScorerNode

STATES = Path(__file__).parent / "states"
"""Of four seconds of the recorded walk."""


def opened(name: str, folder: Path) -> state_file.StateFile:
    """A kept state, as a file in a home folder."""
    path = folder / "state" / f"{name}.state"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lzma.decompress((STATES / f"{name}.state.xz").read_bytes()))
    return state_file.load(path)


def parameters_of(identity: dict[str, str]) -> dict[str, Any]:
    """The node's parameters that its state depends on."""
    given: dict[str, Any] = {}
    if "modalities" in identity:
        given["modalities"] = tuple(identity["modalities"].split(", "))
    if "modality" in identity:
        given["modality"] = identity["modality"]
    return given


@pytest.mark.parametrize(
    ("name", "node_type"),
    [
        ("audio_scorer", ScorerNode),
        ("language_scorer", ScorerNode),
        ("fusion", FusionNode),
        ("memory", MemoryNode),
        ("orchestrator", OrchestratorNode),
    ],
)
def test_an_old_state_is_restored_whole(tmp_path: Path, name: str, node_type: Any) -> None:
    old = opened(name, tmp_path)
    graph = LockstepHost(home=tmp_path)
    node = graph.add(node_type, name, parameters_of(old.identity))
    assert not list((tmp_path / "state").glob("*.refused")), graph.logs
    new = node.state()
    values = json.loads(new[VALUES].tobytes())
    arrays = {key: array for key, array in new.items() if key != VALUES}
    assert numbers_of(values, arrays) >= numbers_of({}, kept_of(old.arrays))
    for key, array in old.arrays.items():
        if key in arrays:  # what had a name of its own still has it
            kept = arrays[key][: len(array)] if array.ndim else arrays[key]
            np.testing.assert_array_equal(kept, array)
    again = LockstepHost(home=tmp_path / "again")
    other = again.add(node_type, name, parameters_of(old.identity))
    other.restore(new)
    assert {key: array.tobytes() for key, array in other.state().items()} == {
        key: array.tobytes() for key, array in new.items()
    }


def kept_of(arrays: Any) -> dict[str, Any]:
    """Without the calibration of before tail probabilities, which begins anew."""
    begun_anew = re.compile(r"(surprise|distance|arousal|residual)[.](kept|scale)$|[.]profile[.]")
    return {key: array for key, array in arrays.items() if not begun_anew.search(key)}


def numbers_of(values: object, arrays: Any) -> set[float]:
    """Every number but 0 that is learned, wherever it stands."""
    found = set()
    for array in arrays.values():
        if array.dtype.kind == "f":
            found |= set(np.unique(array.astype(np.float64)).tolist())
    stack = [values]
    while stack:
        item = stack.pop()
        if isinstance(item, dict):
            stack += item.values()
        elif isinstance(item, list):
            stack += item
        elif isinstance(item, float | int):
            found.add(float(item))
    return found - {0.0}
