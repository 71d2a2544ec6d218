"""What SAGE's nodes say to each other, and what they recognised."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numpy as np

from sage_common.core.errors import InvalidInput
from sage_common.core.health import PressureLevel
from sage_common.core.puzzle import CODES, GRID
from sage_common.ros.checks.fields import (
    check_finite,
    check_not_empty,
    check_not_longer,
    check_not_negative,
    check_unit,
    check_vector,
)
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.tensors.handles import check_handle

CRISIS = 4
"""The last of the states of `sage_msgs/MetabolicState`."""
_DIMENSIONS = ("surprise", "novelty", "arousal", "reward", "conflict")


def _utterance(message: Any) -> None:
    if not message.text.strip():
        raise InvalidInput("text", message.text, "words")
    check_not_longer("text", message.text)
    check_unit("confidence", message.confidence)


def _budget(message: Any) -> None:
    for field in ("cycle_ms", "budget_atp", "allocated_atp", "spent_atp", "returned_atp"):
        check_not_negative(field, getattr(message, field))
    check_unit("rating", message.rating)
    for plugin in message.plugins:
        check_not_empty("plugins.name", plugin.name)
        check_unit(f"plugins[{plugin.name}].trust", plugin.trust)
        for field in ("allocated_atp", "spent_atp", "returned_atp"):
            check_not_negative(f"plugins[{plugin.name}].{field}", getattr(plugin, field))


def _experience(message: Any) -> None:
    for field in ("id", "modality"):
        check_not_empty(field, getattr(message, field))
    for field in (*_DIMENSIONS, "total"):
        check_unit(field, getattr(message, field))
    if len(message.codes):
        _codes(message.codes)
    check_finite("embedding", np.frombuffer(message.embedding, np.float32))
    if stamp_ns(message.end) < stamp_ns(message.start):
        raise InvalidInput("end", stamp_ns(message.end), "not before start")


def _codes(values: Any) -> None:
    codes = np.asarray(values)
    if codes.size != GRID * GRID or int(codes.max()) >= CODES:
        raise InvalidInput("codes", f"maximum {codes.max()}", f"{GRID}x{GRID} codes below {CODES}")


def _puzzle(message: Any) -> None:
    check_not_empty("modality", message.modality)
    if not message.valid:
        return
    _codes(message.codes)
    check_vector("embedding", message.embedding)
    check_not_empty("encoder_id", message.encoder_id)


def _salience(message: Any) -> None:
    check_not_empty("modality", message.modality)
    for field in (*_DIMENSIONS, "total", "p_value"):
        check_unit(field, getattr(message, field))
    _alarms_per_hour(message)
    cells = message.grid_rows * message.grid_columns
    if len(message.grid) != cells:
        raise InvalidInput("grid", f"{len(message.grid)} cells", f"{cells} cells")
    check_finite("grid", np.frombuffer(message.grid, np.float32))


def _fused(message: Any) -> None:
    for field in (*_DIMENSIONS, "total"):
        check_unit(field, getattr(message, field))
    _alarms_per_hour(message)
    if len(message.weights) != len(message.modalities):
        raise InvalidInput(
            "weights", f"{len(message.weights)} values", f"{len(message.modalities)} values"
        )
    for salience in message.modalities:
        _salience(salience)


def _alarms_per_hour(message: Any) -> None:
    """0 is what a publisher leaves that does not know the field; it would be the rarest of all."""
    rate = message.alarms_per_hour
    if message.valid and not (math.isfinite(rate) and rate > 0.0):
        raise InvalidInput("alarms_per_hour", rate, "a number above 0 [1/h]")


def _weights(message: Any) -> None:
    if len(message.weights) != len(message.names):
        found = f"{len(message.weights)} values"
        raise InvalidInput("weights", found, f"{len(message.names)} values")
    check_finite("weights", np.frombuffer(message.weights, np.float32))
    check_unit("trust", message.trust)
    for field in ("auroc_fused", "auroc_learned", "auroc_equal"):
        if not math.isnan(getattr(message, field)):
            check_unit(field, getattr(message, field))


def _attention(message: Any) -> None:
    if not message.valid:
        return
    check_unit("salience", message.salience)
    _alarms_per_hour(message)
    _region("", message)
    for place, region in enumerate(message.regions):
        _region(f"regions[{place}].", region)
        check_unit(f"regions[{place}].inhibited", region.inhibited)


def _region(path: str, region: Any) -> None:
    for field in ("x_min", "y_min", "x_max", "y_max", "confidence"):
        check_unit(path + field, getattr(region, field))
    if region.x_max <= region.x_min or region.y_max <= region.y_min:
        found = (region.x_min, region.y_min, region.x_max, region.y_max)
        raise InvalidInput(f"{path}x_max, y_max", found, "greater than x_min, y_min")


def _refinement(message: Any) -> None:
    check_not_empty("plugin", message.plugin)
    check_not_negative("spent_atp", message.spent_atp)
    check_finite("energies", np.frombuffer(message.energies, np.float32))


def _classification(message: Any) -> None:
    for place, result in enumerate(message.results):
        _hypothesis(f"results[{place}]", result)


def _detections(message: Any) -> None:
    for place, found in enumerate(message.detections):
        path = f"detections[{place}]"
        for number, result in enumerate(found.results):
            _hypothesis(f"{path}.results[{number}].hypothesis", result.hypothesis)
        check_finite(
            f"{path}.bbox.center", [found.bbox.center.position.x, found.bbox.center.position.y]
        )
        for field in ("size_x", "size_y"):
            check_not_negative(f"{path}.bbox.{field}", getattr(found.bbox, field))


def _hypothesis(path: str, hypothesis: Any) -> None:
    check_not_empty(f"{path}.class_id", hypothesis.class_id)
    check_unit(f"{path}.score", hypothesis.score)


def _label_info(message: Any) -> None:
    check_not_empty("header.frame_id", message.header.frame_id)
    check_not_empty("class_map", message.class_map)


def _outcome(message: Any) -> None:
    if not (math.isfinite(message.reward) and -1.0 <= message.reward <= 1.0):
        raise InvalidInput("reward", message.reward, "a number from -1 to 1")
    if stamp_ns(message.end) < stamp_ns(message.start):
        raise InvalidInput("end", stamp_ns(message.end), "not before start")


def _pressure(message: Any) -> None:
    for field in ("level", "reclaim_level"):
        if getattr(message, field) > PressureLevel.CRITICAL:
            raise InvalidInput(field, getattr(message, field), "0 (green) to 4 (critical)")


def _state(message: Any) -> None:
    if message.state > CRISIS:
        raise InvalidInput("state", message.state, f"0 to {CRISIS}")
    for name in ("energy_reserve", "max_camera_rate_hz", "max_imu_rate_hz"):
        check_not_negative(name, getattr(message, name))


CHECKS: dict[str, Callable[[Any], None]] = {
    "vision_msgs/msg/Classification": _classification,
    "vision_msgs/msg/Detection2DArray": _detections,
    "vision_msgs/msg/LabelInfo": _label_info,
    "sage_msgs/msg/Attention": _attention,
    "sage_msgs/msg/BudgetState": _budget,
    "sage_msgs/msg/Experience": _experience,
    "sage_msgs/msg/FusedSalience": _fused,
    "sage_msgs/msg/FusionWeights": _weights,
    "sage_msgs/msg/MetabolicState": _state,
    "sage_msgs/msg/Outcome": _outcome,
    "sage_msgs/msg/Puzzle": _puzzle,
    "sage_msgs/msg/Refinement": _refinement,
    "sage_msgs/msg/ResourcePressure": _pressure,
    "sage_msgs/msg/Salience": _salience,
    "sage_msgs/msg/TensorHandle": check_handle,
    "sage_msgs/msg/Utterance": _utterance,
}
"""By interface name."""
