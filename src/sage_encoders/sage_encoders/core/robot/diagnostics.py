"""The health of a robot's parts as rows of levels over half a minute, and an embedding of faults.

Rows: each name has one, chosen by a hash of it, the same on every robot and after every start;
names that share a row show the worst of them. Columns: 1 s each, the newest at the right. Codes:
0 nothing is known, 1 OK, 4 WARN, 6 STALE, 9 ERROR.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import GRID
from sage_common.core.state.fields import State
from sage_encoders.core.robot import polar
from sage_encoders.core.robot.collector import Collector, View
from sage_encoders.core.robot.strip_chart import StripChart, chart_places

Floats = NDArray[np.float64]

OK, WARN, ERROR, STALE = range(4)
LEVELS = ("OK", "WARN", "ERROR", "STALE")
CODES_OF = (1, 4, 9, 6)
"""Code of each level, by its number; the higher the worse."""
WEIGHTS = (0.0, 0.5, 1.5, 1.0)
"""Length of each level in the embedding."""
COLUMN_S = 1.0
SIZE, SPARSE = 127, 8
PLACES = chart_places(["levels"], COLUMN_S)
"""Rows have no names, for many parts may share one; the percept's words name the worst."""
FORGET_S = 600.0
MOST_NAMES = 4096
WORDS = 200
ENCODER_ID = polar.encoder_id("diagnostics", 1, (*CODES_OF, *WEIGHTS, COLUMN_S, SIZE, SPARSE))


class Status(NamedTuple):
    """One part's report; `level` as in `diagnostic_msgs/DiagnosticStatus`."""

    name: str
    level: int
    message: str


@dataclass(frozen=True)
class Part:
    """What is known of one part: its last report, when it came and when its level changed."""

    status: Status
    heard_ns: int
    changed_ns: int


class DiagnosticsEncoder(Collector):
    """Collects reports; `percept` encodes the last half minute, with the worst in words.

    Args:
        modality, source: of its percepts.
        stale_s: silence after which a part counts as STALE, as an aggregator would say [s].
    """

    encoder_id = ENCODER_ID
    _parts: State[dict[str, Part]]
    _chart: State[StripChart]

    def __init__(
        self, modality: str = "diagnostics", source: str = "diagnostics", stale_s: float = 10.0
    ) -> None:
        super().__init__(modality, source)
        self._stale_ns = round(stale_s * NS_PER_S)
        self._parts = {}
        self._chart = StripChart(GRID, round(COLUMN_S * NS_PER_S))

    @property
    def parts(self) -> int:
        """Names that are known."""
        return len(self._parts)

    def add(self, stamp_ns: int, reports: Sequence[Status]) -> None:
        """Take reports; messages of several publishers may come a little out of order.

        Raises:
            InvalidInput: none, one without a name, or a level that there is not.
        """
        if not reports:
            raise InvalidInput("status", [], "at least one")
        for index, report in enumerate(reports):
            if not report.name:
                raise InvalidInput(f"status[{index}].name", report.name, "not empty")
            if report.level not in range(len(LEVELS)):
                expected = "0 (OK), 1 (WARN), 2 (ERROR) or 3 (STALE)"
                raise InvalidInput(f"status[{index}].level", report.level, expected)
        if self._is_set_back(stamp_ns):
            self._parts.clear()
            self._chart = StripChart(GRID, round(COLUMN_S * NS_PER_S))
        for report in reports:
            self._hear(stamp_ns, report)
        self._stamp_ns = max(self._stamp_ns, stamp_ns)
        if len(self._parts) > MOST_NAMES:
            by_age = sorted(self._parts.items(), key=lambda item: item[1].heard_ns)
            self._parts = dict(by_age[-MOST_NAMES:])

    def _view(self) -> View:
        self._age()
        self._chart.add(self._stamp_ns, self._rows())
        codes = np.nan_to_num(self._chart.values).astype(np.uint8)
        return View(codes, self._embedding(), self._worst(self._encoded_ns))

    def _hear(self, stamp_ns: int, report: Status) -> None:
        known = self._parts.get(report.name)
        if known is not None and stamp_ns < known.heard_ns:
            return
        is_same = known is not None and known.status.level == report.level
        changed_ns = known.changed_ns if known is not None and is_same else stamp_ns
        short = report._replace(message=report.message[:WORDS])
        self._parts[report.name] = Part(short, stamp_ns, changed_ns)

    def _age(self) -> None:
        """Parts that are silent become STALE, and are forgotten at last."""
        for name, part in list(self._parts.items()):
            silent_ns = self._stamp_ns - part.heard_ns
            if silent_ns > FORGET_S * NS_PER_S:
                del self._parts[name]
            elif silent_ns > self._stale_ns and part.status.level != STALE:
                words = f"no report for more than {self._stale_ns / NS_PER_S:g} s"
                status = Status(name, STALE, words)
                self._parts[name] = replace(part, status=status, changed_ns=self._stamp_ns)

    def _rows(self) -> Floats:
        rows = np.full(GRID, np.nan)
        for name, part in self._parts.items():
            row = row_of(name)
            rows[row] = np.fmax(rows[row], CODES_OF[part.status.level])
        return rows

    def _embedding(self) -> NDArray[np.float32]:
        """A constant, and a direction of its own for every part that is not OK: unit [128]."""
        vector = np.zeros(SIZE + 1)
        vector[0] = 1.0
        for name, part in sorted(self._parts.items()):
            if part.status.level != OK:
                places, signs = _direction(name)
                np.add.at(vector, places, signs * WEIGHTS[part.status.level])
        unit: NDArray[np.float32] = (vector / np.linalg.norm(vector)).astype(np.float32)
        return unit

    def _worst(self, before_ns: int) -> str:
        """The worst of what has changed since, else of all, in words; empty if all is OK."""
        faulty = [part for part in self._parts.values() if part.status.level != OK]
        if not faulty:
            return ""
        worst = max(
            faulty,
            key=lambda part: (
                part.changed_ns > before_ns,
                CODES_OF[part.status.level],
                part.changed_ns,
                part.status.name,
            ),
        ).status
        others = f" (and {len(faulty) - 1} more)" if len(faulty) > 1 else ""
        words = f": {worst.message}" if worst.message else ""
        return f"{LEVELS[worst.level]} of {worst.name}{words}{others}"


def row_of(name: str) -> int:
    """The row of a part, the same everywhere and always."""
    return _hash(name)[0] % GRID


def _hash(name: str) -> bytes:
    return hashlib.blake2b(name.encode("utf-8", "replace"), digest_size=2 * SPARSE + 1).digest()


def _direction(name: str) -> tuple[NDArray[np.intp], Floats]:
    """Eight places of the embedding and their signs, of length 1 (feature hashing)."""
    drawn = np.frombuffer(_hash(name), np.uint8)[1:].astype(np.intp)
    signs = np.where(drawn[SPARSE:] % 2, 1.0, -1.0) / np.sqrt(SPARSE)
    return 1 + drawn[:SPARSE] % SIZE, signs
