"""A model's memory returns when it leaves: PSS in fresh processes."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

# The second cycle is measured: the first one also maps the code of ONNX Runtime, which stays.
SCRIPT = """
import json, sys
from pathlib import Path

from sage_encoders.backends.minilm import OpenTextEmbedder
from sage_encoders.backends.model_registry import REGISTRY
from sage_encoders.core.card import ModelError

name, folder = sys.argv[1], Path(sys.argv[2])

def pss_mb():
    lines = Path("/proc/self/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024

def cycle():
    before = pss_mb()
    if name == "minilm":
        lease = REGISTRY.lease("minilm", lambda: OpenTextEmbedder(folder))
    else:
        lease = REGISTRY.open(name, folder)
    loaded = pss_mb()
    lease.close()
    del lease
    return before, loaded, pss_mb()

cycles = [cycle() for _ in range(6)]
print(json.dumps(cycles))
"""
KEPT_MB = 1.5
"""What may stay after a cycle: the allocator's odds and ends, no weights."""
LEAST_MB = {"minilm": 15.0, "vision_encoder": 0.3, "audio_encoder": 0.1}
"""What each model takes at least: its weights, as ONNX Runtime keeps them."""


@pytest.mark.parametrize("name", LEAST_MB)
def test_memory_returns(name: str, models: Path) -> None:
    command = [sys.executable, "-c", SCRIPT, name, str(models)]
    output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    first, *rest = json.loads(output.stdout)
    for before, loaded, after in rest:
        assert loaded - before > LEAST_MB[name]
        assert after - before < KEPT_MB
    assert rest[-1][2] - first[2] < KEPT_MB, "nothing piles up over the cycles"
