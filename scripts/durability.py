"""Kill the memory's writer and cut its power, often; write what was found as JSON.

Runs the tests of kills and of power cuts with many rounds, and keeps their counts, with the
commit and the date of each part, in build/bench/durability-<machine>.json.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from sage_bench.result import commit, machine

ROOT = Path(__file__).resolve().parents[1]
PARTS = {
    "kills": ("test_kill.py",),
    "power": ("test_power_loss.py", "test_power_loss_asleep.py", "test_power_loss_folders.py"),
}


def run(tests: Sequence[str], kills: int, crash_points: int) -> dict[str, Any]:
    """What the tests of some files counted, and whether all passed."""
    start = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        rounds = {"SAGE_KILLS": str(kills), "SAGE_CRASH_POINTS": str(crash_points)}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-o", "junit_family=xunit1"),
                f"--junitxml={report}",
                *(str(ROOT / "src/sage_memory/test" / test) for test in tests),
            ],
            cwd=ROOT,
            env=os.environ | rounds,
            check=False,
        )
        cases = ElementTree.parse(report).getroot().iter("testcase")
        counts = {case.attrib["name"]: _properties(case) for case in cases}
    return {
        "commit": commit(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(time.monotonic() - start),
        "passed": done.returncode == 0,
        "counts": counts,
    }


def _properties(case: ElementTree.Element) -> dict[str, int]:
    return {item.attrib["name"]: int(item.attrib["value"]) for item in case.iter("property")}


def main() -> int:
    """Run the parts, write the counts; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--crash-points", type=int, default=1000)
    parser.add_argument("--only", choices=PARTS, help="the other part keeps what it found last")
    parser.add_argument("--record", action="store_true", help="into bench/results/, not build/")
    options = parser.parse_args()
    folder = ROOT / "bench" / "results" if options.record else ROOT / "build" / "bench"
    path = folder / f"durability-{machine()}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    found = json.loads(path.read_text("utf-8")) if path.exists() else {"machine": machine()}
    chosen = [options.only] if options.only else list(PARTS)
    for part in chosen:
        found[part] = run(PARTS[part], options.kills, options.crash_points)
        path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(path.relative_to(ROOT))
    return 0 if all(found[part]["passed"] for part in chosen) else 1


if __name__ == "__main__":
    sys.exit(main())
