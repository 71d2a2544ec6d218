"""A place that is known by name: where it is, and how far it reaches."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from sage_common.core.errors import InvalidInput
from sage_memory.core.experience import MAX_NAME, MAX_STAMP_NS, check_text

MAX_PLACE_NAME = 64
AROUND_M = 2.0
"""Radius of a place that was named once, from where nobody doubts to be."""
SIGMAS = 2.0
"""Standard deviations of the pose by which the radius is larger."""
FURTHEST_M = 1e9


@dataclass(frozen=True)
class NamedPlace:
    """A place with its area: a ball that holds all spots where it was named.

    Attributes:
        name: as people say it, without an article, in small letters; 1 to 64 characters.
        frame: of the centre, 1 to 128 characters.
        centre: x, y, z, at most 1e9 each way [m].
        radius_m: greater than 0, at most 1e9 [m].
        namings: how often it was named, 1 or more.
        last_ns: when it was named last, since 1970 [ns].
        is_private: what happens there is not kept verbatim.
    """

    name: str
    frame: str
    centre: tuple[float, float, float]
    radius_m: float
    namings: int = 1
    last_ns: int = 0
    is_private: bool = False


def plain_name(name: str) -> str:
    """A name as it is kept: small letters, no article, single spaces.

    Raises:
        InvalidInput: nothing is left, it is too long, or no text.
    """
    check_text("name", name)
    words = name.casefold().strip(" .,!?").split()
    if len(words) > 1 and words[0] in ("the", "my", "our", "a", "an"):
        words = words[1:]
    plain = " ".join(words)
    if not any(map(str.isalnum, plain)) or len(plain) > MAX_PLACE_NAME:
        raise InvalidInput("name", name, f"letters or digits, {MAX_PLACE_NAME} characters at most")
    return plain


def forgotten_words(name: str, was_private: bool) -> str:
    """What becomes of a place that is forgotten, in words."""
    ends = "; its privacy ends: moments there are kept as anywhere else"
    return f"{name} is forgotten" + ends * was_private


def checked(place: NamedPlace) -> NamedPlace:
    """The place itself, proven.

    Raises:
        InvalidInput: names the field, its value, and what was expected.
    """
    if plain_name(place.name) != place.name:
        raise InvalidInput("name", place.name, f"{plain_name(place.name)!r}")
    check_text("frame", place.frame)
    if not 1 <= len(place.frame) <= MAX_NAME:
        raise InvalidInput("frame", place.frame, f"1 to {MAX_NAME} characters")
    if not all(math.isfinite(value) and abs(value) <= FURTHEST_M for value in place.centre):
        raise InvalidInput("centre", place.centre, f"metres, at most {FURTHEST_M:g} each way")
    if not 0.0 < place.radius_m <= FURTHEST_M:  # nor is NaN
        raise InvalidInput("radius_m", place.radius_m, f"above 0, at most {FURTHEST_M:g} m")
    if not 1 <= place.namings <= MAX_STAMP_NS or not 0 <= place.last_ns <= MAX_STAMP_NS:
        found = (place.namings, place.last_ns)
        raise InvalidInput("namings, last_ns", found, "1 or more, and a time from 1970 to 2262")
    return place


def named_at(
    name: str, frame: str, spot: tuple[float, float, float], sigma_m: float, stamp_ns: int
) -> NamedPlace:
    """A place that is named for the first time, at a spot that is known within `sigma_m` [m].

    Raises:
        InvalidInput: a field is wrong.
    """
    radius_m = AROUND_M + SIGMAS * sigma_m
    return checked(NamedPlace(plain_name(name), frame, spot, radius_m, 1, stamp_ns))


def grown(place: NamedPlace, again: NamedPlace) -> NamedPlace:
    """A place after it was named again: the smallest ball around both.

    One that was known in another frame is where it was named now: frames have nothing in common.
    """
    namings, last_ns = place.namings + again.namings, max(place.last_ns, again.last_ns)
    if place.frame != again.frame:
        return replace(again, namings=namings, last_ns=last_ns)
    away_m = math.dist(place.centre, again.centre)
    small, large = sorted((place, again), key=lambda one: one.radius_m)
    if away_m + small.radius_m <= large.radius_m:
        return replace(large, namings=namings, last_ns=last_ns)
    radius_m = (away_m + place.radius_m + again.radius_m) / 2.0
    share = (radius_m - place.radius_m) / away_m
    x, y, z = (a + share * (b - a) for a, b in zip(place.centre, again.centre, strict=True))
    return checked(replace(place, centre=(x, y, z), radius_m=radius_m, namings=namings,
                           last_ns=last_ns))  # fmt: skip
