"""How a body moves, in numbers that tell rest, walking and a knock apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

SPANS_S = (0.1, 0.3, 1.0)
WINDOW_S = SPANS_S[-1]
# What a resting sensor shows anyway, so that its noise hardly turns the vector.
RATE_NOISE, ACCELERATION_NOISE, JERK_NOISE = 0.05, 0.3, 30.0
PRESENCE = 0.5
MOTION_NUMBERS = (*SPANS_S, RATE_NOISE, ACCELERATION_NOISE, JERK_NOISE, PRESENCE)
SIZE = 1 + 3 + 3 + 2 * 3 * len(SPANS_S) + 3 + 1


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
        interval_s = np.maximum(-np.diff(age_s), 1e-3)
        jerk = np.diff(samples[:, 3:], axis=0) / interval_s[:, None]
        features[at : at + 3] = _strength(np.sqrt((jerk**2).mean(axis=0)), JERK_NOISE)
        recent = jerk[age_s[1:] <= SPANS_S[0]]
        highest = float(np.linalg.norm(recent, axis=1).max(initial=0.0))
        features[at + 3] = _strength(np.array([highest]), JERK_NOISE)[0]
    return features


def _strength(value: Values, noise: Values | float) -> Values:
    strength: Values = np.log(np.maximum(value / noise, 1.0)) / 4.0
    return strength
