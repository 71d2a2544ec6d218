"""A home folder for SAGE, and `sage` commands in it that do not outlive their test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import graph_command
import pytest


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def start(home: Path) -> Iterator[graph_command.Start]:
    """Starts `sage WORDS` in the home folder."""
    with graph_command.starting(home) as start_one:
        yield start_one
