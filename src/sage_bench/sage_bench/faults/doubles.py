"""Sensors that are no hardware: they are unplugged, or measure nonsense, when they are told to."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, Generic, TypeVar

import numpy as np

from sage_common.core.clock import NS_PER_S, Clock
from sage_sensors.core.samples import Device, Inertial, Sound, SourceError, Stamped, Track
from sage_sensors.nodes.camera_node import CameraNode
from sage_sensors.nodes.imu_node import ImuNode
from sage_sensors.nodes.microphone_node import MicrophoneNode
from sage_sensors.nodes.sensor_node import SensorNode

UNPLUGGED, NAN = "unplugged", "nan"
T = TypeVar("T")


def order(home: Path, node: str) -> Path:
    """The file that tells the sensor of a node what is wrong with it; without it nothing is."""
    return home / f"double-{node}"


def felt(home: Path, node: str) -> Path:
    """The file that the sensor makes once it has obeyed."""
    return home / f"double-{node}.felt"


class PluggedDevice(Generic[T]):
    """A generated signal as a device that one reads as time passes.

    Args:
        track: the signal; its samples are stamped when they are due.
        clock: for the stamps.
        home, node: where the order is looked for.
    """

    polled = False
    overruns = 0

    def __init__(self, track: Track[T], clock: Clock, home: Path, node: str) -> None:
        self.source, self.period_s = track.source, track.period_s
        self._track, self._clock = track, clock
        self._order, self._felt = order(home, node), felt(home, node)
        self._samples: Iterator[Stamped[T]] = iter(())
        self._begin_s = 0.0

    def open(self) -> None:
        self._check()
        self._samples = self._track.items()
        self._begin_s = time.monotonic()

    def read(self) -> Stamped[T] | None:
        told = self._check()
        sample = next(self._samples)
        due_s = self._begin_s + sample.time_ns / NS_PER_S
        time.sleep(max(due_s - time.monotonic(), 0.0))
        value = nonsense(sample.value) if told == NAN else sample.value
        return Stamped(self._clock.now_ns(), value)

    def close(self) -> None:
        self._samples = iter(())

    def _check(self) -> str:
        told = self._order.read_text() if self._order.exists() else ""
        if told:
            self._felt.touch()
        if told == UNPLUGGED:
            raise SourceError(f"{self.source}: no such device; unplugged?")
        return told


def nonsense(value: Any) -> Any:
    """The sample with NaN for numbers; pictures have none that could be."""
    if isinstance(value, Sound):
        return replace(value, samples=np.full_like(value.samples, np.nan))
    if isinstance(value, Inertial):
        nan = np.full(3, np.nan)
        return replace(value, angular_velocity=nan, linear_acceleration=nan)
    return value


def plugged(node: SensorNode, track: Any) -> PluggedDevice[Any]:
    """The signal of a node as its device."""
    return PluggedDevice(track, node.clock, node.home, node.name)


class PluggedCamera(CameraNode):
    """A camera that can be unplugged."""

    def make_source(self, backend: str) -> Device[Any]:
        return plugged(self, super().make_source(backend))


class PluggedMicrophone(MicrophoneNode):
    """A microphone that can be unplugged."""

    def make_source(self, backend: str) -> Device[Any]:
        return plugged(self, super().make_source(backend))


class PluggedImu(ImuNode):
    """An IMU that can be unplugged."""

    def make_source(self, backend: str) -> Device[Any]:
        return plugged(self, super().make_source(backend))
