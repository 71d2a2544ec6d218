"""Benches: what a row says of its goal and baselines, and what a missing model does to a bench."""

from __future__ import annotations

import json
import math
import os
import re
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
from rich.console import Console

from sage.graph.environment import FIRST_DOMAIN, LAST_DOMAIN, DomainLease
from sage_bench.commands import bench
from sage_bench.encoders import loading, precision, quality, vision
from sage_bench.encoders.quality import Judged, baselines_of
from sage_bench.encoders.section import Figures, Setting, run_all
from sage_bench.encoders.timing import Variant, alternating_ms, row_of_variants
from sage_bench.markdown import bench_figures
from sage_bench.result import Result, Row, commit
from sage_encoders.core.card import ModelError

REPOSITORY = Path(__file__).resolve().parents[3]
MODELS = REPOSITORY / "models"
DATA = Path(os.environ.get("SAGE_DATA", REPOSITORY.parent / "shared" / "data"))


def printed(result: Result) -> str:
    console = Console(width=200, record=True, file=open(os.devnull, "w"))  # noqa: SIM115
    console.print(result.table())
    return console.export_text()


def test_ratios_say_how_many_times_better() -> None:
    lower = Row("time", 2.0, "ms", baselines={"other": 8.0})
    higher = Row("accuracy", 0.8, "", better="higher", baselines={"other": 0.4, "ceiling": 1.0})
    nothing = Row("dropped", 0.0, "frames", baselines={"other": 3.0})
    text = printed(Result("x", False, {}, (lower, higher, nothing)))
    assert "other 8 (4x)" in text
    assert "other 0.4 (2x)" in text and "ceiling 1 (0.8x)" in text
    assert "other 3" in text and "other 3 (" not in text


def test_goals_that_are_missed_show() -> None:
    rows = (
        Row("slow", 3.0, "ms", goal=2.3),
        Row("good", 0.9, "", goal=0.8, better="higher"),
        Row("bad", 0.7, "", goal=0.8, better="higher"),
    )
    assert [row.met for row in rows] == [False, True, False]
    lines = [line for line in printed(Result("x", False, {}, rows)).splitlines() if "│" in line]
    assert ["missed" in line for line in lines] == [True, False, True]


def test_what_did_not_happen_is_null_and_a_dash_and_said(tmp_path: Path) -> None:
    never = Row("back", math.nan, "s", goal=60.0, baselines={"a": math.nan, "b": 2.0})
    lacks = Result("x", False, {}, (never, Row("slow", 3.0, "ms", baselines={"c": math.inf})))
    text = lacks.write(tmp_path).read_text()
    assert not re.search("NaN|Infinity", text)
    written = json.loads(text)
    assert [row["value"] for row in written["rows"]] == [None, 3.0]
    assert written["rows"][0]["baselines"] == {"a": None, "b": 2.0}
    assert written["rows"][0]["met"] is False
    assert written["notes"] == ["back: no figure, for it did not happen"]
    (line,) = [line for line in printed(lacks).splitlines() if "back" in line]
    assert "missed" in line and "nan" not in printed(lacks)
    assert [cell.strip() for cell in line.split("│")][2] == "-"
    assert "| back | - | 60 | **missed** | a -, b 2 |" in bench_figures(tmp_path, "x")


@pytest.mark.parametrize("of_the_user", ["7", None])
def test_graphs_of_a_bench_meet_none_of_the_user(
    monkeypatch: pytest.MonkeyPatch, of_the_user: str | None
) -> None:
    monkeypatch.delenv(bench.DOMAIN, raising=False)
    if of_the_user is not None:
        monkeypatch.setenv(bench.DOMAIN, of_the_user)
    seen = []

    def measure(quick: bool) -> None:
        seen.append(int(os.environ.pop(bench.DOMAIN)))
        lease = DomainLease()  # as of a graph that is started meanwhile by somebody else
        seen.append(lease.domain_id)
        lease.release()
        os.environ[bench.DOMAIN] = str(seen[0])
        raise ModelError("a model")

    monkeypatch.setattr(bench, "case", lambda name: SimpleNamespace(measure=measure))
    with pytest.raises(ModelError):
        bench.measured("x", True)
    assert set(seen) <= set(range(FIRST_DOMAIN, LAST_DOMAIN + 1)) and seen[0] != seen[1]
    assert os.environ.get(bench.DOMAIN) == of_the_user


