"""Questions and answers as messages of the memory node."""

from __future__ import annotations

from std_msgs.msg import Header

from sage.recall.question import Question, Remembered, Reply
from sage_common.core.errors import InvalidInput
from sage_common.ros.conversions.images import array_to_image
from sage_common.ros.conversions.stamps import stamp_ns, to_stamp
from sage_memory.core.experience import DIMENSIONS
from sage_memory.core.identifiers import id_text, parse_id
from sage_msgs.msg import Experience
from sage_msgs.srv import Recall

DIGITS = 4


def request_of(question: Question) -> Recall.Request:
    """The request that asks this."""
    request = Recall.Request(
        text=question.text,
        literal=question.literal,
        example_experience_id=question.like,
        min_salience=question.min_salience,
        modality=question.modality,
        source=question.source,
        entity=question.entity,
        device_id=question.device,
        limit=question.limit,
        start=to_stamp(question.start_ns),
        end=to_stamp(question.end_ns),
        without_codes=True,
        with_declined=question.declined,
    )
    if question.image is not None:
        request.example_image = array_to_image(question.image, "rgb8", Header())
    if question.sound is not None:
        request.example_sound = question.sound.samples
        request.example_sound_rate = question.sound.rate_hz
    if question.puzzle is not None:
        request.example_codes = question.puzzle.reshape(-1)
    if question.spot is not None:
        spot = question.spot
        request.place_frame, request.place_radius_m = spot.frame, spot.within_m
        request.place.x, request.place.y, request.place.z = spot.x, spot.y, spot.z
    return request


def reply_of(response: Recall.Response, question: Question) -> Reply:
    """What a response holds.

    Raises:
        InvalidInput: it is a refusal, or an id is no UUID: files are named after it.
    """
    if not response.success:
        raise InvalidInput("question", question.text, response.message)
    rows = zip(
        response.experiences,
        response.scores,
        response.reasons,
        response.payload_paths,
        strict=True,
    )
    return Reply(
        tuple(_remembered(*row) for row in rows),
        tuple(response.declined),
        tuple(response.message.splitlines()),
    )


def _remembered(experience: Experience, score: float, reason: str, path: str) -> Remembered:
    position = experience.place.pose.pose.position
    place = {"frame": experience.place.header.frame_id}
    place |= {axis: round(getattr(position, axis), DIGITS) for axis in "xyz"}
    return Remembered(
        id=id_text(parse_id(experience.id)),
        score=round(score, DIGITS),
        start_ns=stamp_ns(experience.start),
        end_ns=stamp_ns(experience.end),
        modality=experience.modality,
        source=experience.source,
        entity=experience.entity,
        device=experience.device_id,
        salience=round(experience.total, DIGITS),
        dimensions={name: round(getattr(experience, name), DIGITS) for name in DIMENSIONS},
        place=place if experience.has_place else None,
        text=experience.text,
        reason=reason,
        kept_because=experience.reason,
        encoder=experience.encoder_id,
        covers=experience.covers,
        pinned=experience.pinned,
        payload=path,
        sha256=experience.payload_sha256,
        media_type=experience.payload_media_type,
    )
