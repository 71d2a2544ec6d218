"""Shared by the tests of the plugins."""

from __future__ import annotations

import pytest
from orchestrator_bench import Bench, InlineWorkers


@pytest.fixture
def bench() -> Bench:
    """Jobs run at once: everything is deterministic."""
    return Bench(InlineWorkers())
