"""Salience in words."""

from __future__ import annotations

from sage_common.core.specs.places import PICTURE, Places, strongest
from sage_common.core.words.quoting import with_quote
from sage_snarc.core.calibration.tail import LEAST_SEEN
from sage_snarc.core.observation import Observation

QUIET = 0.1
MOST_WORDS = 120
RECENT_S = 1.0
"""Seen less long ago is of the same moment."""
UNLIKE = 0.5
"""As far away as that, of the distance of an unrelated sample, nothing is called alike."""
LEAST_PER_HOUR = 0.01


def scorer_reason(
    modality: str,
    seen: Observation,
    places: Places = PICTURE,
    words: str = "",
    are_said: bool = False,
) -> str:
    """The main cause of one scorer's total, such as "vision: novelty 0.97, nearest seen 41 s ago".

    Of the first ten samples nothing can be said.

    Args:
        modality, seen: whose it is, and how salient.
        places: names places in its percepts.
        words: what the percept says of itself, if anything.
        are_said: they are what somebody said, and are quoted, so that they can be left out.
    """
    if seen.known <= LEAST_SEEN:
        samples = "1 sample" if seen.known == 1 else f"{seen.known} samples"
        return f"{modality}: too little seen yet to say ({samples})"
    excesses = {
        "surprise": seen.surprise.excess,
        "novelty": seen.novelty.excess,
        "arousal": seen.arousal.excess,
    }
    cause = max(excesses, key=lambda name: excesses[name])
    faded = f", {seen.habituation:.0%} habituated" if seen.habituation >= 0.2 else ""
    if seen.total < QUIET:
        quiet = f"{cause} as before" if faded and seen.unhabituated >= QUIET else "nothing unusual"
        return f"{modality}: {quiet}{faded}"
    if cause == "surprise":
        text = f"surprise {seen.surprise.rank:.2f}, {_error(seen)}"
    elif cause == "novelty":
        text = f"novelty {seen.novelty.rank:.2f}, {_nearest(seen)}"
    else:
        place = f" at {places.name(strongest(seen.grid))}" if seen.grid.any() else ""
        text = f"arousal {seen.arousal.rank:.2f}, change{place}"
    if abs(seen.reward - 0.5) >= 0.1:
        text += f", {'good' if seen.reward > 0.5 else 'bad'} before ({seen.reward:.2f})"
    line = f"{modality}: {text}{faded}"
    if are_said:
        return with_quote(line, words)
    return f"{line}; {words[:MOST_WORDS]}" if words else line


def _error(seen: Observation) -> str:
    if seen.flat:
        return "changes far less than it nearly ever did"
    if seen.usual_error <= 0.0:
        return "an error where there usually is none"
    return f"{seen.error / seen.usual_error:.1f} times the usual error"


def _nearest(seen: Observation) -> str:
    age_s = seen.near.age_ns * 1e-9
    if age_s < RECENT_S:  # beside an age of nothing it would sound as if it were known
        unlike = "unlike anything seen" if seen.near.relative >= UNLIKE else "farther than usual"
        return f"{unlike}: its nearest neighbour is {far_away(seen.near.relative)}"
    return f"nearest seen {duration(age_s)} ago"


def far_away(relative: float) -> str:
    """A distance for people: "0.86 times as far away as an unrelated sample".

    Args:
        relative: over the distance of an independent vector, [0, 1]; see `Neighbour`.
    """
    times = f"{relative:.2f}"
    return f"{'' if times == '1.00' else f'{times} times '}as far away as an unrelated sample"


def as_rare_as(per_hour: float) -> str:
    """A level of salience for people: "as rare as 9 false alarms an hour".

    Args:
        per_hour: how often as much is said while nothing happens, > 0 [1/h].
    """
    if per_hour < LEAST_PER_HOUR:
        return f"rarer than {LEAST_PER_HOUR:g} false alarms an hour"
    times = f"{per_hour:.0f}" if per_hour >= 9.95 else f"{per_hour:.2g}"
    return f"as rare as {times} false alarm{'' if times == '1' else 's'} an hour"


def duration(seconds: float) -> str:
    """A time span for people: "0.3 s", "41 s", "7 min", "3 h"."""
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60.0:.0f} min" if seconds < 5400.0 else f"{seconds / 3600.0:.0f} h"
