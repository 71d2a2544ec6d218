"""A device looked at in a process of its own: what hangs or crashes in a driver ends only that."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from sage.devices.observation import Fault, Observation
from sage_common.core.errors import InvalidInput
from sage_sensors.core.samples import SourceError

TIMEOUT_S = 30.0
"""A small computer takes seconds to load the libraries."""
INPUTS = "inputs"


def observed(kind: str, device: str, file: Path, timeout_s: float = TIMEOUT_S) -> Observation:
    """What a camera, a microphone or an imu gave within a second; `file`: where it is written to.

    Raises:
        SourceError: it gives nothing, crashed, or does not answer in time; says which.
    """
    answer = _asked([kind, device, str(file)], timeout_s)
    faults = tuple(Fault(**fault) for fault in answer.pop("faults"))
    return Observation(**{**answer, "faults": faults, "levels": tuple(answer["levels"])})


def microphone_inputs(timeout_s: float = TIMEOUT_S) -> list[dict[str, Any]]:
    """As `microphones.inputs`.

    Raises:
        SourceError: PortAudio cannot be asked; says why.
    """
    found: list[dict[str, Any]] = _asked([INPUTS], timeout_s)
    return found


def _asked(arguments: list[str], timeout_s: float) -> Any:
    command = [sys.executable, "-m", "sage.devices.apart", *arguments]
    try:
        ended = subprocess.run(
            command, capture_output=True, text=True, timeout=timeout_s, check=False
        )
    except subprocess.TimeoutExpired:
        raise SourceError(f"it did not answer within {timeout_s:g} s") from None
    if ended.returncode < 0:
        name = signal.Signals(-ended.returncode).name
        raise SourceError(f"its driver or library crashed ({name})")
    if ended.returncode:
        last = (ended.stderr.strip().splitlines() or ["no message"])[-1]
        raise SourceError(f"its driver or library failed: {last}")
    answer = json.loads(ended.stdout.splitlines()[-1])
    if "error" in answer:
        raise SourceError(answer["error"])
    return answer["found"]


def main(arguments: list[str]) -> None:
    """Print as JSON what was found, or why nothing was."""
    try:
        answer = {"found": _looked(*arguments)}
    except (SourceError, InvalidInput, OSError, EOFError) as error:
        answer = {"error": str(error) or type(error).__name__}
    print(json.dumps(answer))


def _looked(kind: str, device: str = "", file: str = "") -> Any:
    # Each loads what it needs, and nothing else.
    if kind == INPUTS:
        from sage.devices import microphones

        return microphones.inputs()
    if kind == "camera":
        from sage.devices import cameras

        seen = cameras.look(cameras.source_of(device), Path(file))
    elif kind == "microphone":
        from sage.devices import microphones

        seen = microphones.look(microphones.source_of(device), Path(file))
    else:
        from sage.devices import imus

        seen = imus.look(imus.source_of(device))
    return {**vars(seen), "faults": [vars(fault) for fault in seen.faults]}


if __name__ == "__main__":
    main(sys.argv[1:])
