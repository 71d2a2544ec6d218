"""What one run reports of itself, checked against `telemetry.schema.json`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from importlib import resources
from typing import Any

from sage_orchestrator.core.running.schema import validate

SCHEMA_FILE = "telemetry.schema.json"


@cache
def telemetry_schema() -> Mapping[str, Any]:
    """The schema."""
    text = (
        resources.files("sage_orchestrator.core.running").joinpath(SCHEMA_FILE).read_text("utf-8")
    )
    schema: Mapping[str, Any] = json.loads(text)
    return schema


def checked_telemetry(telemetry: Mapping[str, Any]) -> Mapping[str, Any]:
    """The telemetry, if it fits the schema.

    Raises:
        InvalidInput: the first thing that does not fit, with its path.
    """
    validate(telemetry, telemetry_schema())
    return telemetry
