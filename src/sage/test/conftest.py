"""What several tests share: a node, and a rich run."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from rclpy.node import Node
    from rich_bag import RichRun


@pytest.fixture(scope="session")
def rich_run(tmp_path_factory: pytest.TempPathFactory) -> RichRun:
    """Made once: it is only read. It needs the models, which few of the tests do."""
    from rich_bag import run_over_rich_bag

    return run_over_rich_bag(tmp_path_factory.mktemp("rich"))


@pytest.fixture
def node() -> Iterator[Node]:
    """A node of somebody else, in this process: it publishes to us, or listens."""
    import rclpy
    from rclpy.signals import SignalHandlerOptions

    rclpy.init(signal_handler_options=SignalHandlerOptions.NO)
    made = rclpy.create_node("neighbour")
    yield made
    made.destroy_node()
    rclpy.shutdown()
