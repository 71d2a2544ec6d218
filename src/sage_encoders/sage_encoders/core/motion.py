"""How a body moves, in numbers that tell rest, walking and a knock apart."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SPANS_S = (0.1, 0.3, 1.0)
WINDOW_S = SPANS_S[-1]
# What a resting sensor shows anyway, so that its noise hardly turns the vector.
RATE_NOISE, ACCELERATION_NOISE, JERK_NOISE = 0.05, 0.3, 30.0
PRESENCE = 0.5
TURN_S, TURN_NOISE = 0.5, 0.2
SUMMARY_LIMIT = 2.0
MOTION_NUMBERS = (
    *SPANS_S, RATE_NOISE, ACCELERATION_NOISE, JERK_NOISE, PRESENCE, TURN_S, TURN_NOISE,
    SUMMARY_LIMIT,
)  # fmt: skip
SIZE = 1 + 3 + 3 + 2 * 3 * len(SPANS_S) + 3 + 1
SUMMARY_SIZE = 3


def motion_features(age_s: Values, samples: Values) -> Values:
    """Features of the last second of an IMU: [29].

    A constant (so that the length of the rest is not lost when all is scaled to unit length), the
    direction of the mean specific force, the mean rates, the spread of rates and accelerations over
    0.1, 0.3 and 1 s, the RMS jerk and the highest jerk of the last 0.1 s; spreads and jerks as
    log(max(value / noise, 1)) / 4, so that a doubling counts the same at every strength.

    Args:
        age_s: age of each sample [n], oldest first.
        samples: rates x, y, z [rad/s] and accelerations x, y, z [m/s^2], [n, 6]. n = 0: no IMU.
    """
    features = np.zeros(SIZE)
    features[0] = PRESENCE
    if len(samples) == 0:
        return features
    force = samples[:, 3:].mean(axis=0)
    features[1:4] = force / max(float(np.linalg.norm(force)), 1e-6)
    features[4:7] = np.tanh(samples[:, :3].mean(axis=0))
    noise = np.repeat((RATE_NOISE, ACCELERATION_NOISE), 3)
    at = 7
    for span_s in SPANS_S:
        part = samples[age_s <= span_s]
        features[at : at + 6] = _strength(part.std(axis=0), noise)
        at += 6
    if len(samples) > 1:
        jerk = _jerk(age_s, samples)
        features[at : at + 3] = _strength(np.sqrt((jerk**2).mean(axis=0)), JERK_NOISE)
        highest = _highest(age_s, jerk)
        features[at + 3] = _strength(np.array([highest]), JERK_NOISE)[0]
    return features


def motion_summary(age_s: Values, samples: Values) -> Values:
    """How the body turns, sways and is struck just now: [3], each within -2..2, 0 without an IMU.

    The mean rate of rotation about the vertical over 0.5 s, with its sign; the RMS of the rotation
    over 0.1 s; the highest jerk of 0.1 s. Each as log(1 + value / noise) / 4.

    Args:
        age_s, samples: as of `motion_features`.
    """
    summary = np.zeros(SUMMARY_SIZE)
    if len(samples) == 0:
        return summary
    force = samples[:, 3:].mean(axis=0)
    down = force / max(float(np.linalg.norm(force)), 1e-6)
    turning = float(samples[age_s <= TURN_S, :3].mean(axis=0) @ down)
    newest = samples[age_s <= SPANS_S[0], :3]
    summary[0] = math.copysign(math.log1p(abs(turning) / TURN_NOISE), turning)
    summary[1] = math.log1p(math.sqrt(float((newest**2).sum(axis=1).mean())) / RATE_NOISE)
    if len(samples) > 1:
        summary[2] = math.log1p(_highest(age_s, _jerk(age_s, samples)) / JERK_NOISE)
    return np.clip(summary / 4.0, -SUMMARY_LIMIT, SUMMARY_LIMIT)


def _jerk(age_s: Values, samples: Values) -> Values:
    """Change of the acceleration from each sample to the next, [n - 1, 3] in m/s^3."""
    interval_s = np.maximum(-np.diff(age_s), 1e-3)
    jerk: Values = np.diff(samples[:, 3:], axis=0) / interval_s[:, None]
    return jerk


def _highest(age_s: Values, jerk: Values) -> float:
    recent = jerk[age_s[1:] <= SPANS_S[0]]
    return float(np.linalg.norm(recent, axis=1).max(initial=0.0))


def _strength(value: Values, noise: Values | float) -> Values:
    strength: Values = np.log(np.maximum(value / noise, 1.0)) / 4.0
    return strength
