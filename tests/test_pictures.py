"""The pictures of docs/ show what the code says."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from pictures import proprioception

ROOT = Path(__file__).resolve().parents[1]


def test_proprioception() -> None:
    data = Path(os.environ.get("SAGE_DATA", ROOT.parent / "shared" / "data"))
    if not data.is_dir():
        pytest.skip(f"no recorded data at {data}: set SAGE_DATA")
    drawn = proprioception.picture(proprioception.walk_codes(data))
    assert drawn == (ROOT / "docs/images/proprioception.svg").read_text(encoding="utf-8")
