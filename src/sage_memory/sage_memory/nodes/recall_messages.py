"""Between the service memory/recall and the core's questions and answers."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import GRID
from sage_common.ros.conversions.stamps import stamp_ns
from sage_memory.core.identifiers import parse_id
from sage_memory.core.recall.format import format_declined, format_notes, format_reason
from sage_memory.core.recall.query import Query, Recalled
from sage_memory.nodes.messages import experience_message
from sage_msgs.srv import Recall

DEFAULT_LIMIT = 10


def query_of(request: Recall.Request) -> Query:
    """The query of a request, its text, picture or sound not yet embedded.

    Raises:
        InvalidInput: an id that is none, codes that are no puzzle, or two examples at once.
    """
    example = np.array(request.example, np.float32) if len(request.example) else None
    given = {
        "example": example is not None,
        "example_image": request.example_image.width > 0,
        "example_sound": len(request.example_sound) > 0,
    }
    if sum(given.values()) > 1:
        names = [name for name, is_given in given.items() if is_given]
        raise InvalidInput(names[1], f"beside {names[0]}", "only one of them")
    identifier = request.example_experience_id
    where = request.place
    return Query(
        text=request.text,
        example=example,
        example_encoder_id=request.example_encoder_id if example is not None else "",
        example_id=parse_id(identifier, "example_experience_id") if identifier else b"",
        example_codes=_codes_of(request) if len(request.example_codes) else None,
        start_ns=stamp_ns(request.start) or None,
        end_ns=stamp_ns(request.end) or None,
        min_salience=request.min_salience,
        modality=request.modality,
        source=request.source,
        entity=request.entity,
        device_id=request.device_id,
        place_frame=request.place_frame,
        place=(where.x, where.y, where.z) if request.place_frame else None,
        place_radius_m=request.place_radius_m,
        limit=request.limit or DEFAULT_LIMIT,
        with_embedding=request.with_embedding,
        with_declined=request.with_declined,
    )


def _codes_of(request: Recall.Request) -> NDArray[np.uint8]:
    codes = np.array(request.example_codes, np.uint8)
    if codes.size != GRID * GRID:
        expected = f"{GRID * GRID} values, row by row"
        raise InvalidInput("example_codes", f"{codes.size} values", expected)
    return codes.reshape(GRID, GRID)


def fill_response(
    response: Recall.Response, recalled: Recalled, with_filter: bool, with_codes: bool = True
) -> None:
    """Put answers, what was declined and what is to be known into a response."""
    answers = recalled.answers
    response.success = True
    response.message = "\n".join(format_notes(recalled, with_filter))
    response.experiences = [experience_message(a.experience, with_codes) for a in answers]
    response.scores = [float(answer.score) for answer in answers]
    response.reasons = [format_reason(answer) for answer in answers]
    response.payload_paths = [str(answer.payload_path or "") for answer in answers]
    response.declined = format_declined(recalled)
