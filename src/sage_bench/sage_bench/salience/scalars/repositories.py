"""Public repositories of labelled streams: where they come from and how they are read."""

from __future__ import annotations

import csv
import dataclasses
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from sage_bench.salience.scalars.stream import LabelledStream, Stamps, Values
from sage_bench.salience.streams.origins import Origin
from sage_common.core.errors import InvalidInput

FOLDER = "SAGE_BENCH_STREAMS"
"""Names the folder that holds the repositories."""
SECOND_NS = 1_000_000_000
UCR_NAME = re.compile(r"_(\d+)_(\d+)_(\d+)$")
HEART, ECG_HZ = "heart", 128.0
UNTIMED_HZ = 1.0
"""Rate of streams whose files give no times."""
PUMP_CHANNELS = 8


@dataclass(frozen=True)
class Repository:
    """A repository of labelled streams.

    Attributes:
        origin: where it is had; its uses are families of streams.
        read: a file as a stream of a family.
    """

    origin: Origin
    read: Callable[[Path, str], LabelledStream]

    def streams(self, root: Path) -> list[LabelledStream]:
        """All its streams, by family in order of their paths.

        Args:
            root: the folder of the repositories.

        Raises:
            FileNotFoundError: nothing of a family is there.
            InvalidInput: a file is not what it ought to be.
        """
        return [self.read(path, family) for path, family in self._files(root)]

    def _files(self, root: Path) -> list[tuple[Path, str]]:
        base, found = root / self.origin.folder, []
        for family, patterns in self.origin.files.items():
            paths = sorted(path for pattern in patterns for path in base.glob(pattern))
            if not paths:
                raise FileNotFoundError(
                    f"{base}: expected {', '.join(patterns)} of {self.origin.address}; {FOLDER} "
                    "names the folder of the repositories"
                )
            found += [(path, family) for path in paths]
        return found


def streams_folder() -> Path | None:
    """The folder of the repositories; None if none is named."""
    named = os.environ.get(FOLDER, "")
    return Path(named) if named else None


def _pump(path: Path, family: str) -> LabelledStream:
    """Accelerations, current, pressure, temperatures, voltage and flow of a pump's test bench."""
    with path.open(newline="") as file:
        rows = list(csv.reader(file, delimiter=";"))[1:]
    stamps = np.array([row[0].replace(" ", "T") for row in rows], "datetime64[ns]").astype(np.int64)
    numbers = np.array([row[1:] for row in rows], np.float64)
    return _stream(family, path, stamps, numbers[:, :PUMP_CHANNELS], numbers[:, PUMP_CHANNELS])


def _timed(path: Path, family: str) -> LabelledStream:
    """Columns: Unix time [s], value, label."""
    rows = np.loadtxt(path, delimiter=",", skiprows=1, usecols=(0, 1, 2))
    stamps = (rows[:, 0] * SECOND_NS).astype(np.int64)
    return _stream(family, path, stamps, rows[:, 1], rows[:, 2])


def _indicator(path: Path, family: str) -> LabelledStream:
    """As `_timed`; indicators that come each minute and each five minutes are two families."""
    read = _timed(path, family)
    minutes = round(float(np.median(np.diff(read.stamps_ns))) / (60 * SECOND_NS))
    return dataclasses.replace(read, family=f"{family}, {minutes} min")


def _two_columns(path: Path, family: str) -> LabelledStream:
    """Columns: value, label."""
    rows = np.loadtxt(path, delimiter=",")
    rate_hz = ECG_HZ if family == HEART else UNTIMED_HZ
    return _stream(family, path, _regular(len(rows), rate_hz), rows[:, 0], rows[:, 1])


def _generated(path: Path, family: str) -> LabelledStream:
    """Columns: number of the sample, values, label."""
    rows = np.loadtxt(path, delimiter=",", skiprows=1)
    return _stream(family, path, _regular(len(rows), UNTIMED_HZ), rows[:, 1:-1], rows[:, -1])


