"""The fixed layout of the proprioception puzzle, and its quantisation both ways.

Rows: five body parts of 6 rows: head, torso, upper, lower, effectors.
Columns: three times of 10 columns: past (0.5 s ago), now, predicted (0.2 s ahead).
Each of the 15 blocks of 6x10 cells holds 12 slots of 5 cells: slot s lies in row s % 6 of the
block, in its left half for s < 6 and in its right half otherwise.
Slots of the torso: roll, pitch, yaw, angular rate x, y, z, acceleration x, y, z, and position,
velocity and effort of one joint. Slots of every other part: position, velocity and effort of four
joints.
A slot is a bar: its level 0..45 fills its cells from the left, 9 steps a cell, so that a higher
code always means more. Level 0: not known; 1..45: the value from -limit to +limit.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import CODES, GRID

Values = NDArray[np.float64]

PARTS = ("head", "torso", "upper", "lower", "effectors")
TIMES = ("past", "now", "predicted")
SLOTS = 12
TORSO = PARTS.index("torso")
ROLL, PITCH, YAW = 0, 1, 2
RATES, ACCELERATIONS = slice(3, 6), slice(6, 9)
TORSO_JOINT_SLOT = 9

CELLS = 5
TOP = CELLS * (CODES - 1)
STEP = 2.0 / (TOP - 1)
"""One quantisation step, on the companded scale -1..1."""

_ROWS = GRID // len(PARTS)
_COLUMNS = GRID // len(TIMES)
_ANGLE, _RATE, _ACCELERATION = math.pi, 20.0, 80.0
_VELOCITY, _EFFORT = 20.0, 200.0
_JOINT = (_ANGLE, _VELOCITY, _EFFORT)


_OF_JOINT = ("position", "velocity", "effort")
_TORSO_NAMES = (
    *("roll", "pitch", "yaw"),
    *("rate x", "rate y", "rate z"),
    *("accel. x", "accel. y", "accel. z"),
    *(f"joint {name}" for name in _OF_JOINT),
)
SLOT_NAMES = tuple(
    _TORSO_NAMES
    if part == "torso"
    else tuple(f"joint {at} {name}" for at in range(1, SLOTS // 3 + 1) for name in _OF_JOINT)
    for part in PARTS
)
"""What the slots of every part hold, [5][12]."""


def _limits() -> Values:
    limits = np.tile(np.array(_JOINT), (len(PARTS), SLOTS // 3))
    limits[TORSO, :TORSO_JOINT_SLOT] = [
        _ANGLE, _ANGLE / 2, _ANGLE, *[_RATE] * 3, *[_ACCELERATION] * 3,
    ]  # fmt: skip
    return limits


LIMITS = _limits()
"""Largest magnitude of every slot [5, 12]: rad, rad/s, m/s^2; rad or m, rad/s or m/s, Nm or N."""
ANGLES = np.isclose(LIMITS, _ANGLE) | np.isclose(LIMITS, _ANGLE / 2)
"""Which slots are positions, quantised evenly; the others are finer around zero."""


def absent() -> Values:
    """A body of which nothing is known: NaN, [5, 12]."""
    return np.full((len(PARTS), SLOTS), np.nan)


def compand(body: Values) -> Values:
    """Physical values [..., 5, 12] -> [-1, 1]: even for positions, signed root for the rest."""
    share = np.clip(body / LIMITS, -1.0, 1.0)
    return np.where(ANGLES, share, np.sign(share) * np.sqrt(np.abs(share)))


def expand(companded: Values) -> Values:
    """The inverse of `compand`, within the limits."""
    return LIMITS * np.where(ANGLES, companded, np.sign(companded) * companded**2)


def encode_body(bodies: Values) -> NDArray[np.uint8]:
    """Past, now and predicted bodies [3, 5, 12], NaN where unknown, as a puzzle [30, 30].

    Raises:
        InvalidInput: another shape, or infinite values.
    """
    if bodies.shape != (len(TIMES), len(PARTS), SLOTS):
        raise InvalidInput("bodies", f"shape {bodies.shape}", f"[3, 5, {SLOTS}]")
    if np.isinf(bodies).any():
        raise InvalidInput("bodies", "infinite values", "finite numbers, or NaN if unknown")
    known = ~np.isnan(bodies)
    companded = compand(np.where(known, bodies, 0.0))
    levels = np.where(known, 1 + np.rint((companded + 1.0) / STEP), 0).astype(np.int64)
    bars = np.clip(levels[..., None] - (CODES - 1) * np.arange(CELLS), 0, CODES - 1)
    # [time, part, half, row, cell] -> [part, row, time, half, cell]
    grid = bars.reshape(len(TIMES), len(PARTS), 2, _ROWS, CELLS).transpose(1, 3, 0, 2, 4)
    codes: NDArray[np.uint8] = grid.reshape(GRID, GRID).astype(np.uint8)
    return codes


def decode_body(codes: NDArray[np.uint8]) -> Values:
    """The bodies [3, 5, 12] in a puzzle [30, 30], to half a quantisation step; NaN if unknown.

    Raises:
        InvalidInput: another shape, or a code above 9.
    """
    if codes.shape != (GRID, GRID) or int(codes.max()) >= CODES:
        raise InvalidInput("codes", f"shape {codes.shape}", f"[{GRID}, {GRID}], each 0..9")
    grid = codes.reshape(len(PARTS), _ROWS, len(TIMES), _COLUMNS // CELLS, CELLS)
    levels = grid.sum(axis=4, dtype=np.int64).transpose(2, 0, 3, 1)
    levels = levels.reshape(len(TIMES), len(PARTS), SLOTS)
    values = expand((levels - 1) * STEP - 1.0)
    return np.where(levels == 0, np.nan, values)
