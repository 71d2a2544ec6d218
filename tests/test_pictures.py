"""The pictures of docs/ show what the code says."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from pictures import proprioception, salience_curves, salience_minute, week_of_states

from sage_bench.salience.streams.schedule import Event

ROOT = Path(__file__).resolve().parents[1]


def test_proprioception() -> None:
    data = Path(os.environ.get("SAGE_DATA", ROOT.parent / "shared" / "data"))
    if not data.is_dir():
        pytest.skip(f"no recorded data at {data}: set SAGE_DATA")
    drawn = proprioception.picture(proprioception.walk_codes(data))
    assert drawn == (ROOT / "docs/images/proprioception.svg").read_text(encoding="utf-8")


def test_the_curves_of_salience_are_those_that_were_recorded() -> None:
    stored = json.loads(salience_curves.STORED.read_text(encoding="utf-8"))
    before, now = stored[salience_curves.BEFORE], stored[salience_curves.NOW]
    assert {name: len(curve) for name, curve in before.items()} == {
        name: len(curve) for name, curve in now.items()
    }
    drawn = salience_curves.picture(stored)
    assert drawn == (ROOT / "docs/images/salience_curves.svg").read_text(encoding="utf-8")
    lines = list(ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}polyline"))
    assert len(lines) == 2 * len(now)
    assert "images/salience_curves.svg" in (ROOT / "docs/salience_benchmark.md").read_text()


def test_a_piece_of_a_curve_is_its_largest_total() -> None:
    times_s = np.array([0.5, 1.9, 2.0, 6.1])
    assert salience_curves.pieces(times_s, np.array([0.1, 0.3, 0.2, 0.4])) == [0.3, 0.2, 0.0, 0.4]


def test_the_minute_of_salience_marks_what_happens_in_it() -> None:
    events = (Event("cut", 40.0, 43.0), Event("knock", 60.0, 60.4), Event("turn", 200.0, 201.2))
    assert salience_minute.busiest_minute_s(events, 240.0) == 30.0
    times_s = np.arange(1, 2401) / 10.0
    lines = {"fused salience": np.zeros(2400), "flux": np.ones(2400)}
    drawn = salience_minute.picture(times_s, lines, 1, events, 30.0, "test 0")
    root = ElementTree.fromstring(drawn)
    words = [item.text for item in root.iter("{http://www.w3.org/2000/svg}text")]
    assert {"cut", "knock", "fused salience", "flux", "30 s", "90 s"} <= set(words)
    assert "turn" not in words
    heights = [
        {point.split(",")[1] for point in item.attrib["points"].split()}
        for item in root.iter("{http://www.w3.org/2000/svg}polyline")
    ]
    assert [len(row) for row in heights] == [1, 1]
    # Each row has its own base line, and 1 is a row above it.
    base_px = salience_minute.TOP_PX + salience_minute.ROW_PX
    assert heights[0] == {f"{base_px:.1f}"}
    assert heights[1] == {f"{base_px + salience_minute.GAP_PX:.1f}"}


def test_the_minute_of_salience_is_in_its_page_and_small() -> None:
    path = ROOT / "docs/images/salience_minute.svg"
    assert path.stat().st_size < 300_000
    ElementTree.fromstring(path.read_text(encoding="utf-8"))
    assert "images/salience_minute.svg" in (ROOT / "docs/salience_benchmark.md").read_text()


def test_the_week_of_states_is_the_one_that_was_recorded() -> None:
    stored = json.loads(week_of_states.STORED.read_text(encoding="utf-8"))
    drawn = week_of_states.picture(stored)
    assert drawn == (ROOT / "docs/images/week_of_states.svg").read_text(encoding="utf-8")
    paths = list(ElementTree.fromstring(drawn).iter("{http://www.w3.org/2000/svg}path"))
    assert {item.get("class") for item in paths} >= {*week_of_states.STATES, "salience"}
    for day in stored.values():
        assert np.allclose(np.sum(day["shares"], axis=1), 1.0, atol=0.03)
    assert "images/week_of_states.svg" in (ROOT / "docs/orchestrator.md").read_text()
