"""Shared by the tests of the orchestrator."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable

import pytest
from orchestrator_bench import Bench, InlineWorkers, ThreadWorkers

# Set before rclpy starts: a domain of our own, this host only.
os.environ.setdefault("ROS_AUTOMATIC_DISCOVERY_RANGE", "LOCALHOST")
os.environ.setdefault("ROS_DOMAIN_ID", "67")
os.environ.setdefault("AMENT_PREFIX_PATH", sys.prefix)


@pytest.fixture
def bench() -> Bench:
    """Jobs run at once: everything is deterministic."""
    return Bench(InlineWorkers())


@pytest.fixture
def threaded() -> Bench:
    """Jobs run on real threads; nothing in the tests depends on how fast."""
    return Bench(ThreadWorkers())


@pytest.fixture(scope="session")
def make_bench() -> Callable[[], Bench]:
    """For property tests, which need a new one for each example."""
    return lambda: Bench(InlineWorkers())


@pytest.fixture
def make_threaded() -> Callable[..., Bench]:
    """Real threads, and the meter of the test's choice."""
    return lambda meter: Bench(ThreadWorkers(), meter)
