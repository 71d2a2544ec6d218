"""What several tests share: a node, a rich run, and the thermometer of docs/add_a_modality.md."""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from installed_package import installed_with_pip, write_package

if TYPE_CHECKING:
    from rclpy.node import Node
    from rich_bag import RichRun

OWN_MODALITY = """
graph:
  ros__parameters:
    modalities:
      temperature:
        encoder: thermometer.encoder_node:TemperatureEncoderNode
        topic: /thermometer
        type: sensor_msgs/msg/Temperature
"""
"""The same as the package declares, of a modality that no package declares."""


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


@pytest.fixture(scope="session")
def defaults_without_packages() -> None:
    """Nodes' parameters are imported before anything is installed: their defaults stay the same."""
    from sage.graph.description import GraphOptions, describe

    describe(GraphOptions(source="topics"))


@pytest.fixture(scope="session")
def thermometer_site(
    defaults_without_packages: None, tmp_path_factory: pytest.TempPathFactory
) -> Path:
    """Where pip has installed the package of the page."""
    return installed_with_pip(tmp_path_factory.mktemp("thermometer"))


@pytest.fixture
def installed_thermometer(thermometer_site: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The encoder's module; this process and its children find the package."""
    monkeypatch.syspath_prepend(thermometer_site)
    monkeypatch.setenv("PYTHONPATH", str(thermometer_site))
    return importlib.import_module("thermometer.encoder_node")


@pytest.fixture
def thermometer_module(
    defaults_without_packages: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ModuleType:
    """The encoder's module, which can be imported; no package declares a modality."""
    monkeypatch.syspath_prepend(write_package(tmp_path / "package"))
    return importlib.import_module("thermometer.encoder_node")


@pytest.fixture
def thermometer_config(thermometer_module: ModuleType, tmp_path: Path) -> Path:
    """A parameter file with a modality of its own; the encoder can be imported."""
    path = tmp_path / "temperature.yaml"
    path.write_text(OWN_MODALITY)
    return path
