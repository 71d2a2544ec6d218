"""Finding the moment in a bag that holds fused salience."""

from __future__ import annotations

import struct
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from rclpy.serialization import deserialize_message

from sage.bags.message import BagMessage
from sage.bags.reader import Bag, open_bag
from sage.explain.explanation import Explanation, of_message
from sage.explain.past_state import PastState, of_recorded, unknown
from sage.explain.question import MomentUnknown, Question
from sage_common.core.clock import NS_PER_S, local_time
from sage_common.core.errors import InvalidInput
from sage_common.core.specs.registered_topics import RegisteredTopic, registered_topic
from sage_common.core.topics import topic_name
from sage_common.ros.checks import check_message
from sage_common.ros.conversions.fused_totals import fused_total
from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.interfaces import interface
from sage_common.ros.latest import serialized_stamp_ns
from sage_msgs.msg import Salience
from sage_snarc.core.reason import duration


def find_in_bag(path: Path, question: Question, within_s: float) -> Explanation:
    """The moment of a bag that is asked for; the newest if none is.

    Raises:
        MomentUnknown: the bag holds none within `within_s`, or not that experience.
        InvalidInput: it is no bag, or holds no fused salience, or that of several graphs.
        FileNotFoundError: there is nothing at this path.
    """
    bag = open_bag(path)
    fused = _fused_topic(bag)
    asked_ns = _asked_ns(bag, fused.namespace, question)
    topic = f"{fused.namespace}/{fused.relative_name()}"
    stamps, totals = _stamps_and_totals(bag, topic)
    # Of equally near ones the last: it knows what the others brought.
    away_ns = np.abs(stamps - (stamps.max() if asked_ns is None else asked_ns))
    place = len(stamps) - 1 - int(away_ns[::-1].argmin())
    if away_ns[place] > within_s * NS_PER_S:
        raise MomentUnknown(
            f"{path} holds nothing within {within_s:g} s: the nearest moment is "
            f"{duration(away_ns[place] / NS_PER_S)} away, at {local_time(int(stamps[place]))}; all "
            f"are of {local_time(int(stamps.min()))} to {local_time(int(stamps.max()))}"
        )
    moment = next(
        _read(item, bag) for number, item in enumerate(bag.messages([topic])) if number == place
    )
    heard = {item.modality for item in moment.modalities}
    explanation = of_message(
        moment,
        origin=str(path),
        asked_ns=asked_ns,
        rank=float((totals < totals[place]).mean()),
        known_ns=(int(stamps.min()), int(stamps.max())),
        absent=_absent(bag, fused.namespace, stamp_ns(moment.header.stamp), heard),
    )
    state = _state(bag, fused.namespace, explanation.stamp_ns)
    return replace(explanation, bag_start_ns=bag.start_ns, state=state)


def _fused_topic(bag: Bag) -> RegisteredTopic:
    known = _registered(bag, "fused_salience")
    if len(known) == 1:
        return known[0]
    names = ", ".join(f"{topic.namespace}/{topic.relative_name()}" for topic in known)
    expected = f"a bag with the salience of one graph, not of {names or 'none'} "
    expected += "(sage record takes it by default, sage replay BAG --lockstep -o DIR writes it)"
    raise InvalidInput("bag", str(bag.path), expected)


def _registered(bag: Bag, key: str) -> list[RegisteredTopic]:
    """Topics of the bag with this key in the registry that hold messages.

    Raises:
        InvalidInput: another version of SAGE, which defined their type otherwise, recorded them.
    """
    found = []
    for item in bag.topics.values():
        topic = registered_topic(item.name, item.type_name)
        if not item.count or topic is None or topic.spec.key != key:
            continue
        if item.outdated:
            expected = f"{item.type_name} on {item.name} as this version of SAGE defines it"
            way = f"`sage replay {bag.path} --lockstep -o DIR` makes it anew, for --bag DIR"
            raise InvalidInput("bag", str(bag.path), f"{expected}; another recorded it: {way}")
        found.append(topic)
    return found


def _asked_ns(bag: Bag, namespace: str, question: Question) -> int | None:
    """The stamp that is asked for [ns]; None: the newest."""
    if question.after_start_ns is not None:
        return bag.start_ns + question.after_start_ns
    if not question.experience_id:
        return question.stamp_ns
    for topic in _registered(bag, "experience"):
        if topic.namespace == namespace:
            for item in bag.messages([f"{namespace}/{topic.relative_name()}"]):
                experience = _read(item, bag)
                if experience.id == question.experience_id:
                    return stamp_ns(experience.header.stamp)
    raise MomentUnknown(f"{bag.path} holds no experience {question.experience_id}")


def _stamps_and_totals(bag: Bag, topic: str) -> tuple[np.ndarray, np.ndarray]:
    """Stamp int64 [n] [ns] and total float32 [n] of each fused message."""
    stamps, totals = [], []
    for item in bag.messages([topic]):
        try:
            stamps.append(serialized_stamp_ns(item.data))
            totals.append(fused_total(item.data))
        except (InvalidInput, struct.error) as error:
            raise _unreadable(bag, item, error) from error
    return np.array(stamps, np.int64), np.array(totals, np.float32)


def _absent(bag: Bag, namespace: str, now_ns: int, heard: set[str]) -> list[Salience]:
    """What the modalities that are not in the moment said last, and why they are not in it."""
    topics = {
        f"{namespace}/{topic.relative_name()}"
        for topic in _registered(bag, "salience")
        if topic.namespace == namespace and topic.names["modality"] not in heard
    }
    newest: dict[str, BagMessage] = {}
    for item in bag.messages(sorted(topics)) if topics else ():
        try:
            is_before = serialized_stamp_ns(item.data) <= now_ns
        except InvalidInput as error:
            raise _unreadable(bag, item, error) from error
        if is_before:
            newest[item.topic] = item
    found = []
    for _, item in sorted(newest.items()):
        message = _read(item, bag)
        if message.valid:
            silent_s = (now_ns - stamp_ns(message.header.stamp)) / NS_PER_S
            message.invalid_reason = f"silent for {duration(silent_s)}"
            message.valid = False
        found.append(message)
    return found


def _state(bag: Bag, namespace: str, moment_ns: int) -> PastState:
    name = f"{namespace}/{topic_name('state')}"
    item = bag.topics.get(name)
    if item is None or not item.count:
        return unknown(f"nothing stands in the bag on {name}")
    if item.outdated or registered_topic(name, item.type_name) is None:
        return unknown(f"another version of SAGE recorded {name}")
    return of_recorded([_read(message, bag) for message in bag.messages([name])], moment_ns)


def _read(item: BagMessage, bag: Bag) -> Any:
    """A message of the bag.

    Raises:
        InvalidInput: it is not of its type as this version of SAGE knows it.
    """
    try:
        message = deserialize_message(item.data, interface(item.type_name))
        check_message(item.type_name, message)
    except (RuntimeError, ValueError) as error:
        raise _unreadable(bag, item, error) from error
    return message


def _unreadable(bag: Bag, item: BagMessage, error: Exception) -> InvalidInput:
    expected = f"{item.type_name} on {item.topic} as this version of SAGE writes it ({error})"
    return InvalidInput("bag", str(bag.path), expected)