def test_of_many_baselines_the_best_show() -> None:
    many = {f"b{number}": number / 10 for number in range(9)}
    higher = Row("area", 0.9, "", better="higher", baselines=many)
    assert list(higher.strongest) == ["b8", "b7", "b6"]
    assert list(Row("time", 0.9, "ms", baselines=many).strongest) == ["b0", "b1", "b2"]
    text = printed(Result("x", False, {}, (higher,)))
    assert "b8 0.8" in text and "and 6 that are worse" in text and "b5" not in text
    few = Row("area", 0.9, "", better="higher", baselines=dict(list(many.items())[:8]))
    assert len(few.strongest) == 8 and few.unshown == ""


def test_an_interval_shows(tmp_path: Path) -> None:
    row = Row("area", 0.9, "", better="higher", low=0.85, high=0.94)
    result = Result("x", False, {}, (row, Row("bare", 1.0, "")))
    assert "0.85 to 0.94" in printed(result)
    assert result.as_dict()["rows"][0]["low"] == 0.85
    assert result.as_dict()["rows"][1]["high"] is None
    result.write(tmp_path)
    text = bench_figures(tmp_path, "x")
    assert "| area | 0.9 (0.85 to 0.94) |" in text and "| bare | 1 |" in text


def test_notes_and_errors_are_printed_and_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def measure(name: str, quick: bool) -> Result:
        return Result(name, quick, {}, (Row("a", 1.0, "ms"),), ("without B",), ("no C",))

    monkeypatch.setattr(bench, "measured", measure)
    monkeypatch.chdir(tmp_path)
    parser = bench.argparse.ArgumentParser()
    bench.add_arguments(parser)
    options = parser.parse_args(["loop", "--json"])
    assert bench.run(options) == 1
    *shown, last = capsys.readouterr().out.splitlines()
    assert "note: without B" in shown and "error: no C" in shown
    assert json.loads(last)["notes"] == ["without B"] and json.loads(last)["errors"] == ["no C"]
    # What the pages quote is replaced only on request.
    assert len(list(Path("build", "bench").iterdir())) == 1 and not Path("bench").exists()
    assert bench.run(parser.parse_args(["loop", "--record"])) == 1
    assert len(list(Path("bench", "results").iterdir())) == 1


def test_a_short_run_leaves_the_figures_of_a_full_one(tmp_path: Path) -> None:
    row = Row("a", 1.0, "ms")
    full = Result("x", False, {}, (row,)).write(tmp_path)
    quick = Result("x", True, {}, (row,)).write(tmp_path)
    assert full != quick and len(list(tmp_path.iterdir())) == 2


def test_variants_take_turns() -> None:
    order: list[str] = []
    variants = {name: Variant(lambda _, name=name: order.append(name)) for name in ("a", "b")}
    taken_ms = alternating_ms(variants, 20)
    assert {name: len(samples) for name, samples in taken_ms.items()} == {"a": 20, "b": 20}
    # After warming up: a turn of each with one untimed run, then the other way round.
    assert "".join(order[10:]) == "a" * 11 + "b" * 22 + "a" * 11


def test_a_comparison_ends_at_its_limit_with_equal_shares() -> None:
    slow = Variant(lambda _: time.sleep(0.002))
    taken_ms = alternating_ms({"a": slow, "b": slow}, 1000, limit_s=0.0)
    assert len(taken_ms["a"]) == len(taken_ms["b"]) == 10


def test_the_first_variant_is_the_figure() -> None:
    row = row_of_variants("encode", {"ours": [2.0, 3.0, 4.0], "theirs": [9.0]}, goal=2.5)
    assert row.value == 3.0 and row.baselines == {"theirs": 9.0} and row.met is False


def test_missing_models_are_named_and_the_rest_is_measured(tmp_path: Path) -> None:
    def lacks(setting: Setting) -> Figures:
        setting.model("vision_encoder.onnx")
        return Figures()

    def lacks_data(setting: Setting) -> Figures:
        setting.file(Path("images/none.zip"))
        return Figures()

    def works(setting: Setting) -> Figures:
        return Figures((Row("a", 1.0, "ms"),), ("said once",))

    setting = Setting(tmp_path, tmp_path, quick=True)
    sections = {"vision": lacks, "data": lacks_data, "one": works, "two": works}
    found = run_all(sections, setting)
    assert len(found.rows) == 2 and found.notes == ("said once",)
    assert "vision_encoder.onnx" in found.errors[0] and "none.zip" in found.errors[1]


def test_baselines_belong_to_their_figures() -> None:
    figures = {
        "mse": 0.1,
        "baseline_mean_image_mse": 0.3,
        "view_retrieval": 0.9,
        "baseline_view_retrieval_raw_pixels": 0.2,
        "class_accuracy_5nn": 0.8,
        "baseline_class_accuracy_chance": 0.1,
    }
    assert baselines_of("mse", figures) == {"mean image": 0.3}
    assert baselines_of("view_retrieval", figures) == {"raw pixels": 0.2}
    assert baselines_of("class_accuracy_5nn", figures) == {"chance": 0.1}


