"""Compositions: what they say, when things happen, and what is mixed how loud."""

from __future__ import annotations

import copy
import zipfile
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from sage_common.core.clock import NS_PER_S
from sage_common.core.errors import InvalidInput
from sage_sensors.backends.recording import data_folder
from sage_sensors.backends.story import opening
from sage_sensors.backends.story.opening import Story, demo_story, read_composition
from sage_sensors.core.samples import SourceError
from sage_sensors.core.story import mixing
from sage_sensors.core.story.composition import composition_of
from sage_sensors.core.story.labels import bed, mixed_now
from sage_sensors.core.story.laps import Laps
from sage_sensors.core.story.passages import passages

DEMO = Path(opening.__file__).parents[2] / "demo"
WRITTEN: dict[str, Any] = {
    "title": "Small",
    "lap_s": 12,
    "calm_s": 1,
    "seed": 3,
    "recordings": {
        "path": {"file": "small.mp4", "what": "a grey path", "licence": "CC0"},
        "motion": {"file": "imu.csv", "what": "its IMU"},
        "tone": {"file": "small.mp4", "from_s": 0.2, "what": "a tone", "credit": "us"},
    },
    "bed": {"video": "path", "sound": "path", "imu": "motion", "back_and_forth": True},
    "events": [
        {
            "name": "it is dark", "at_s": 2, "for_s": 1,
            "picture": {"brightness": 0.1, "upside_down": True},
        },
        {
            "name": "a tone", "at_s": 6, "for_s": 0.5,
            "sound": {"recording": "tone", "level_db": 6},
        },
        {"name": "it is still", "at_s": 9, "for_s": 1, "motion": {"recording": "motion"}},
        {"name": "a word", "for_s": 1, "words": "hello"},
    ],
}  # fmt: skip


@pytest.fixture
def story(tmp_path: Path, media: Path, imu_csv: Path) -> Story:
    path = tmp_path / "story.yaml"
    path.write_text(yaml.safe_dump(WRITTEN))
    return Story(path, tmp_path)


