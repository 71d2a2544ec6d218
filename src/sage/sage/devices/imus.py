"""A second of an IMU at rest: true rate, acceleration near that of gravity, noise."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from sage.devices.observation import Fault, Observation
from sage.devices.samples import rate_hz, samples
from sage_common.core.clock import SystemClock
from sage_sensors.backends import catalogue
from sage_sensors.core.samples import Device, Inertial, SourceError, Track
from sage_sensors.params import ImuParameters

IIO_ROOT = Path(ImuParameters().iio_root)
LENGTH_S = 1.0
GRAVITY_M_S2, NEAR_M_S2 = 9.81, 0.6
MOST_ROTATION_RAD_S = 0.1
ENOUGH_OF_RATE = 0.8


def found(root: Path = IIO_ROOT) -> list[str]:
    """Folders of accelerometers under `root`; those with a gyroscope of their own, or the first."""
    with_accelerometer = sorted(path.parent for path in root.glob("iio:device*/in_accel_x_raw"))
    whole = [folder.name for folder in with_accelerometer if (folder / "in_anglvel_x_raw").exists()]
    return whole or [""][: len(with_accelerometer)]


def source_of(device: str, root: Path = IIO_ROOT) -> Device[Inertial] | Track[Inertial]:
    """The IMU of that folder; empty: the first accelerometer and the first gyroscope."""
    return catalogue.imu("iio", ImuParameters(device=device, iio_root=str(root)), SystemClock())


def look(source: Device[Inertial] | Track[Inertial]) -> Observation:
    """Read an IMU for a second; nothing is written.

    Raises:
        SourceError: it cannot be read; says why.
    """
    read = list(samples(source, LENGTH_S))
    if len(read) < 2:
        raise SourceError(f"{source.source}: fewer than two readings within {LENGTH_S:g} s")
    acceleration = np.array([sample.value.linear_acceleration for sample in read])
    rotation = np.array([sample.value.angular_velocity for sample in read])
    readings_hz = rate_hz([sample.time_ns for sample in read])
    fresh = np.any(np.diff(np.hstack([acceleration, rotation]), axis=0), axis=1)
    true_hz = readings_hz * float(fresh.mean())
    size = float(np.linalg.norm(acceleration, axis=1).mean())
    turning = float(np.linalg.norm(rotation.mean(axis=0)))
    noise = float(acceleration.std(axis=0).max()), float(rotation.std(axis=0).max())
    text = (
        f"{readings_hz:.0f} readings/s, {true_hz:.0f} of them new; acceleration {size:.2f} m/s^2 "
        f"(noise {noise[0]:.3f}), rotation {turning:.3f} rad/s (noise {noise[1]:.4f})"
    )
    measured = {
        "readings_hz": round(readings_hz, 1), "rate_hz": round(true_hz, 1),
        "acceleration_m_s2": round(size, 3), "acceleration_noise_m_s2": round(noise[0], 4),
        "rotation_rad_s": round(turning, 4), "rotation_noise_rad_s": round(noise[1], 5),
    }  # fmt: skip
    faults = _faults(size, turning, true_hz, readings_hz, 1.0 / source.period_s)
    return Observation(text, tuple(faults), measured)


def _faults(
    size_m_s2: float, turning_rad_s: float, true_hz: float, readings_hz: float, asked_hz: float
) -> list[Fault]:
    faults = []
    if true_hz == 0.0:
        faults.append(Fault("frozen: each reading is the same", "load its kernel driver again"))
    elif true_hz < ENOUGH_OF_RATE * readings_hz:
        fix = "raise its sampling_frequency in sysfs, or lower rate_hz of the IMU"
        faults.append(Fault("it measures more slowly than it is read", fix))
    if readings_hz < ENOUGH_OF_RATE * asked_hz:
        fix = "a faster bus clock, or lower rate_hz of the IMU"
        faults.append(Fault(f"slower than the {asked_hz:g} readings/s that were asked for", fix))
    if abs(size_m_s2 - GRAVITY_M_S2) > NEAR_M_S2:
        fix = "hold it still and look again; if it stays, the driver's scale is wrong"
        faults.append(Fault(f"at rest {GRAVITY_M_S2} m/s^2 are expected", fix))
    if turning_rad_s > MOST_ROTATION_RAD_S:
        fix = "hold it still and look again; if it stays, the gyroscope needs calibration"
        faults.append(Fault("it turns", fix))
    return faults
