"""What a run recognised, beside its answer in words: classes, and objects in a picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.labels import Label, Labels, check_labels
from sage_orchestrator.core.plugin.vocabulary import Vocabulary

CLASS_FIELDS, DETECTION_FIELDS = 2, 3


@dataclass(frozen=True)
class Recognised:
    """What is published as classes and as detections; each is None where nothing was said of it.

    Attributes:
        vocabulary: of the model; numbers of labels are places in it.
        classes: of the whole percept.
        detections: each with its box.
        width, height: of the picture that boxes are shares of [px]; 0 without detections.
    """

    vocabulary: Vocabulary
    classes: Labels | None
    detections: Labels | None
    width: int = 0
    height: int = 0


def recognised(
    result: Mapping[str, Any], vocabulary: Vocabulary | None, objects: Vocabulary | None
) -> tuple[Recognised, ...]:
    """What a result names, by each model that names something.

    Args:
        result: as `Plugin.result` describes it: `classes` is a list of [number, probability],
            `detections` one of [number, probability, [left, top, width, height]] in shares of the
            picture, whose `picture_size` is [width, height] in pixels, `objects` another; all best
            first.
        vocabulary: of the plugin's model.
        objects: of its model that finds objects.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    named = []
    if "classes" in result or "detections" in result:
        classes = _labels("classes", result, vocabulary, CLASS_FIELDS)
        detections = _labels("detections", result, vocabulary, DETECTION_FIELDS)
        named.append((vocabulary, classes, detections))
    if "objects" in result:
        named.append((objects, None, _labels("objects", result, objects, DETECTION_FIELDS)))
    return tuple(
        Recognised(of, classes, found, *(_size(result) if found is not None else (0, 0)))
        for of, classes, found in named
        if of is not None
    )


def _labels(
    field: str, result: Mapping[str, Any], vocabulary: Vocabulary | None, size: int
) -> Labels | None:
    rows = result.get(field)
    if rows is None:
        return None
    if vocabulary is None:
        raise InvalidInput(field, rows, "a vocabulary of the plugin's model beside it")
    if not isinstance(rows, list):
        raise InvalidInput(field, rows, f"a list of rows of {size}")
    for place, row in enumerate(rows):
        if not isinstance(row, list) or len(row) != size:
            raise InvalidInput(f"{field}[{place}]", row, f"a list of {size}")
    try:
        named = tuple(Label(row[0], row[1], *map(tuple, row[2:])) for row in rows)
        labels = Labels(vocabulary.model_id, named)
        check_labels(labels, len(vocabulary.names))
    except TypeError as error:
        raise InvalidInput(field, rows, f"numbers ({error})") from error
    except InvalidInput as error:
        raise InvalidInput(f"{field}: {error.field}", error.value, error.expected) from error
    return labels


def _size(result: Mapping[str, Any]) -> tuple[int, int]:
    size = result.get("picture_size")
    fits = isinstance(size, list) and len(size) == CLASS_FIELDS
    if not fits or not all(isinstance(side, int) and side >= 1 for side in size or ()):
        raise InvalidInput("picture_size", size, "[width, height] in pixels beside detections")
    assert size is not None
    return size[0], size[1]
