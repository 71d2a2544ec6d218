"""The figures in docs/encoders.md are those of the bench and the cards; the pictures are whole."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest

from sage_bench.commands.docs import filled, filled_pages
from sage_bench.markdown import bench_figures, bench_matrices, card_figures
from sage_bench.result import Result, Row
from sage_training import pictures

DOCS = Path(__file__).resolve().parents[3] / "docs"


def test_what_is_filled_into_pages_is_as_it_is_now() -> None:
    made = filled_pages(DOCS)
    names = ("salience", "memory", "mailbox", "budget", "operate")
    benches = {f"{bench}_benchmark.md" for bench in names}
    assert set(made) == {
        "encoders.md", "add_a_plugin.md", "gateway.md", "operating.md", "recognition.md", *benches,
    }  # fmt: skip
    for name, text in made.items():
        assert (DOCS / name).read_text() == text, f"docs/{name}: run sage docs"


def test_a_missed_goal_shows_and_a_short_run_does_not_count(tmp_path: Path) -> None:
    missed = Row("slow", 3.0, "ms", goal=2.3, baselines={"reference": 8.4})
    Result("encoders", False, {}, (missed,), ("a note",)).write(tmp_path)
    Result("encoders", True, {}, (Row("hasty", 1.0, "ms"),)).write(tmp_path)
    text = bench_figures(tmp_path, "encoders")
    assert "| slow | 3 ms | 2.3 | **missed** | reference 8.4 |" in text
    assert "- a note" in text and "hasty" not in text


def test_cases_of_a_figure_stand_in_one_table_with_the_best_of_each_bold(tmp_path: Path) -> None:
    rows = (
        Row("AUROC: all", 0.9, "", 0.95, "higher", {"flux": 0.8}, low=0.85, high=0.93),
        Row("AUROC: cut", 0.7, "", None, "higher", {"flux": 0.75, "frames": 0.6}),
        Row("delay: all", 0.3, "s", baselines={"flux": 0.2}),
        Row("plain", 1.0, "ms"),
    )
    Result("salience", False, {}, rows).write(tmp_path)
    Result("salience", True, {}, (Row("AUROC: hasty", 1.0, ""),)).write(tmp_path)
    text = bench_matrices(tmp_path, "salience", "ours")
    assert "| AUROC | all | cut |\n| --- | --- | --- |\n| ours | **0.900** | 0.700 |" in text
    assert "| 95 % | 0.85 to 0.93 |  |\n| flux | 0.800 | **0.750** |\n| frames |  | 0.600 |" in text
    assert "| delay | all |\n| --- | --- |\n| ours | 0.300 |\n| flux | **0.200** |" in text
    assert "hasty" not in text and "plain" not in text
    rest = bench_figures(tmp_path, "salience")
    assert "| plain | 1 ms |" in rest and "AUROC" not in rest
    every = bench_figures(tmp_path, "salience", with_cases=True)
    assert "| plain | 1 ms |" in every and "| delay: all | 0.3 s |" in every


def test_without_a_bench_the_page_says_so(tmp_path: Path) -> None:
    assert bench_figures(tmp_path, "encoders").startswith("Not measured yet")
    said = "Not measured yet: run `HALF=x sage bench a`, then `sage docs`."
    assert bench_figures(tmp_path, "a_x", "HALF=x sage bench a") == said
    assert bench_matrices(tmp_path, "a_x", "ours", "HALF=x sage bench a") == said


def test_cards_say_data_split_and_how_to_rebuild(tmp_path: Path) -> None:
    body = {
        "name": "a", "version": "1", "sha256": "", "bytes": 2000, "parameters": 1234, "seed": 0,
        "training_seconds": {"first": 10, "second": 5}, "rebuild": "sage models train a",
        "data": "pictures.zip", "split": "by image",
    }  # fmt: skip
    (tmp_path / "a.json").write_text(json.dumps(body))
    text = card_figures(tmp_path)
    assert "| a | a | 2 | 1,234 | 0 | 15 | `sage models train a` |" in text
    assert "- a: data: pictures.zip; split: by image" in text


def test_a_page_without_a_place_for_figures_is_refused() -> None:
    assert filled("<!-- sage docs: x -->old<!-- end -->", "x", "new").count("new") == 1
    with pytest.raises(ValueError, match="no place for y"):
        filled("<!-- sage docs: x --><!-- end -->", "y", "new")


def test_a_sheet_has_tiles_in_their_places() -> None:
    grid = np.arange(900, dtype=np.uint8).reshape(30, 30) % 10
    tile = pictures.puzzle(grid)
    assert tile.shape == (pictures.TILE_PX, pictures.TILE_PX, 3)
    assert (tile[::4, ::4] == pictures.colours()[grid]).all()
    sheet = pictures.sheet(
        {"one": [tile] * 8, "two": [tile] * 8}, ["caption"] * 8, "dark", "bright"
    )
    left = pictures.MARGIN_PX + 7 * (pictures.TILE_PX + pictures.GAP_PX)
    top = pictures.LINE_PX
    assert (sheet[top : top + pictures.TILE_PX, left : left + pictures.TILE_PX] == tile).all()


def test_ten_colours_rise_in_brightness() -> None:
    luminance = pictures.colours() @ np.array([0.2126, 0.7152, 0.0722])
    assert (np.diff(luminance) > 5).all()


@pytest.mark.parametrize("name", ["vision_puzzles.png", "audio_puzzles.png"])
def test_the_pictures_are_small_and_in_the_page(name: str) -> None:
    path = DOCS / "images" / name
    image = cv2.imread(str(path))
    assert image is not None and image.shape[1] > 1000
    assert path.stat().st_size < 500_000
    assert f"images/{name}" in (DOCS / "encoders.md").read_text()
