"""The suite runs for the twin and for every backend."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
if HERE not in sys.path:
    sys.path.insert(0, HERE)

from backends import RECORDS, TENSORS, Backend, has_gpu  # noqa: E402


@pytest.fixture(params=RECORDS)
def records_backend(
    request: pytest.FixtureRequest, new_name: Callable[[], str]
) -> Iterator[Backend]:
    backend = Backend(request.param, new_name)
    yield backend
    backend.close()


@pytest.fixture(params=TENSORS)
def tensors_backend(
    request: pytest.FixtureRequest, new_name: Callable[[], str]
) -> Iterator[Backend]:
    if request.param not in RECORDS and not has_gpu():
        pytest.skip("no GPU on this machine")
    backend = Backend(request.param, new_name)
    yield backend
    backend.close()
