"""What the user calls the source becomes sensor nodes."""

from __future__ import annotations

from pathlib import Path

import pytest

from sage.sources.planning import is_bag, plan_sensors
from sage_common.core.errors import InvalidInput
from sage_sensors.backends.recording import data_folder


def test_recording_is_one_node_and_says_what_stands_behind_each_stream() -> None:
    plan = plan_sensors("recording", "auto", "/sage", loop=True)
    assert [node.kind for node in plan.nodes] == ["recording"]
    assert set(plan.backends) == {"camera", "microphone", "imu", "text"}
    told = " ".join(plan.notes)
    for stream, backend in plan.backends.items():
        assert backend.startswith("file:") or stream in told
    assert "begins again" in told
    assert "begins again" not in " ".join(plan_sensors("recording", "auto", "/sage", False).notes)


@pytest.mark.parametrize(
    ("camera", "parameters"),
    [
        ("auto", {"backend": "auto"}),
        ("synthetic", {"backend": "synthetic"}),
        ("/dev/video3", {"backend": "v4l2", "device": "/dev/video3"}),
    ],
)
def test_live_takes_the_camera_that_was_named(camera: str, parameters: dict[str, str]) -> None:
    plan = plan_sensors("live", camera, "/sage", loop=True)
    assert [node.kind for node in plan.nodes] == ["camera", "microphone", "imu"]
    assert plan.nodes[0].parameters == parameters


def test_an_unknown_camera_is_refused() -> None:
    with pytest.raises(InvalidInput, match="camera"):
        plan_sensors("live", "webcam9", "/sage", loop=True)


def test_signals_are_generated_only_where_they_are_asked_for_by_name() -> None:
    plan = plan_sensors("synthetic", "auto", "/sage", loop=True)
    assert [node.kind for node in plan.nodes] == ["camera", "microphone", "imu"]
    assert {node.parameters["backend"] for node in plan.nodes} == {"synthetic"}
    assert plan.backends["imu"] == "synthetic"
    live = plan_sensors("live", "auto", "/sage", loop=True)
    assert "synthetic" not in str(live)


def test_a_demo_without_a_recorded_walk_asks_for_a_synthetic_imu_by_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGE_DATA", str(tmp_path))
    plan = plan_sensors("recording", "auto", "/sage", loop=True)
    assert plan.backends["imu"] == "synthetic"
    assert "imu" in plan.nodes[0].parameters["synthetic"]
    assert "marked synthetic:NAME" in plan.notes[-1]


def test_topics_start_no_sensor() -> None:
    assert plan_sensors("topics", "auto", "/sage", loop=True).nodes == ()


@pytest.mark.parametrize("path", ["nowhere/film.mp4", "dog.wav", "bags/walk"])
def test_a_path_that_does_not_exist_is_refused(path: str) -> None:
    with pytest.raises(FileNotFoundError, match=rf"^source /.*{path}: no such file$"):
        plan_sensors(path, "auto", "/sage", loop=True)


def test_a_word_that_is_no_source_is_refused() -> None:
    with pytest.raises(InvalidInput, match="source = 'recroding': expected story, recording, live"):
        plan_sensors("recroding", "auto", "/sage", loop=True)


def test_bags_are_told_from_media(tmp_path: Path) -> None:
    (tmp_path / "bag").mkdir()
    assert not is_bag(tmp_path / "bag")
    (tmp_path / "bag" / "bag_0.mcap").touch()
    assert is_bag(tmp_path / "bag")
    assert is_bag(tmp_path / "old.bag")
    assert not is_bag(tmp_path / "film.mp4")


@pytest.mark.parametrize("folder", ["checkout", "elsewhere"])
def test_recordings_are_found_from_any_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folder: str
) -> None:
    data = tmp_path / "shared" / "data"
    for made in (data, tmp_path / "checkout" / ".venv", tmp_path / "elsewhere" / "deep"):
        made.mkdir(parents=True)
    monkeypatch.delenv("SAGE_DATA", raising=False)
    monkeypatch.setattr("sys.prefix", str(tmp_path / "checkout" / ".venv"))
    monkeypatch.chdir(tmp_path / folder / ("deep" if folder == "elsewhere" else ""))
    assert data_folder() == data


def test_a_recording_that_is_not_at_hand_is_named_with_what_is_played_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGE_DATA", str(tmp_path))
    first, *_ = plan_sensors("recording", "auto", "/sage", loop=True).notes
    assert str(tmp_path / "video") in first and "$SAGE_DATA" in first and "this plays" in first
