"""What is really played, in words: honest labels for whoever watches or listens."""

from __future__ import annotations

from sage_common.core.synthetic import SYNTHETIC
from sage_common.core.words.mixed import NOTHING
from sage_sensors.core.story.composition import Composition, Recording
from sage_sensors.core.story.laps import Happening, Laps


def played(composition: Composition, happening: Happening) -> str:
    """What of an event is played, from which recordings, and how it was mixed."""
    event, recordings = happening.event, composition.recordings
    parts = []
    if event.picture is not None:
        if event.picture.recording:
            parts.append(f"picture: {_of(recordings[event.picture.recording])}")
        if event.picture.brightness < 1.0:
            parts.append(f"picture darkened to {event.picture.brightness:.0%}")
        if event.picture.upside_down:
            parts.append("picture turned upside down")
    if event.sound is not None:
        sound = recordings[event.sound.recording]
        under = recordings[composition.bed.sound].what if composition.bed.sound else "silence"
        how = (
            f"in the place of the sound of {under}"
            if event.sound.replaces
            else f"mixed {event.sound.level_db:+g} dB over the sound of {under}"
        )
        parts.append(f"sound: {_of(sound)}, {how}")
    if event.motion is not None:
        parts.append(f"IMU: {_of(recordings[event.motion.recording])}, in the place of the bed's")
    if event.words:
        parts.append("words: written for this composition")
    return "; ".join(parts)


def mixed_now(laps: Laps, time_ns: int) -> str:
    """What is mixed in at a time since the start [ns]; "nothing" if there is nothing."""
    going_on = laps.between(time_ns, time_ns) if time_ns >= 0 else []
    return "; ".join(played(laps.composition, one) for one in going_on) or NOTHING


def bed(composition: Composition) -> str:
    """What goes on all the time, and how it is repeated."""
    names = [composition.bed.video, composition.bed.sound, composition.bed.imu]
    recordings = composition.recordings
    shown = [recordings[name] for name in dict.fromkeys(names) if name in recordings]
    words = "; ".join(_of(recording) for recording in shown)
    if composition.bed.imu == SYNTHETIC:
        words += "; IMU generated"
    return words + (", played back and forth" if composition.bed.back_and_forth else ", repeated")


def _of(recording: Recording) -> str:
    """A recording with whose it is."""
    whose = ", ".join(part for part in (recording.credit, recording.licence) if part)
    return f"{recording.what} ({whose})" if whose else recording.what
