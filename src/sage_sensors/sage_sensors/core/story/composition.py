"""What a composition says: recordings, what goes on all the time, and what happens when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from sage_common.core.errors import InvalidInput
from sage_common.core.synthetic import SYNTHETIC
from sage_sensors.core.story.fields import Fields
from sage_sensors.core.subtitles import MAX_CHARACTERS

LONGEST_LAP_S = 3600.0
LONGEST_EVENT_S = 60.0
"""So long are sounds at most, which are in memory as a whole: 4 MB."""
MOST_EVENTS = 200
APART_S = 2.0
"""Between two events at least: each has to be noticed by itself."""
LOUDEST_DB = 60.0


@dataclass(frozen=True)
class Recording:
    """One recording, or several of the same kind.

    Attributes:
        name: by which the composition calls it.
        files: where they lie; the first one is played first, each later lap plays the next.
        what: is to be seen or heard in it, in words.
        from_s, until_s: the part of each file that is used [s]; until 0: to its end.
        licence, credit: of it; empty: not stated.
    """

    name: str
    files: tuple[str, ...]
    what: str
    from_s: float = 0.0
    until_s: float = 0.0
    licence: str = ""
    credit: str = ""


@dataclass(frozen=True)
class Bed:
    """What goes on all the time: names of recordings, "" for none; of the IMU also "synthetic".

    Attributes:
        back_and_forth: played to its end, then backwards to its start, and so on; else it begins
            again at its end, which is to be seen. Sound is always played forwards.
    """

    video: str
    sound: str
    imu: str
    back_and_forth: bool


@dataclass(frozen=True)
class PictureChange:
    """Another picture for the time of an event.

    Attributes:
        recording: shown instead of the bed; "": the bed itself.
        from_s: where in it to begin [s].
        brightness: 1: as it is, 0: black.
        upside_down: turned by half a turn.
    """

    recording: str
    from_s: float
    brightness: float
    upside_down: bool


@dataclass(frozen=True)
class SoundChange:
    """A sound for the time of an event.

    Attributes:
        recording: which.
        from_s: where in it to begin [s].
        level_db: its loudest 0.4 s over the mean of the bed's sound [dB].
        replaces: the bed's sound is silent meanwhile, and the level is that of the recording.
    """

    recording: str
    from_s: float
    level_db: float
    replaces: bool


@dataclass(frozen=True)
class MotionChange:
    """Readings of an IMU, from `from_s` [s] of a recording on, in the place of the bed's."""

    recording: str
    from_s: float


@dataclass(frozen=True)
class Event:
    """Something that happens.

    Attributes:
        name: what it is, in words.
        at_s: when in the first lap it begins [s]; None: in later laps only.
        for_s: how long it lasts [s].
        picture, sound, motion: what of it is seen, heard and felt; None: nothing.
        words: that come as text at its end; "": none.
        question: that who was there can answer; "": none.
    """

    name: str
    at_s: float | None
    for_s: float
    picture: PictureChange | None = None
    sound: SoundChange | None = None
    motion: MotionChange | None = None
    words: str = ""
    question: str = ""


@dataclass(frozen=True)
class Composition:
    """Recordings on one clock.

    Attributes:
        title: in words.
        lap_s: length of a lap [s]: after it, the same kind of things happen in another order.
        calm_s: at the start of the first lap nothing happens for so long [s].
        seed: of the order and the times of all later laps.
        recordings: by name.
        bed: what goes on all the time.
        events: in the order of the file.
    """

    title: str
    lap_s: float
    calm_s: float
    seed: int
    recordings: Mapping[str, Recording]
    bed: Bed
    events: tuple[Event, ...]


def composition_of(content: object) -> Composition:
    """The composition that a file holds.

    Raises:
        InvalidInput: naming the key: something is missing, unknown, out of range, or names a
            recording that is not there; or two events of the first lap are too close.
    """
    fields = Fields("", content)
    recordings = _recordings(fields)
    lap_s = fields.number("lap_s", 5.0, LONGEST_LAP_S)
    made = Composition(
        title=fields.text("title"),
        lap_s=lap_s,
        calm_s=fields.number("calm_s", 0.0, lap_s, 0.0),
        seed=int(fields.number("seed", 0, 2**31 - 1, 0)),
        recordings=recordings,
        bed=_bed(fields, recordings),
        events=_events(fields, recordings),
    )
    fields.done()
    _check_times(made)
    return made


def _recordings(fields: Fields) -> dict[str, Recording]:
    section = fields.part("recordings")
    found: dict[str, Recording] = {}
    for name in fields.raw("recordings") if section is not None else ():
        part = section.part(str(name)) if section is not None else None
        assert part is not None
        found[str(name)] = Recording(
            str(name),
            part.texts("file"),
            part.text("what"),
            _from_s(part),
            part.number("until_s", 0.0, LONGEST_LAP_S, 0.0),
            part.text("licence", ""),
            part.text("credit", ""),
        )
        _check_part(part, found[str(name)])
        part.done()
    return found


