"""Places that are named in what is said: "this is the kitchen", "we are in the kitchen"."""

from __future__ import annotations

import re
from collections.abc import Container

PLACES = re.compile(
    "attic|balcony|bakery|barn|basement|bathroom|bedroom|cafe|cafeteria|canteen|cellar|classroom"
    "|closet|corridor|courtyard|dock|driveway|elevator|entrance|exit|factory|foyer|garage|garden"
    "|greenhouse|gym|hall|hallway|hangar|kindergarten|kitchen|lab|laboratory|landing|laundry"
    "|library|lift|lobby|lounge|nursery|office|pantry|park|patio|playground|plaza|pool|porch"
    "|reception|restroom|roof|room|school|shed|shop|stairs|staircase|station|storeroom|storage"
    "|street|studio|study|supermarket|terrace|toilet|vestibule|veranda|ward|warehouse|workshop"
    "|yard"
)
"""What a name of a place that nobody has named before ends with: "this is the end" names none."""
SAID = re.compile(
    r"\W*(?:(?:now|so|and|ok|okay),? )?"
    r"(?:this (?:here )?is|(?:we|i)(?: are| am|['’]re|['’]m) (?:now )?(?:in|at))\s+"
    r"(?:the|my|our)\s+(?P<name>[\w'’-]+(?:\s+[\w'’-]+){0,7}?)(?:\s+now)?\W*",
    re.IGNORECASE,
)
MOST_WORDS = 3


def said_name(text: str) -> str:
    """What the speaker calls the place, in small letters, if it is one; empty: none is said."""
    found = SAID.fullmatch(text)
    return "" if found is None else " ".join(found["name"].casefold().split())


def spoken_place(text: str, known: Container[str]) -> str:
    """The name of the place where the speaker says to be; empty: none is said.

    Args:
        known: names of places, in small letters; they are recognised whatever they are.
    """
    name = said_name(text)
    words = name.split()
    usual = bool(words) and len(words) <= MOST_WORDS and bool(PLACES.fullmatch(words[-1]))
    return name if usual or name in known else ""
