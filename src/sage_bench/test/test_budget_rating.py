"""The bench of a throttled processor, where there is no cgroup to throttle it."""

from __future__ import annotations

from sage_bench.budget import rating
from sage_bench.encoders.section import Setting


def test_a_machine_without_the_cgroup_is_told_so(tmp_path, monkeypatch):
    monkeypatch.setattr(rating, "CONTROLLER", tmp_path / "cpu")
    found = rating.rows(Setting(tmp_path, tmp_path, quick=True))
    assert not found.rows
    (error,) = found.errors
    assert error.startswith("rating: expected a cgroup v1 of the processor that may be written")
