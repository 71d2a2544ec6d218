"""IMU recordings: acceleration [m/s^2] and rotation [rad/s], float64 [n, 6] at 100 Hz."""

from __future__ import annotations

import csv
import gzip
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rosbags.highlevel import AnyReader

IMU_RATE = 100
GRAVITY = 9.80665


def table(path: Path) -> NDArray[np.float64]:
    """The rows of a table of numbers with a header, float64 [rows, columns]; .gz is unpacked."""
    content = path.read_bytes()
    text = (gzip.decompress(content) if path.suffix == ".gz" else content).decode()
    header, *rows = csv.reader(text.splitlines())
    # A recording may end within a line.
    return np.array([row for row in rows if len(row) == len(header)], np.float64)


def at_100_hz(times_s: NDArray[np.float64], values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Values float64 [n, columns] at these times as they are a hundred times a second."""
    grid = np.arange(times_s[0], times_s[-1], 1.0 / IMU_RATE)
    return np.stack([np.interp(grid, times_s, column) for column in values.T], axis=1)


def of_bag(path: Path) -> NDArray[np.float64]:
    """The messages of type `Imu` of a bag, by their stamps."""
    stamps, rows = [], []
    with AnyReader([path]) as reader:
        chosen = [c for c in reader.connections if c.msgtype.endswith("/Imu")]
        for connection, _, raw in reader.messages(connections=chosen):
            message = reader.deserialize(raw, connection.msgtype)
            a, w = message.linear_acceleration, message.angular_velocity
            stamps.append(message.header.stamp.sec + message.header.stamp.nanosec * 1e-9)
            rows.append((a.x, a.y, a.z, w.x, w.y, w.z))
    order = np.argsort(stamps, kind="stable")
    return at_100_hz(np.array(stamps)[order], np.array(rows, np.float64)[order])
