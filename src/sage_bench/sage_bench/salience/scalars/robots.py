"""Streams of robots among the recordings: two flight logs, and the stalls of a driving robot."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.scalars.stream import LabelledStream, Stamps, Values, spans

FLIGHTS, STALLS = "flights", "stalls"
TAKE_OFF = Path("logs", "px4_takeoff_small.ulg")
FAILURES = Path("logs", "px4_sensor_failures.ulg")
BAG = Path("bags", "husky_imu_odom_gps.bag")
IMU, ODOMETRY = "/imu/data", "/husky_velocity_controller/odom"
BEFORE_S, AFTER_S = 0.5, 0.5
"""About the time of a message in a flight log: what it reports lies within."""
COMMANDS = "actuator_controls_0", tuple(f"control[{axis}]" for axis in range(4))
SAMPLES = "sensor_combined", ("gyro_rad[0]",)
STANDING_M_S = 0.02
STALL_S = 2.5
PARTS = 3
"""Of the drive before the robot stands, and of that after."""
NS = 1e-9


def flights(data: Path) -> list[LabelledStream]:
    """The events of two flight logs: take-off, landing, disarming; barometers that fail.

    In the first the vehicle takes off on a bench: the stream is what its controller commands (roll,
    pitch, yaw, thrust). In the second the barometer's numbers never change, and all that its
    failures leave in numbers is a pause in the sampling: the stream is the time between samples
    [ms].

    Raises:
        FileNotFoundError: a log is not there.
    """
    stamps, values, events = _log(data / TAKE_OFF, *COMMANDS, ("Takeoff", "Landing", "Disarmed"))
    made = [_about("a take-off", stamps, values, events)]
    stamps, _, events = _log(data / FAILURES, *SAMPLES, ("no barometer",))
    pauses = np.diff(stamps).astype(np.float64)[:, None] * 1e-6
    return [*made, _about("b barometers", stamps[1:], pauses, events)]


def drives(data: Path) -> list[LabelledStream]:
    """What an IMU feels of stalls: once the robot stands by itself; else standing is spliced in.

    The labels of the last are those samples at which the odometry says less than 0.02 m/s. In the
    others, a piece of driving is 2.5 s of that standing instead, once in each: who knows a stall
    may well be quiet about the next. The drive before it and the first half of the standing make
    the streams of one half, the drive after it and the second half those of the other.

    Raises:
        FileNotFoundError: the bag is not there.
    """
    stamps, values, standing = _drive(data / BAG)
    first, last = max(spans(standing), key=lambda span: span[1] - span[0])
    margin, middle = last - first, (first + last) // 2
    before = slice(0, first - margin), values[first:middle]
    after = slice(last + margin, len(values)), values[middle:last]
    period_s = float(np.median(np.diff(stamps))) * NS
    length = round(STALL_S / period_s)
    found = []
    for part in range(PARTS):
        for half, (drive, still) in enumerate((before, after)):
            size = (drive.stop - drive.start) // PARTS
            cut = slice(drive.start + part * size, drive.start + (part + 1) * size)
            offset = part * (len(still) - length) // (PARTS - 1)
            piece = still[offset : offset + length]
            name = f"{2 * part + half} spliced"
            found.append(_spliced(name, stamps[cut], values[cut], piece))
    return [*found, LabelledStream(STALLS, f"{2 * PARTS} stands", stamps, values, standing)]


def _spliced(name: str, stamps: Stamps, values: Values, piece: Values) -> LabelledStream:
    with_stall, labels = values.copy(), np.zeros(len(values), bool)
    here = slice(2 * len(values) // 3, 2 * len(values) // 3 + len(piece))
    with_stall[here], labels[here] = piece, True
    return LabelledStream(STALLS, name, stamps, with_stall, labels)


def _about(name: str, stamps: Stamps, values: Values, events_s: list[float]) -> LabelledStream:
    times_s = stamps * NS
    labels = np.zeros(len(stamps), bool)
    for event_s in events_s:
        labels |= (times_s >= event_s - BEFORE_S) & (times_s <= event_s + AFTER_S)
    return LabelledStream(FLIGHTS, name, stamps, values, labels)


def _log(
    path: Path, topic: str, names: tuple[str, ...], words: tuple[str, ...]
) -> tuple[Stamps, Values, list[float]]:
    """Stamps [ns] and numbers of a topic, and times [s] of messages with one of some words."""
    from pyulog import ULog

    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a flight log; SAGE_DATA names its folder")
    log = ULog(str(path))
    said = log.get_dataset(topic).data
    stamps = said["timestamp"].astype(np.int64) * 1000
    rising = np.r_[True, np.diff(stamps) > 0]
    values = np.stack([said[name] for name in names], axis=1).astype(np.float64)
    messages = log.logged_messages
    events = [m.timestamp * 1e-6 for m in messages if any(word in m.message for word in words)]
    return stamps[rising], values[rising], events


def _drive(path: Path) -> tuple[Stamps, Values, NDArray[np.bool_]]:
    """Stamps [ns] and values float64 [T, 6] of the IMU, and whether the robot stands, bool [T]."""
    from rosbags.highlevel import AnyReader

    if not path.is_file():
        raise FileNotFoundError(f"{path}: expected a recording; SAGE_DATA names its folder")
    stamps, rows, speeds = [], [], []
    with AnyReader([path]) as bag:
        wanted = [c for c in bag.connections if c.topic in (IMU, ODOMETRY)]
        for connection, stamp, raw in bag.messages(connections=wanted):
            message = bag.deserialize(raw, connection.msgtype)
            if connection.topic == ODOMETRY:
                speeds.append((stamp, abs(message.twist.twist.linear.x)))
                continue
            force, turn = message.linear_acceleration, message.angular_velocity
            stamps.append(stamp)
            rows.append((force.x, force.y, force.z, turn.x, turn.y, turn.z))
    times, values, odometry = np.array(stamps, np.int64), np.array(rows), np.array(speeds)
    rising = np.r_[True, times[1:] > np.maximum.accumulate(times)[:-1]]
    times, values = times[rising], values[rising]
    speed = np.interp(times - times[0], odometry[:, 0] - times[0], odometry[:, 1])
    standing = speed < STANDING_M_S
    return times, values, np.asarray(standing)
