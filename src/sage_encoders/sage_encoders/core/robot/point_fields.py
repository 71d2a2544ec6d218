"""The coordinates in a point cloud's bytes, whatever their layout."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput, MissingInput

AXES = ("x", "y", "z")
_FLOATS = {7: "f4", 8: "f8"}
"""Datatypes of `sensor_msgs/PointField` that a coordinate may have."""


@dataclass(frozen=True)
class PointField:
    """One field of a point: `offset` in bytes; `datatype` as in `sensor_msgs/PointField`."""

    name: str
    offset: int
    datatype: int
    count: int


@dataclass(frozen=True)
class CloudLayout:
    """How the points lie in the bytes, as `sensor_msgs/PointCloud2` says it.

    Attributes:
        height, width: rows of points, and points in a row; one row: not organised.
        fields: of a point.
        point_step, row_step: bytes from one point to the next, and from one row to the next.
        is_bigendian: order of bytes.
    """

    height: int
    width: int
    fields: tuple[PointField, ...]
    point_step: int
    row_step: int
    is_bigendian: bool

    def coordinates(self, data: NDArray[np.uint8]) -> NDArray[np.float32]:
        """x, y and z [3, n] of all points, those that are no numbers too.

        Args:
            data: bytes [row_step * height].

        Raises:
            InvalidInput: the layout lacks a coordinate, contradicts itself or does not fit the
                data.
        """
        dtype = self._point_type()
        used = self.width * self.point_step
        if self.row_step < used:
            raise InvalidInput("row_step", self.row_step, f"width * point_step = {used} or more")
        if len(data) != self.height * self.row_step:
            expected = f"height * row_step = {self.height * self.row_step} bytes"
            raise InvalidInput("data", f"{len(data)} bytes", expected)
        if used == 0 or self.height == 0:
            return np.zeros((len(AXES), 0), np.float32)
        rows = data.reshape(self.height, self.row_step)[:, :used]
        points = np.ascontiguousarray(rows).view(dtype).reshape(-1)
        found = np.empty((len(AXES), len(points)), np.float32)
        with np.errstate(over="ignore"):  # beyond float32: as far away as can be, so none
            for index, axis in enumerate(AXES):
                found[index] = points[axis]
        return found

    def _point_type(self) -> np.dtype[np.void]:
        order = ">" if self.is_bigendian else "<"
        fields = [_coordinate(axis, self.fields) for axis in AXES]
        formats = [order + _FLOATS[field.datatype] for field in fields]
        for field, kind in zip(fields, formats, strict=True):
            end = field.offset + np.dtype(kind).itemsize
            if field.offset < 0 or end > self.point_step:
                expected = f"offset and size within point_step = {self.point_step} bytes"
                raise InvalidInput(f"fields[{field.name}].offset", field.offset, expected)
        return np.dtype(
            {
                "names": AXES,
                "formats": formats,
                "offsets": [field.offset for field in fields],
                "itemsize": self.point_step,
            }
        )


def _coordinate(axis: str, fields: Sequence[PointField]) -> PointField:
    named = [field for field in fields if field.name == axis]
    if not named:
        names = ", ".join(field.name for field in fields) or "none"
        raise MissingInput(f"fields[{axis}]", f"a field {axis} beside {names}")
    if len(named) > 1:
        raise InvalidInput(f"fields[{axis}]", f"{len(named)} of that name", "one")
    field = named[0]
    if field.datatype not in _FLOATS:
        expected = "FLOAT32 (7) or FLOAT64 (8)"
        raise InvalidInput(f"fields[{axis}].datatype", field.datatype, expected)
    if field.count > 1:
        raise InvalidInput(f"fields[{axis}].count", field.count, "1")
    return field
