"""The encoders: time, quality on held-out data, precision, loading; beside references and nulls."""

from __future__ import annotations

import os
from functools import partial
from pathlib import Path

from sage_bench.encoders import (
    audio,
    autoencoders,
    language,
    loading,
    precision,
    quality,
    robot,
    vision,
)
from sage_bench.encoders.section import Section, Setting, run_all
from sage_bench.result import Result
from sage_common.core.home import sha256_of
from sage_encoders.backends.models_folder import VARIABLE, models_folder
from sage_sensors.backends.recording import data_folder

SECTIONS: dict[str, Section] = {
    "vision, time": vision.time_rows,
    "vision, quality": partial(quality.rows, quality.VISION),
    "audio, time": audio.time_rows,
    "audio, quality": partial(quality.rows, quality.AUDIO),
    "tiny VAE": autoencoders.tiny_rows,
    "light VAE": autoencoders.light_rows,
    "language": language.rows,
    "precision": precision.rows,
    "loading": loading.rows,
    "robot messages": robot.time_rows,
}


def measure(quick: bool) -> Result:
    """All rows; a model or a recording that is missing becomes an error of the result."""
    # The checkout's models: the references are not installed.
    setting = Setting(data_folder(), models_folder(os.environ.get(VARIABLE, "models")), quick)
    found = run_all(SECTIONS, setting)
    return Result("encoders", quick, inputs(setting.models), found.rows, found.notes, found.errors)


def inputs(models: Path) -> dict[str, str]:
    """SHA-256 of every model that lies in the folder."""
    return {str(p.relative_to(models)): sha256_of(p) for p in sorted(models.rglob("*.onnx"))}
