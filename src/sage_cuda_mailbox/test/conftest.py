"""Mailboxes of tests: their names, and that none is left behind."""

from __future__ import annotations

import itertools
import os
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import sage_cuda_mailbox

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)  # the twin, and what child processes import

_numbers = itertools.count()


@pytest.fixture
def new_name() -> Iterator[Callable[[], str]]:
    """Names that no other test has; what is left of their mailboxes fails the test."""
    prefix = f"test.{os.getpid()}.{next(_numbers)}"
    count = itertools.count()
    yield lambda: f"{prefix}.{next(count)}"
    left = [name for name in sage_cuda_mailbox.list_mailboxes() if name.startswith(prefix + ".")]
    sage_cuda_mailbox.sweep_stale()
    assert left == []


@pytest.fixture
def name(new_name: Callable[[], str]) -> str:
    return new_name()
