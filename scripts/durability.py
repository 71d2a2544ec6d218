"""Kill the memory's writer and cut its power, often; write what was found as JSON.

Runs the tests of kills and of power cuts with many rounds, and keeps their counts in
bench/results/durability-<machine>.json.
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
from datetime import datetime, timezone
from pathlib import Path

from sage.bench.result import commit, machine

ROOT = Path(__file__).resolve().parents[1]
TESTS = ("test_kill.py", "test_power_loss.py")


def run(kills: int, crash_points: int) -> tuple[dict[str, dict[str, int]], bool]:
    """Counts by test, and whether all passed."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.xml")
        rounds = {"SAGE_KILLS": str(kills), "SAGE_CRASH_POINTS": str(crash_points)}
        done = subprocess.run(
            [
                *(sys.executable, "-m", "pytest", "-q", "-o", "junit_family=xunit1"),
                f"--junitxml={report}",
                *(str(ROOT / "src/sage_memory/test" / name) for name in TESTS),
            ],
            cwd=ROOT,
            env=os.environ | rounds,
            check=False,
        )
        cases = ElementTree.parse(report).getroot().iter("testcase")
        counts = {case.attrib["name"]: _properties(case) for case in cases}
    return counts, done.returncode == 0


def _properties(case: ElementTree.Element) -> dict[str, int]:
    return {item.attrib["name"]: int(item.attrib["value"]) for item in case.iter("property")}


def main() -> int:
    """Run both, write the counts; 1 if anything was lost."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=1000)
    parser.add_argument("--crash-points", type=int, default=1000)
    options = parser.parse_args()
    start = time.monotonic()
    counts, passed = run(options.kills, options.crash_points)
    path = ROOT / "bench" / "results" / f"durability-{machine()}.json"
    found = {
        "machine": machine(),
        "commit": commit(),
        "date": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "seconds": round(time.monotonic() - start),
        "passed": passed,
        "counts": counts,
    }
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")
    print(path.relative_to(ROOT))
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