def _ucr(path: Path, family: str) -> LabelledStream:
    """Values; the name says where the part without anomalies ends, and first and last of one."""
    found = UCR_NAME.search(path.stem)
    if found is None:
        raise InvalidInput("name", path.name, "NNN_UCR_Anomaly_NAME_USUAL_FIRST_LAST.txt")
    values = np.array(path.read_text().split(), np.float64)
    labels = np.zeros(len(values))
    labels[int(found[2]) : int(found[3]) + 1] = 1.0
    return _stream(family, path, _regular(len(values), UNTIMED_HZ), values, labels)


def _regular(count: int, rate_hz: float) -> Stamps:
    return np.round(np.arange(count) / rate_hz * SECOND_NS).astype(np.int64)


def _stream(
    family: str, path: Path, stamps_ns: Stamps, values: Values, labels: Values
) -> LabelledStream:
    """Samples whose stamp does not rise, or that are not finite, are left out."""
    table = values.reshape(len(values), -1)
    good: NDArray[np.bool_] = np.isfinite(table).all(axis=1) & np.isfinite(labels)
    good[1:] &= stamps_ns[1:] > np.maximum.accumulate(stamps_ns)[:-1]
    name = f"{path.parent.name}/{path.stem}"
    return LabelledStream(family, name, stamps_ns[good], table[good], labels[good] > 0.0)


REPOSITORIES = (
    Repository(
        Origin(
            "SKAB",
            "https://github.com/waico/SKAB",
            "b2c0d46c2971dcbfe71e26087b6d231998bb91c2",
            "GPL-3.0",
            {
                "pump, valves": ("data/valve1/*.csv", "data/valve2/*.csv"),
                "pump, other faults": ("data/other/*.csv",),
            },
        ),
        _pump,
    ),
    Repository(
        Origin(
            "anomalydetector",
            "https://github.com/microsoft/anomalydetector",
            "b2687ac3d995d0eb8dd1411c3ed161e96e241b7e",
            "MIT",
            {"indicators": ("srcnn/Test/*.csv",)},
        ),
        _indicator,
    ),
    Repository(
        Origin(
            "donut",
            "https://github.com/NetManAIOps/donut",
            "c8a44d91f102f36ba712e1e896408337501bce9b",
            "none stated",
            {"servers": ("sample_data/cpu4.csv", "sample_data/server_res_eth1out_curve_6*.csv")},
        ),
        _timed,
    ),
    Repository(
        Origin(
            "Bagel",
            "https://github.com/NetManAIOps/Bagel",
            "35c748b5d0be6e0b40a5766d3f9333a0daa56ecb",
            "none stated",
            {"servers": ("sample_data.csv",)},
        ),
        _timed,
    ),
    Repository(
        Origin(
            "TSB-UAD",
            "https://github.com/TheDatumOrg/TSB-UAD",
            "313f0fdeba14292b9db4e1aa94c74a983a25de31",
            "Apache-2.0",
            {HEART: ("data/benchmark/ECG/*.out",), "symbols": ("data/artificial/*.out",)},
        ),
        _two_columns,
    ),
    Repository(
        Origin(
            "TranAD",
            "https://github.com/imperial-qore/TranAD",
            "7ffb98d0c18189cc3d9ab732b4cb0278200a0af0",
            "BSD-3-Clause",
            {"UCR archive": ("data/UCR/*.txt",)},
        ),
        _ucr,
    ),
    Repository(
        Origin(
            "tods",
            "https://github.com/datamllab/tods",
            "314dd6efc6ed3f8d25e100b08de4115edc636e14",
            "Apache-2.0",
            {"UCR archive": ("datasets/anomaly/raw_data/500_UCR_Anomaly_*.txt",)},
        ),
        _ucr,
    ),
    Repository(
        Origin(
            "GutenTAG",
            "https://github.com/TimeEval/GutenTAG",
            "0bf06e601d57f1f1e4e2d52cfbfa27871dd6a021",
            "MIT",
            {"generated": ("tests/generated/*.csv",)},
        ),
        _generated,
    ),
)