def _check_part(part: Fields, recording: Recording) -> None:
    if recording.until_s and recording.until_s <= recording.from_s:
        expected = f"later than from_s = {recording.from_s:g}"
        raise InvalidInput(part.place("until_s"), recording.until_s, expected)


def _bed(fields: Fields, recordings: Mapping[str, Recording]) -> Bed:
    part = Fields("bed", fields.raw("bed"))
    video, sound = (_recording(part, key, recordings) for key in ("video", "sound"))
    imu = part.text("imu", "")
    if imu != SYNTHETIC:
        imu = _recording(part, "imu", recordings)
    bed = Bed(video, sound, imu, part.flag("back_and_forth"))
    part.done()
    if not (video or sound or imu):
        raise InvalidInput("bed", "nothing", "at least one of video, sound and imu")
    return bed


def _events(fields: Fields, recordings: Mapping[str, Recording]) -> tuple[Event, ...]:
    given = fields.raw("events")
    if not isinstance(given, list) or not 1 <= len(given) <= MOST_EVENTS:
        raise InvalidInput("events", given, f"a list of 1 to {MOST_EVENTS} events")
    return tuple(_event(f"events[{n}]", item, recordings) for n, item in enumerate(given))


def _event(where: str, content: Any, recordings: Mapping[str, Recording]) -> Event:
    fields = Fields(where, content)
    words = fields.text("words", "")
    if len(words) > MAX_CHARACTERS:
        raise InvalidInput(f"{where}.words", words, f"at most {MAX_CHARACTERS} characters")
    event = Event(
        name=fields.text("name"),
        at_s=fields.number("at_s", 0.0, LONGEST_LAP_S) if fields.has("at_s") else None,
        for_s=fields.number("for_s", 0.1, LONGEST_EVENT_S),
        picture=_picture(fields.part("picture"), recordings),
        sound=_sound(fields.part("sound"), recordings),
        motion=_motion(fields.part("motion"), recordings),
        words=words,
        question=fields.text("question", ""),
    )
    fields.done()
    if not (event.picture or event.sound or event.motion or event.words):
        raise InvalidInput(where, event.name, "at least one of picture, sound, motion and words")
    return event


def _picture(fields: Fields | None, recordings: Mapping[str, Recording]) -> PictureChange | None:
    if fields is None:
        return None
    change = PictureChange(
        _recording(fields, "recording", recordings),
        _from_s(fields),
        fields.number("brightness", 0.0, 1.0, 1.0),
        fields.flag("upside_down"),
    )
    fields.done()
    return change


def _sound(fields: Fields | None, recordings: Mapping[str, Recording]) -> SoundChange | None:
    if fields is None:
        return None
    change = SoundChange(
        _recording(fields, "recording", recordings, is_needed=True),
        _from_s(fields),
        fields.number("level_db", -LOUDEST_DB, LOUDEST_DB, 0.0),
        fields.flag("replaces"),
    )
    fields.done()
    return change


def _motion(fields: Fields | None, recordings: Mapping[str, Recording]) -> MotionChange | None:
    if fields is None:
        return None
    change = MotionChange(
        _recording(fields, "recording", recordings, is_needed=True), _from_s(fields)
    )
    fields.done()
    return change


def _from_s(fields: Fields) -> float:
    return fields.number("from_s", 0.0, LONGEST_LAP_S, 0.0)


def _recording(
    fields: Fields, key: str, recordings: Mapping[str, Recording], is_needed: bool = False
) -> str:
    name = fields.text(key, None if is_needed else "")
    if name and name not in recordings:
        raise InvalidInput(fields.place(key), name, f"one of {', '.join(recordings) or 'none'}")
    return name


def _check_times(made: Composition) -> None:
    """The events of the first lap lie in it, after its calm, and apart from each other."""
    numbered = [(e.at_s, n, e) for n, e in enumerate(made.events) if e.at_s is not None]
    for at_s, number, event in numbered:
        latest_s = made.lap_s - event.for_s
        if not made.calm_s <= at_s <= latest_s:
            raise InvalidInput(
                f"events[{number}].at_s", at_s, f"{made.calm_s:g} to {latest_s:g}, within the lap"
            )
    for (_, _, before), (at_s, number, _) in pairwise(sorted(numbered, key=lambda item: item[:2])):
        free_s = (before.at_s or 0.0) + before.for_s + APART_S
        if at_s < free_s:
            raise InvalidInput(
                f"events[{number}].at_s", at_s, f"{free_s:g} or later, after: {before.name}"
            )
