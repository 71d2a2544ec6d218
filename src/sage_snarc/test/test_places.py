"""Places in words: each is where the encoder put it."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from sage_common.core.errors import InvalidInput
from sage_common.core.specs.modality import ModalitySpecs
from sage_common.core.specs.places import PICTURE, Spectrogram, area_of, strongest
from sage_encoders.core import body_layout as body
from sage_encoders.core.log_mel import frames_db
from sage_encoders.core.places import TORSO
from sage_snarc.core.calibration.dimension import Reading
from sage_snarc.core.reason import scorer_reason
from sage_snarc.nodes.places import places_of

SPECS = ModalitySpecs()


def cell(row: int, column: int) -> np.ndarray:
    grid = np.zeros((10, 10), np.float32)
    grid[row, column] = 1.0
    return grid


@pytest.mark.parametrize(
    ("row", "column", "name"),
    [
        (0, 0, "top left"),
        (2, 5, "top centre"),
        (4, 5, "centre"),
        (5, 9, "middle right"),
        (9, 0, "bottom left"),
        (7, 9, "bottom right"),
    ],
)
def test_a_picture_has_nine_places(row: int, column: int, name: str) -> None:
    assert PICTURE.name(strongest(cell(row, column))) == name
    assert places_of(SPECS["vision"]) == places_of(SPECS["temperature"]) == PICTURE


@pytest.mark.parametrize("hertz", [100, 300, 700, 1000, 1500, 2000, 3000, 4000, 5000, 7000])
def test_a_tone_is_named_by_its_band(hertz: float) -> None:
    """A tone, its spectrum pooled onto the grid: the name holds its frequency."""
    time = np.arange(16_000) / 16_000
    spectrum = frames_db(np.sin(2.0 * np.pi * hertz * time).astype(np.float32)).mean(axis=1)
    row = int(spectrum.argmax()) // 6
    name = places_of(SPECS["audio"]).name(strongest(cell(row, 7)))
    band, when = name.split(", ")
    assert when == "0.2 s ago" or when == "0.3 s ago"
    unit = 1000.0 if band.endswith("kHz") else 1.0
    numbers = band.removesuffix(" kHz").removesuffix(" Hz")
    if numbers.startswith(("above ", "below ")):
        side, number = numbers.split()
        assert (hertz > float(number) * unit) == (side == "above")
    else:
        low, high = (float(number) * unit for number in numbers.split("-"))
        assert 0.95 * low <= hertz <= 1.05 * high


@pytest.mark.parametrize(
    ("row", "column", "size", "peak", "name"),
    [
        (2, 6, 3, (3, 8), "0.5-1.8 kHz, 0.2 s ago"),
        (1, 5, 1, (1, 5), "260-530 Hz, 0.4 s ago"),
        (0, 7, 3, (0, 9), "below 860 Hz, just now"),
        (6, 0, 4, (7, 0), "above 2.5 kHz, 0.9 s ago"),
        (0, 0, 10, (0, 9), "all bands, just now"),
    ],
)
def test_a_region_of_sound(
    row: int, column: int, size: int, peak: tuple[int, int], name: str
) -> None:
    assert places_of(SPECS["audio"]).name(area_of(cell(*peak), row, column, size)) == name


def test_edges_must_rise() -> None:
    for edges in ([100.0], [100.0, 100.0], [200.0, 100.0]):
        with pytest.raises(InvalidInput, match="edges_hz"):
            Spectrogram(edges, 1.0)


TORSO_SLOTS = {"attitude": "roll", "turning": "rate", "acceleration": "accel.", "joint": "joint"}


@pytest.mark.parametrize("part", range(len(body.PARTS)))
@pytest.mark.parametrize("time", range(len(body.TIMES)))
def test_every_slot_of_the_body_is_named_where_it_lies(part: int, time: int) -> None:
    """One slot changes; the 3x3 codes that change most are named after it."""
    for slot in range(body.SLOTS):
        bodies = np.full((len(body.TIMES), len(body.PARTS), body.SLOTS), np.nan)
        blank = body.encode_body(bodies)
        bodies[time, part, slot] = body.LIMITS[part, slot]
        change = np.abs(body.encode_body(bodies).astype(float) - blank)
        # The bar's middle, whose cell belongs to no other slot's bar for the most part.
        row, column = (int(place[len(place) // 2]) for place in np.nonzero(change))
        fine = np.zeros((30, 30), np.float32)
        fine[row, column] = 1.0
        name, _, when = places_of(SPECS["proprioception"]).name(strongest(fine)).partition(", ")
        assert when == ("0.5 s ago", "", "as predicted")[time]
        if body.PARTS[part] == "torso":
            what = name.removeprefix("torso ")
            assert what in TORSO
            group = body.SLOT_NAMES[part][slot // 3 * 3]
            assert group.startswith(TORSO_SLOTS[what])
        else:
            assert name == f"{body.PARTS[part]} joint {slot // 3 + 1}"
            assert body.SLOT_NAMES[part][slot].startswith(f"joint {slot // 3 + 1} ")


@pytest.mark.parametrize(
    ("relative", "far"),
    [(0.86, "0.86 times as far away"), (0.994, "0.99 times as far away"), (0.996, "as far away"),
     (1.0, "as far away")],
)  # fmt: skip
def test_the_reason_of_a_novelty_says_how_far_the_nearest_is(relative: float, far: str) -> None:
    quiet = Reading(0.1, 0.0)
    seen = SimpleNamespace(
        known=100,
        surprise=quiet,
        novelty=Reading(1.0, 3.0),
        arousal=quiet,
        habituation=0.0,
        reward=0.5,
        total=0.6,
        near=SimpleNamespace(slot=3, age_ns=10**8, relative=relative),
    )
    assert scorer_reason("audio", seen) == (
        "audio: novelty 1.00, unlike anything seen: "
        f"its nearest neighbour is {far} as an unrelated sample"
    )


def test_words_have_an_order() -> None:
    places = places_of(SPECS["language"])
    assert places.name(strongest(cell(0, 0))) == "first words"
    assert places.name(strongest(cell(9, 5))) == "last and middle words"


def test_the_reason_of_an_arousal_says_where() -> None:
    quiet = Reading(0.1, 0.0)
    seen = SimpleNamespace(
        known=100,
        surprise=quiet,
        novelty=quiet,
        arousal=Reading(0.92, 3.0),
        habituation=0.0,
        reward=0.5,
        total=0.6,
        grid=cell(7, 6),
    )
    assert scorer_reason("vision", seen) == "vision: arousal 0.92, change at bottom centre"
    heard = scorer_reason("audio", seen, places_of(SPECS["audio"]))
    assert heard == "audio: arousal 0.92, change at 3.4-4.6 kHz, 0.3 s ago"
    seen.grid = cell(3, 4)
    felt = scorer_reason("proprioception", seen, places_of(SPECS["proprioception"]))
    assert felt == "proprioception: arousal 0.92, change at torso turning"
