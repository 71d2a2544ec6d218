"""A section of the encoders' bench: what it is given, what it returns, and how failures show."""

from __future__ import annotations

import math
import sys
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from sage_bench.result import Row
from sage_encoders.backends.model_registry import ModelRegistry
from sage_encoders.backends.onnx_model import OnnxModel
from sage_encoders.core.card import ModelError

RUNS, RUNS_QUICK = 300, 60


@dataclass(frozen=True)
class Setting:
    """What every section measures with.

    Attributes:
        data: folder of the recordings.
        models: folder of the models.
        quick: whether to measure less, for a short run.
    """

    data: Path
    models: Path
    quick: bool

    @property
    def runs(self) -> int:
        """Timed runs of each variant."""
        return RUNS_QUICK if self.quick else RUNS

    @property
    def limit_s(self) -> float:
        """Time after which a comparison of variants ends, even with fewer runs."""
        return 5.0 if self.quick else math.inf

    def file(self, path: Path) -> Path:
        """A recording, of the data folder.

        Raises:
            FileNotFoundError: it is not there.
        """
        found = self.data / path
        if not found.is_file():
            raise FileNotFoundError(f"{found}: expected a recording; SAGE_DATA names their folder")
        return found

    def model(self, name: str) -> Path:
        """A model file, relative to the folder of the models.

        Raises:
            ModelError: it or its card is not there.
        """
        for path in (self.models / name, (self.models / name).with_suffix(".json")):
            if not path.is_file():
                raise ModelError(f"{path}: not there, and so its figures are not measured")
        return self.models / name

    def open(self, name: str, threads: int = 1) -> OnnxModel:
        """An encoder's network as the graph runs it on the CPU, in the precision that nano takes.

        Args:
            name: of the FP32 file without the ending.
            threads: compute threads.

        Raises:
            ModelError: it is not there, or cannot be used.
        """
        self.model(f"{name}.onnx")
        return ModelRegistry().open(name, self.models, "auto", "cpu", threads).model


@dataclass(frozen=True)
class Figures:
    """What a section found; see `Result`."""

    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()


Section = Callable[[Setting], Figures]


def run_all(sections: Mapping[str, Section], setting: Setting) -> Figures:
    """The figures of all sections; one that lacks a model or a recording becomes an error."""
    found = []
    for name, section in sections.items():
        try:
            found.append(section(setting))
        except (ModelError, FileNotFoundError) as error:
            found.append(Figures(errors=(f"{name}: {error}",)))
    return joined(found)


def run_part(name: str, section: Section, setting: Setting) -> Figures:
    """The figures of a section that may fail in any way, which becomes an error.

    Raises:
        ModelError, FileNotFoundError: a model or a recording is missing.
    """
    print(name, file=sys.stderr, flush=True)
    try:
        return section(setting)
    except (ModelError, FileNotFoundError):
        raise
    except Exception as error:  # noqa: BLE001 - what others took minutes to measure must not be lost
        traceback.print_exc()
        return Figures(errors=(f"{name}: {type(error).__name__}: {error}",))


def joined(parts: Sequence[Figures]) -> Figures:
    """All rows, notes and errors, in order; a note that is said twice stands once."""
    notes = dict.fromkeys(note for part in parts for note in part.notes)
    return Figures(
        tuple(row for part in parts for row in part.rows),
        tuple(notes),
        tuple(error for part in parts for error in part.errors),
    )


def has_torch() -> bool:
    """Whether the baselines that need PyTorch can be measured."""
    return find_spec("torch") is not None


NO_TORCH = "PyTorch is not installed (requirements/train.in): baselines that run in it are left out"