def write_card(path: Path, **held_out: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")
    body = {"name": "a", "version": "1", "sha256": "", "parameters": 10, "held_out": held_out}
    path.with_suffix(".json").write_text(json.dumps(body))


def test_quality_must_beat_the_reference_and_the_goal(tmp_path: Path) -> None:
    write_card(tmp_path / "a.onnx", mse=0.05, perplexity=8.5, baseline_mean_mse=0.3)
    write_card(tmp_path / "reference/a.onnx", mse=0.04, perplexity=7.0)
    judged = Judged("a", "a.onnx", ("b", "reference/a.onnx"), {"perplexity": 8.0})
    found = quality.rows(judged, Setting(tmp_path, tmp_path, quick=True))
    by_name = {row.name: row for row in found.rows}
    error, codes = by_name["a held-out MSE"], by_name["a perplexity of the codes, of 10"]
    assert error.goal == 0.04 and error.met is False
    assert error.baselines == {"reference": 0.04, "mean": 0.3}
    assert codes.goal == 8.0 and codes.met is True
    assert found.notes == (quality.FROM_CARDS,)


def test_precision_shows_what_fell_below_its_line(tmp_path: Path) -> None:
    for suffix in (".onnx", ".json"):
        content = (MODELS / "audio_encoder").with_suffix(suffix).read_bytes()
        (tmp_path / "audio_encoder").with_suffix(suffix).write_bytes(content)
    card = tmp_path / "audio_encoder.json"
    body = json.loads(card.read_text())
    body["fastest_how"] = {"retained": {"int8": {"mse": 0.9, "class_accuracy_5nn": 0.99}}}
    card.write_text(json.dumps(body))
    rows = precision.rows(Setting(tmp_path, tmp_path, quick=True)).rows
    retained = next(row for row in rows if "retained" in row.name)
    assert retained.value == 0.9 and retained.goal == 0.95 and retained.met is False
    assert any(row.name == "audio_encoder fp32, p50" and row.samples >= 10 for row in rows)


def test_precision_without_variants_is_an_error(tmp_path: Path) -> None:
    assert "quantize" in precision.rows(Setting(tmp_path, tmp_path, quick=True)).errors[0]


def test_loading_counts_every_load() -> None:
    measured = loading.measure("audio", MODELS, times=2)
    assert len(measured["load_ms"]) == len(measured["unload_ms"]) == 2
    assert min(measured["load_ms"]) > 0
    assert measured["loaded_mb"] > 0 and measured["before_mb"] > 0 and measured["after_mb"] > 0


def test_timing_without_the_model_names_it(tmp_path: Path) -> None:
    if not (DATA / "images").is_dir():
        pytest.skip(f"no recorded data at {DATA}: set SAGE_DATA")
    with pytest.raises(ModelError, match=r"vision_encoder\.onnx"):
        vision.time_rows(Setting(DATA, tmp_path, quick=True))


def test_a_full_run_measures_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Measured:
        def __init__(self, data: Path) -> None:
            assert data == DATA

        def measure(self, models: Path) -> dict[str, float]:
            assert models == tmp_path
            return {"images": 80, "mse": 0.06, "baseline_mean_mse": 0.3}

    write_card(tmp_path / "a.onnx", mse=0.05, baseline_mean_mse=0.3)
    monkeypatch.setattr(quality, "has_torch", lambda: True)
    monkeypatch.setattr("sage_training.recipes.recipe_type", lambda name: Measured)
    setting = Setting(DATA, tmp_path, quick=False)
    found = quality.rows(Judged("a", "a.onnx", goals={"mse": 0.055, "parameters": 5}), setting)
    by_name = {row.name: row for row in found.rows}
    assert by_name["a held-out MSE"].value == 0.06 and by_name["a held-out MSE"].samples == 80
    assert by_name["a parameters, with decoder"].met is False and not found.notes


def test_recorded_figures_are_no_change_of_the_commit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert commit() == "unknown"
    author = ("-c", "user.name=a", "-c", "user.email=a@b")
    for name in ("bench/results/loop.json", "code.py"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("1")
    for words in (("init", "-q"), ("add", "."), (*author, "commit", "-qm", "first")):
        subprocess.run(["git", *words], check=True)
    clean = commit()
    assert re.fullmatch("[0-9a-f]{7,}", clean)
    (tmp_path / "bench/results/loop.json").write_text("2")
    assert commit() == clean
    (tmp_path / "code.py").write_text("2")
    assert commit() == f"{clean}-dirty"
