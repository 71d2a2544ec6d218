"""Where fewer samples are wanted than a source has, the others are not made."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from sage_common.core.clock import NS_PER_S
from sage_sensors.backends.media import MediaFile, VideoTrack
from sage_sensors.core.playback import Playback, Schedule
from sage_sensors.core.rate_limit import RateLimit
from sage_sensors.core.samples import Frame, Stamped, blank_frame, want_all
from sage_sensors.core.synthetic_scene import SyntheticScene

START = 1_700_000_000 * NS_PER_S
PERIOD_NS = 40_000_000


class Pictures:
    """25 small pictures a second that are drawn only if they are wanted."""

    source = "test"
    period_s = PERIOD_NS / NS_PER_S

    def __init__(self, count: int) -> None:
        self.length_ns = count * PERIOD_NS
        self.wants: Callable[[int], bool] = want_all
        self.drawn: list[int] = []

    def items(self) -> Iterator[Stamped[Frame]]:
        for time_ns in range(0, self.length_ns, PERIOD_NS):
            if self.wants(time_ns):
                self.drawn.append(time_ns)
                yield Stamped(time_ns, blank_frame(1, 1))


def play(playback: Playback[Frame], from_ns: int, until_ns: int) -> list[int]:
    """Stamps of what is played in this time, after the start [ns]."""
    played = []
    for now_ns in range(START + from_ns, START + until_ns, 5_000_000):
        if playback.wants_filling:
            playback.fill()
        played += [item.time_ns - START for item in playback.due(now_ns, 8)]
    return played


def test_only_wanted_pictures_are_drawn_also_across_the_seam_of_a_loop() -> None:
    track, limit = Pictures(50), RateLimit()
    limit.max_rate_hz = 5.0
    schedule = Schedule(START, track.length_ns, loop=True)
    played = play(Playback(track, schedule, 6, limit.admits), 0, 6 * NS_PER_S)
    assert played == list(range(0, 6 * NS_PER_S, 5 * PERIOD_NS))
    assert len(track.drawn) <= len(played) + 2


def test_who_wants_all_pictures_again_does_not_wait_for_what_was_read_ahead() -> None:
    track, limit = Pictures(500), RateLimit()
    limit.max_rate_hz = 5.0
    playback = Playback(track, Schedule(START), 6, limit.admits)
    play(playback, 0, 3 * NS_PER_S)
    limit.max_rate_hz = 0.0
    played = play(playback, 3 * NS_PER_S, 5 * NS_PER_S)
    gaps = [later - stamp for stamp, later in itertools.pairwise(played)]
    assert played[0] <= 3 * NS_PER_S + 10 * PERIOD_NS
    assert set(gaps[2:]) == {PERIOD_NS}


@pytest.mark.parametrize("gop_size", [1, 12])
def test_unwanted_pictures_of_a_file_are_not_drawn_nor_decoded_if_nothing_needs_them(
    tmp_path: Path, write_media: Callable[..., Path], gop_size: int
) -> None:
    path = write_media(tmp_path / "video.mp4", 2.0, sound=False, gop_size=gop_size)
    drawn: list[int] = []

    def canvas(height_px: int, width_px: int) -> Frame:
        drawn.append(height_px)
        return blank_frame(height_px, width_px)

    track, limit = VideoTrack(MediaFile(path), canvas=canvas), RateLimit()
    limit.max_rate_hz = 5.0
    track.wants = limit.admits
    found = [(item.time_ns // PERIOD_NS, item.value.pixels.mean()) for item in track.items()]
    assert [number for number, _ in found] == list(range(0, 50, 5))
    for number, grey in found:
        assert grey == pytest.approx((number * 5) % 250, abs=6)
    assert len(drawn) == 10
    assert (track.passed, track.errors) == (0, 0)
    decoded = sum(1 for _ in track._frames())
    assert decoded > 20 if gop_size > 1 else decoded <= 11


def test_the_synthetic_scene_paints_only_what_is_wanted() -> None:
    scene = SyntheticScene(16, 16, 25.0)
    scene.wants = lambda time_ns: time_ns % (2 * PERIOD_NS) == 0
    items = scene.items()
    assert [next(items).time_ns for _ in range(3)] == [0, 2 * PERIOD_NS, 4 * PERIOD_NS]