def changed(*keys: str | int, value: object) -> dict[str, Any]:
    """The composition with one value changed."""
    content = copy.deepcopy(WRITTEN)
    place: Any = content
    for key in keys[:-1]:
        place = place[key]
    place[keys[-1]] = value
    return content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (changed("lap_s", value="long"), r"lap_s = 'long': expected a number"),
        (changed("laps", value=3), r"laps = 3: expected no such key; lap_s\?"),
        (changed("recordings", "path", "what", value=""), r"recordings\.path\.what = ''"),
        (changed("recordings", "tone", "until_s", value=0.1), r"recordings\.tone\.until_s"),
        (changed("bed", "video", value="road"), r"bed\.video = 'road': expected one of path"),
        (changed("bed", value={}), r"bed = 'nothing': expected at least one of"),
        (changed("events", value=[]), r"events = \[\]: expected a list of 1 to"),
        (changed("events", 1, "at_s", value=3), r"events\[1\]\.at_s = 3\.0: .*after: it is dark"),
        (changed("events", 0, "at_s", value=0.5), r"events\[0\]\.at_s = 0\.5: expected 1 to 11"),
        (changed("events", 2, "at_s", value=11.5), r"events\[2\]\.at_s = 11\.5"),
        (changed("events", 1, "sound", value={}), r"events\[1\]\.sound\.recording is missing"),
        (changed("events", 1, "sound", "level", value=1), r"events\[1\]\.sound\.level .*level_db"),
        (changed("events", 0, "picture", "brightness", value=2), r"brightness = 2: expected"),
        (changed("events", 3, "words", value=" "), r"events\[3\]\.words = ' ': expected text"),
        (changed("bed", "back_and_forth", value="yes"), r"back_and_forth = 'yes'"),
        (["no mapping"], r"composition = \['no mapping'\]: expected a mapping"),
    ],
)
def test_what_is_wrong_is_named(content: object, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        composition_of(content)


def test_recordings_that_are_not_there_are_named(tmp_path: Path, media: Path) -> None:
    path = tmp_path / "story.yaml"
    path.write_text(yaml.safe_dump(WRITTEN))
    with pytest.raises(InvalidInput, match=r"recordings\.motion\.file = 'imu\.csv': .*is there"):
        read_composition(path, tmp_path)
    with zipfile.ZipFile(tmp_path / "sounds.zip", "w") as archive:
        archive.writestr("one.wav", b"")
    path.write_text(
        yaml.safe_dump(changed("recordings", "tone", "file", value="data:sounds.zip!/two.wav"))
    )
    with pytest.raises(InvalidInput, match=r"recordings\.(motion|tone)\.file"):
        read_composition(path, tmp_path)
    path.write_text("title: [")
    with pytest.raises(InvalidInput, match="YAML"):
        read_composition(path, tmp_path)
    with pytest.raises(SourceError, match=r"none\.yaml"):
        read_composition(tmp_path / "none.yaml", tmp_path)


@pytest.mark.parametrize("name", ["path", "tone"])
def test_a_recording_that_is_no_media_file_is_named_before_anything_starts(
    story: Story, tmp_path: Path, name: str
) -> None:
    (tmp_path / "words.mp4").write_text("no video")
    path = tmp_path / "story.yaml"
    path.write_text(yaml.safe_dump(changed("recordings", name, "file", value="words.mp4")))
    expected = rf"recordings\.{name}\.file = 'words\.mp4': expected a video or a sound: .*words"
    with pytest.raises(InvalidInput, match=expected):
        read_composition(path, tmp_path)


def test_a_composition_takes_from_another_what_it_does_not_say(
    tmp_path: Path, story: Story
) -> None:
    path = tmp_path / "other.yaml"
    path.write_text(
        "extends: story.yaml\ntitle: Other\nrecordings: {tone: {file: small.mp4, what: it}}"
    )
    other = read_composition(path, tmp_path)
    assert (other.title, other.recordings["tone"].what) == ("Other", "it")
    assert other.events == story.composition.events
    path.write_text("extends: other.yaml")
    with pytest.raises(InvalidInput, match="extends"):
        read_composition(path, tmp_path)


def test_the_first_lap_is_as_written_and_later_ones_are_drawn_by_the_seed(story: Story) -> None:
    laps = story.laps
    assert [one.event.name for one in laps.of(0)] == ["it is dark", "a tone", "it is still"]
    assert [one.start_ns / NS_PER_S for one in laps.of(0)] == [2.0, 6.0, 9.0]
    later = [laps.of(number) for number in range(1, 30)]
    again = Laps(story.composition)
    assert [again.of(number) for number in range(1, 30)] == later
    other = Laps(composition_of(changed("seed", value=4)))
    assert [other.of(number) for number in range(1, 30)] != later
    assert any(one.event.words for lap in later for one in lap)
    assert len({tuple(one.event.name for one in lap) for lap in later}) > 5
    for number, lap in enumerate(later, start=1):
        begin_ns, end_ns = number * laps.lap_ns, (number + 1) * laps.lap_ns
        assert lap and begin_ns < lap[0].start_ns and lap[-1].end_ns < end_ns
        for one, following in pairwise(lap):
            assert following.start_ns - one.end_ns >= 2 * NS_PER_S - 2


def test_later_laps_are_as_quiet_as_the_first_and_what_is_new_comes_first() -> None:
    laps = Laps(composition_of(yaml.safe_load((DEMO / "story.yaml").read_text())))
    written = laps.of(0)
    for lap in range(1, 9):
        drawn = laps.of(lap)
        assert len(written) - 3 < len(drawn) <= len(written), lap
        assert (drawn[0].event.at_s is None) == bool(lap % 2)
        senses = [(one.event.sound, one.event.picture, one.event.motion) for one in drawn]
        kinds = [[change is not None for change in sense] for sense in senses]
        assert all(one != following for one, following in pairwise(kinds)), "one after the other"
        assert {one.take for one in drawn} == {lap}, "another recording of its kind"


def test_passages_leave_no_gap_and_turn_at_the_ends_of_the_recording(story: Story) -> None:
    found = [one for lap in range(3) for one in passages(story.laps, lap, 1.6)]
    assert found[0].start_ns == 0 and found[-1].end_ns == 3 * story.laps.lap_ns
    assert all(one.end_ns == following.start_ns for one, following in pairwise(found))
    for one, following in pairwise(found):
        length_s = (one.end_ns - one.start_ns) / NS_PER_S
        end_s = one.from_s - length_s if one.backwards else one.from_s + length_s
        assert end_s == pytest.approx(following.from_s, abs=1e-6), "no jump"
        assert -1e-6 <= end_s <= 1.6 + 1e-6
    dark = next(one for one in found if one.changed)
    assert dark.brightness(2 * NS_PER_S) == 1.0
    assert dark.brightness(round(2.5 * NS_PER_S)) == pytest.approx(0.1)


def test_levels_are_those_that_were_asked_for() -> None:
    random = np.random.default_rng(1)
    under = random.normal(0.0, 0.01, 32_000).astype(np.float32)
    tone = np.sin(np.arange(16_000, dtype=np.float32))
    louder = mixing.at_level(tone, under, 12.0)
    assert mixing.loudest_rms(louder) / mixing.rms(under) == pytest.approx(
        10 ** (12 / 20), rel=1e-3
    )
    assert np.abs(mixing.at_level(tone, under, 40.0)).max() + np.abs(under).max() <= 1.0
    assert np.array_equal(mixing.at_level(tone, np.zeros(9, np.float32), 12.0), tone)
    assert not mixing.at_level(np.zeros(9, np.float32), under, 12.0).any()


def test_a_loop_has_no_seam() -> None:
    slope = np.linspace(-1.0, 1.0, 40_000, dtype=np.float32)
    loop = mixing.looped(slope)
    twice = mixing.piece(loop, len(loop) - 100, 200)
    assert np.abs(np.diff(twice)).max() < 0.01, "the slope itself jumps by 2"
    assert not mixing.piece(np.zeros(0, np.float32), 7, 3).any()


def test_all_tracks_are_in_step_and_end_with_the_lap(story: Story) -> None:
    tracks = story.tracks(loop=False)
    assert tracks.length_ns == 12 * NS_PER_S
    assert tracks.camera and tracks.microphone and tracks.imu and tracks.text
    frames = list(tracks.camera.items())
    times = np.array([frame.time_ns for frame in frames]) / NS_PER_S
    assert len(frames) == pytest.approx(300, abs=9)
    assert np.diff(times).min() > 0.0 and np.diff(times).max() < 0.09
    greys = np.array([float(frame.value.pixels.mean()) for frame in frames])
    there = greys[(times > 0.1) & (times < 1.5)]
    back = greys[(times > 1.7) & (times < 1.95)]
    assert (np.diff(there) >= 0.0).all() and (np.diff(back) <= 0.0).all()
    assert greys[(times > 2.3) & (times < 2.7)].max() < 30.0
    sound = np.concatenate([chunk.value.samples for chunk in tracks.microphone.items()])
    assert len(sound) == pytest.approx(12 * 16_000, abs=1600)
    mixed = np.abs(sound - mixing.piece(story._bed_sound, 0, len(sound))) > 1e-4
    assert mixed[96_000:104_000].mean() > 0.5
    assert not mixed[:96_000].any() and not mixed[104_000:].any()
    felt = list(tracks.imu.items())
    assert len(felt) == pytest.approx(12 * 50, abs=2)
    turning = np.array([reading.value.angular_velocity[0] for reading in felt])
    assert turning[20] == pytest.approx(-turning[120]), "backwards, it turns the other way"
    assert list(tracks.text.items()) == []


def test_further_laps_go_on_without_end(story: Story) -> None:
    tracks = story.tracks(loop=True)
    assert tracks.length_ns == 0 and tracks.text is not None
    words = tracks.text.items()
    first, second = next(words), next(words)
    assert first.value.text == "hello" and first.time_ns > story.laps.lap_ns
    assert second.time_ns > first.time_ns


def test_what_is_late_is_passed_over_and_what_is_unwanted_is_not_drawn(story: Story) -> None:
    camera = story.tracks(loop=False).camera
    pictures = camera.items()
    next(pictures)
    camera.skip_to(5 * NS_PER_S)
    assert next(pictures).time_ns >= 5 * NS_PER_S
    assert camera.passed > 0
    camera.wants = lambda time_ns: time_ns > 8 * NS_PER_S
    assert next(pictures).time_ns > 8 * NS_PER_S


def test_what_is_played_is_said(story: Story) -> None:
    laps = story.laps
    assert bed(laps.composition) == ("a grey path (CC0); its IMU, played back and forth")
    assert mixed_now(laps, -5) == mixed_now(laps, 0) == "nothing"
    said = mixed_now(laps, round(6.2 * NS_PER_S))
    assert said == "sound: a tone (us), mixed +6 dB over the sound of a grey path"
    assert (
        mixed_now(laps, round(2.2 * NS_PER_S))
        == "picture darkened to 10%; picture turned upside down"
    )


def test_a_video_whose_pictures_depend_on_later_ones_is_played_backwards(
    tmp_path: Path, imu_csv: Path, write_media: Callable[..., Path]
) -> None:
    write_media(tmp_path / "small.mp4", 3.0, gop_size=40)
    path = tmp_path / "story.yaml"
    path.write_text(yaml.safe_dump(WRITTEN))
    camera = Story(path, tmp_path).tracks(loop=False).camera
    assert camera is not None
    times = [frame.time_ns for frame in camera.items()]
    assert len(times) == pytest.approx(300, abs=9)


@pytest.mark.parametrize("name", ["story.yaml", "story_open.yaml", "story_of_packages.yaml"])
def test_the_shipped_stories_can_be_read_and_have_six_things_happen_in_their_first_minutes(
    name: str,
) -> None:
    if name != "story_of_packages.yaml" and not data_folder().is_dir():
        pytest.skip(f"no recorded data at {data_folder()}: set SAGE_DATA")
    story = Story(DEMO / name, data_folder())
    assert len(story.laps.of(0)) == 6
    assert story.composition.lap_s >= 60.0
    assert all(recording.licence for recording in story.composition.recordings.values())
    if name == "story_open.yaml":
        licences = {recording.licence for recording in story.composition.recordings.values()}
        assert not any("research" in licence for licence in licences)


def test_the_demo_plays_the_story_of_packages_where_no_data_is_at_hand(tmp_path: Path) -> None:
    assert demo_story(tmp_path).name == "story_of_packages.yaml"
