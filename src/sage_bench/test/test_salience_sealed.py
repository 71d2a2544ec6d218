"""The sealed half: what it is made of, what is said when that is missing, and its streams."""

from __future__ import annotations

import re
from pathlib import Path

import av
import cv2
import numpy as np
import pytest
import soundfile
from scipy.io import savemat

from sage_bench.cases import salience
from sage_bench.documentation import render_origins
from sage_bench.salience import played
from sage_bench.salience.streams import origins, sounds
from sage_bench.salience.streams.origins import SEALED_ORIGINS, Origin
from sage_bench.salience.streams.sealed_sources import FOLDER, PAGE, SealedSources, sealed_folder
from sage_bench.salience.streams.stream import Stream

MADE = (
    Origin("camera", "https://example.org/camera", "1" * 40, "made", {origins.VIDEO: ("*.avi",)}),
    Origin("album", "https://example.org/album", "2" * 40, "made",
        {origins.PHOTOGRAPH: ("a/*.png",)}),
    Origin("tapes", "", "1.0-1", "made", {
        origins.EVENT_SOUND: ("events/*",), origins.ROOM: ("room.wav",),
        origins.PLACE: ("steady.wav", "gone.wav"), origins.RESPONSE: ("answer.wav",)}),
    Origin("board", "https://example.org/board", "3" * 40, "made", {
        origins.INERTIAL: ("trial.mat", "acelerometro_terra.csv", "giroscopio_terra.csv")}),
)  # fmt: skip
RATE = sounds.SOUND_RATE


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Made recordings of every use."""
    made = tmp_path_factory.mktemp("sealed")
    for part in ("camera", "album/a", "tapes/events", "board"):
        (made / part).mkdir(parents=True)
    random = np.random.default_rng(0)
    write_video(made / "camera/take.avi", random.integers(0, 255, (60, 30, 40, 3), np.uint8))
    cv2.imwrite(str(made / "album/a/red.png"), np.full((60, 90, 3), (0, 0, 200), np.uint8))
    noise = random.normal(0.0, 0.1, 4 * RATE)
    soundfile.write(made / "tapes/room.wav", noise, RATE)
    soundfile.write(made / "tapes/steady.wav", noise[::-1], RATE)
    soundfile.write(made / "tapes/gone.wav", noise * (np.arange(len(noise)) < RATE), RATE)
    soundfile.write(made / "tapes/answer.wav", np.r_[0.5, np.zeros(799)], RATE)
    click = np.r_[np.zeros(4000), 0.3 * np.ones(2000), np.zeros(4000)]
    soundfile.write(made / "tapes/events/click.wav", np.stack([click, click], axis=1), 8000)
    write_motion(made / "board", random)
    return made


def write_video(path: Path, pictures: np.ndarray) -> None:
    """Pictures [N, H, W, 3] as a video of 20 a second, without sound."""
    with av.open(str(path), "w") as container:
        track = container.add_stream("mjpeg", rate=20)
        track.height, track.width = pictures.shape[1:3]
        track.pix_fmt = "yuvj420p"
        for picture in pictures:
            large = cv2.resize(picture // 8 + 100, (track.width, track.height))
            container.mux(track.encode(av.VideoFrame.from_ndarray(large, "rgb24")))
        container.mux(track.encode())


def write_motion(board: Path, random: np.random.Generator) -> None:
    """A trial at 200 Hz that moves from 1 s to 41 s, and a phone at 50 Hz for 50 s."""
    force = np.tile([0.0, 0.0, 9.8], (10_000, 1)) + random.normal(0.0, 0.1, (10_000, 3))
    moving = (np.arange(10_000) >= 200) & (np.arange(10_000) < 8200)
    turn = np.where(moving[:, None], 1.0, np.nan) * np.ones((10_000, 3))
    savemat(board / "trial.mat", {
        "imu_acc": force, "imu_gyr": turn, "movement": moving, "sampling_rate": 200.0})  # fmt: skip
    for name, shift_ns, values in (
        ("acelerometro_terra", 0, (0.0, 0.0, 9.8)),
        ("giroscopio_terra", 7, (0.1, 0.2, 0.3)),
    ):
        rows = (
            f"a day,{5_000_000_000 + n * 20_000_000 + shift_ns},{values[0]},{values[1]},{values[2]}"
            for n in range(2500)
        )
        (board / f"{name}.csv").write_text("\n".join(["timestamp,uptimeNanos,x,y,z", *rows]))


def test_every_origin_says_where_which_version_and_whose() -> None:
    uses = {use for origin in SEALED_ORIGINS for use in origin.files}
    assert uses == {
        origins.VIDEO, origins.PHOTOGRAPH, origins.EVENT_SOUND, origins.ROOM, origins.PLACE,
        origins.RESPONSE, origins.INERTIAL,
    }  # fmt: skip
    assert len({origin.folder for origin in SEALED_ORIGINS}) == len(SEALED_ORIGINS)
    for origin in SEALED_ORIGINS:
        assert origin.licence and all(origin.files.values())
        if origin.address:
            assert re.fullmatch(r"https://\S+", origin.address)
            assert re.fullmatch(r"[0-9a-f]{40}", origin.version)


def test_commands_fetch_what_is_used_and_stand_on_the_page() -> None:
    clone, checkout = MADE[1].commands
    assert clone.endswith("https://example.org/album album")
    assert checkout == f"git -C album checkout {'2' * 40} -- 'a/*.png'"
    assert MADE[2].commands == (
        "apt-get download tapes=1.0-1",
        "dpkg-deb -x tapes_*.deb tapes",
    )
    page = render_origins(SEALED_ORIGINS)
    for origin in SEALED_ORIGINS:
        assert all(f"\n{command}\n" in page for command in origin.commands)
        assert origin.licence in page


def test_the_folder_is_named_or_lies_in_that_of_all_recordings(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv(FOLDER, raising=False)
    assert sealed_folder(Path("data")) == Path("data/sealed")
    monkeypatch.setenv(FOLDER, "elsewhere")
    assert sealed_folder(Path("data")) == Path("elsewhere")


def test_recordings_are_of_one_rate_size_and_loudness(folder: Path) -> None:
    sources = SealedSources(folder, MADE)
    (shot,) = sources.shots
    assert shot.name == "camera/take 0"
    assert shot.samples.dtype == np.uint8 and shot.samples.shape == (30, 256, 341, 3)
    (photograph,) = sources.photographs
    assert photograph.samples.shape == (224, 224, 3)
    assert photograph.samples[0, 0].tolist() == [200, 0, 0]
    (click,) = sources.event_sounds
    assert click.name == "tapes/events/click"
    # A quarter of a second, from where it begins, and not twice as long for its lower rate.
    assert len(click.samples) == pytest.approx(0.25 * RATE, rel=0.1)
    assert [room.name for room in (*sources.rooms, *sources.other_places)] == [
        "tapes/room",
        "tapes/steady",
    ]
    for sound in (click, *sources.rooms, *sources.other_places):
        assert np.isfinite(sound.samples).all()
        assert np.sqrt(np.mean(np.square(sound.samples))) == pytest.approx(1.0, abs=0.05)


def test_motion_is_at_100_hz_and_of_a_trial_only_what_moves(folder: Path) -> None:
    trial, phone = (item.samples for item in SealedSources(folder, MADE).motions)
    assert trial.shape == (4000, 6) and np.isfinite(trial).all()
    assert trial[:, 2].mean() == pytest.approx(9.8, abs=0.02)
    assert phone.shape == pytest.approx((4998, 6), abs=1)
    assert phone[100] == pytest.approx([0.0, 0.0, 9.8, 0.1, 0.2, 0.3])


def test_a_stream_is_the_same_every_time_and_holds_its_events(folder: Path) -> None:
    first, again = (Stream(SealedSources(folder, MADE), 0, 60.0) for _ in range(2))
    assert first.name == "sealed 0" and len(first.events) >= 2
    moments = list(first.moments())
    assert len(moments) == 600
    for one, other in zip(moments, again.moments(), strict=True):
        for part in ("frame", "sound", "acceleration", "rotation"):
            assert np.isfinite(getattr(one, part)).all()
            assert np.array_equal(getattr(one, part), getattr(other, part))


def test_all_that_is_missing_is_named_with_what_to_do(folder: Path, tmp_path: Path) -> None:
    more = (*MADE, Origin("lost", "", "1", "made", {origins.ROOM: ("a.wav", "b/*.wav")}))
    with pytest.raises(FileNotFoundError) as caught:
        SealedSources(folder, more)
    said = str(caught.value)
    assert "lost/a.wav, lost/b/*.wav" in said and str(folder) in said
    assert FOLDER in said and PAGE in said and "take" not in said
    assert (Path(__file__).resolve().parents[3] / PAGE).is_file()


def test_a_run_without_them_measures_nothing_and_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(played.HALF, "sealed")
    monkeypatch.setenv(FOLDER, str(tmp_path))
    found = salience.measure(quick=True)
    assert found.bench == "salience_sealed" and not found.rows and not found.inputs
    (error,) = found.errors
    assert f"not in {tmp_path}" in error
    assert all(f"{origin.folder}/" in error for origin in SEALED_ORIGINS)


def test_a_file_without_sound_is_refused(folder: Path) -> None:
    with pytest.raises(ValueError, match=r"take\.avi: expected a sound track"):
        sounds.decoded(folder / "camera/take.avi")
