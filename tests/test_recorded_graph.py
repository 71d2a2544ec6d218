"""The whole graph as a user runs it on a recording, which plays as fast as it was recorded."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from graph_command import experiences, run, summary

pytestmark = pytest.mark.alone

MODALITIES = {"vision", "audio", "proprioception"}
KEYS = {
    "profile", "source", "duration_s", "frames", "frames_dropped", "puzzles", "salience", "fused",
    "experiences", "latency_ms", "stages_ms", "pss_mb", "backends", "weights",
}  # fmt: skip


@pytest.mark.distribution
def test_a_story_becomes_salience_and_memories_that_can_be_recalled(home: Path) -> None:
    ran = run(home, "demo", "--headless", "--duration", "28")
    assert ran.returncode == 0, ran.stderr
    found = summary(ran.stdout)
    assert set(found) >= KEYS
    assert set(found["puzzles"]) >= MODALITIES
    assert all(found["puzzles"].values()), found["puzzles"]
    assert found["frames"] > 400
    for modality in ("vision", "audio"):
        said = found["salience"][modality]  # quiet but for what stands out
        assert said["max"] > 0.2 and said["max"] > 5.0 * said["mean"], said
        assert said["std"] > 0.02, said
        assert len(found["weights"][f"{modality}_encoder"]) == 64
    assert found["experiences"] > 0
    assert experiences(home) >= found["experiences"]

    happened = found["story"]["events"]
    assert len(happened) >= 2, happened  # a sound, and a lens that is covered
    assert found["story"]["noticed"] >= 1, found["story"]
    assert all(event["reason"] for event in happened if event["noticed_s"] is not None)
    assert found["asked"]["question"] and found["asked"]["question"] in ran.stdout

    asked = run(home, "recall", found["asked"]["question"], "--json")
    answers = json.loads(asked.stdout)["answers"]
    assert bool(answers) == (asked.returncode == 0) == bool(found["asked"]["id"]), asked.stdout
    assert all(-1.0 <= answer["score"] <= 1.0 for answer in answers)
    assert [a["score"] for a in answers] == sorted((a["score"] for a in answers), reverse=True)
    answers = json.loads(run(home, "recall", "--modality", "vision", "--json").stdout)["answers"]
    similar = run(home, "recall", "--like", answers[0]["id"], "--json")
    assert similar.returncode == 0, similar.stderr
    assert answers[0]["id"] not in similar.stdout
