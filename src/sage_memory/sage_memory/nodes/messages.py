"""Between messages and the core's types."""

from __future__ import annotations

import array

import numpy as np
from geometry_msgs.msg import PoseWithCovarianceStamped

from sage_common.ros.conversions.stamps import to_stamp
from sage_memory.core.experience import DIMENSIONS, Experience, Place
from sage_memory.core.identifiers import id_text
from sage_memory.core.ingest.observer import Scored
from sage_msgs.msg import Experience as ExperienceMessage
from sage_msgs.msg import FusedSalience, Salience

CONTEXT_DIGITS = 4


def scored_of(message: FusedSalience) -> Scored | None:
    """The salience of the percept that triggered the fusion; None if it is not valid."""
    stamp = message.header.stamp
    for own in message.modalities:
        if own.modality == message.trigger_modality and own.header.stamp == stamp:
            if not (own.valid and message.valid):
                return None
            return Scored(
                surprise=own.surprise,
                novelty=own.novelty,
                arousal=own.arousal,
                reward=own.reward,
                conflict=own.conflict,
                own_total=own.total,
                total=message.total,
                alarms_per_hour=message.alarms_per_hour,
                reason=message.reason,
                context={s.modality: _dimensions(s) for s in message.modalities if s.valid},
            )
    return None


def _dimensions(salience: Salience) -> tuple[float, ...]:
    return tuple(round(float(getattr(salience, name)), CONTEXT_DIGITS) for name in DIMENSIONS)


def place_of(message: PoseWithCovarianceStamped) -> Place:
    """The place in a pose."""
    position, turn = message.pose.pose.position, message.pose.pose.orientation
    return Place(
        frame=message.header.frame_id,
        position=(position.x, position.y, position.z),
        orientation=(turn.x, turn.y, turn.z, turn.w),
        covariance=tuple(message.pose.covariance.tolist()),
    )


def experience_message(experience: Experience, with_codes: bool = True) -> ExperienceMessage:
    """The message of a stored experience."""
    message = ExperienceMessage(
        id=id_text(experience.id),
        device_id=experience.device_id,
        start=to_stamp(experience.start_ns),
        end=to_stamp(experience.end_ns),
        modality=experience.modality,
        source=experience.source,
        entity=experience.entity,
        codes=array.array("B", experience.codes.tobytes() if with_codes else b""),
        embedding=array.array("f", experience.embedding.tobytes()),
        encoder_id=experience.encoder_id,
        total=float(experience.total),
        reason=experience.reason,
        text=experience.text,
        payload_sha256=experience.payload_sha256,
        payload_media_type=experience.payload_media_type,
        covers=experience.covers,
        pinned=experience.pinned,
        schema_version=experience.schema_version,
    )
    for name in DIMENSIONS:
        setattr(message, name, float(getattr(experience, name)))
    message.header.stamp = to_stamp(experience.end_ns)
    place = experience.place
    message.has_place = place is not None
    if place is not None:
        message.place.header.stamp = message.header.stamp
        message.place.header.frame_id = place.frame
        pose = message.place.pose.pose
        pose.position.x, pose.position.y, pose.position.z = place.position
        turn = pose.orientation
        turn.x, turn.y, turn.z, turn.w = place.orientation
        message.place.pose.covariance = np.asarray(place.covariance, np.float64)
    return message
