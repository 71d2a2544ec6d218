"""What `sage explain` says of moments made by hand."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from sage.explain.explanation import Explanation, of_message
from sage.explain.format import lines
from sage_common.core.clock import NS_PER_S, local_time
from sage_common.ros.conversions.stamps import to_stamp
from sage_msgs.msg import FusedSalience, Salience

T0 = 1_700_000_000 * NS_PER_S


def salience(modality: str, age_s: float = 0.0, **fields: Any) -> Salience:
    message = Salience(modality=modality, source="front", reward=0.5, valid=True)
    message.header.stamp = to_stamp(T0 - round(age_s * NS_PER_S))
    message.neighbour_age_s, message.neighbour_distance = -1.0, 1.0
    for name, value in fields.items():
        setattr(message, name, value)
    return message


def loud() -> Salience:
    """A sound that nothing and nobody foresaw."""
    return salience(
        "audio", surprise=0.99, novelty=0.97, arousal=0.71, reward=0.8, conflict=0.82,
        conflict_known=True, total=0.81, neighbour_id=123, neighbour_age_s=41.0,
        neighbour_distance=0.86, prediction_error=0.44, usual_error=0.12, habituation=0.1,
        cross_error=0.82, cross_usual_error=0.3, cross_skill=0.41, p_value=2.5e-5,
        alarms_per_hour=10.0,
        reason="audio: novelty 0.97, nearest seen 41 s ago",
    )  # fmt: skip


def worn() -> Salience:
    """A sight that came too often."""
    return salience(
        "vision", 0.033, surprise=0.2, novelty=0.76, arousal=0.93, total=0.04, neighbour_id=9,
        neighbour_age_s=0.066, p_value=0.25, alarms_per_hour=900.0,
        prediction_error=0.01, usual_error=0.02, habituation=0.85,
        reason="vision: arousal as before, 85% habituated",
    )  # fmt: skip


def explanation(*modalities: Salience, total: float = 0.83, **fields: Any) -> Explanation:
    message = FusedSalience(total=total, reward=0.5, valid=True, dominant_modality="audio")
    message.alarms_per_hour = 9.0
    message.header.stamp = to_stamp(T0)
    message.reason = "audio: novelty 0.97, nearest seen 41 s ago; audio contradicts the others"
    message.modalities = list(modalities)
    message.weights = [1.0 / len(modalities)] * len(modalities) if modalities else []
    for name, value in fields.items():
        setattr(message, name, value)
    return of_message(message, "graph", None, 0.97, (T0 - 300 * NS_PER_S, None))


def text(made: Explanation) -> str:
    return "\n".join(lines(made))


def test_a_salient_moment() -> None:
    seen = local_time(T0 - 41 * NS_PER_S, with_date=False)
    since = local_time(T0 - 300 * NS_PER_S)
    assert text(explanation(loud())) == "\n".join(
        [
            f"{local_time(T0)}  salience 0.83, as rare as 9 false alarms an hour, "
            f"above 97% of the moments known to the running graph since {since}",
            "because: audio: novelty 0.97, nearest seen 41 s ago; audio contradicts the others",
            "",
            "audio/front  total 0.81, weight 1.00, dominates",
            "  salient: novelty 0.97, nearest seen 41 s ago",
            "  1 sample in 40,000 is as unusual (p = 2.5e-05); "
            "its total is as rare as 10 false alarms an hour",
            "  surprise    0.99  predicted to within 0.12 as usual, was 0.44 off, "
            "3.7 times that: above 99% of its past",
            f"  novelty     0.97  nearest remembered percept #123, 41 s earlier at {seen}, "
            "0.86 times as far away as an unrelated sample",
            "  arousal     0.71  intensity and change above 71% of its past",
            "  reward      0.80  similar moments turned out well",
            "  conflict    0.82  the others predict it to within 0.3 as usual, 0.82 off; "
            "skill 0.41",
            "  habituation 0.10  repetition has taken 10%; "
            "without it the total would be about 0.90",
        ]
    )


def test_why_a_modality_was_not_salient() -> None:
    said = text(
        explanation(worn(), total=0.04, dominant_modality="vision", reason="vision: as before")
    )
    assert "not salient: vision: as before" in said
    assert "dominates, its newest percept is 33 ms older" in said
    assert "  25% of the samples are as unusual (p = 0.25)\n" in said
    assert "false alarms" not in said
    verdict = next(line for line in said.splitlines() if line.startswith("  not salient"))
    assert verdict == (
        "  not salient: arousal as before, 85% habituated; "
        "without repetition it would be about 0.27"
    )


def test_high_values_that_are_usual_here_are_no_reason() -> None:
    quiet = replace_fields(worn(), habituation=0.0, reason="vision: nothing unusual")
    said = text(explanation(quiet, total=0.04))
    assert "not salient: nothing unusual; novelty and arousal hardly above what is usual" in said
    muffled = replace_fields(worn(), habituation=0.5)
    assert "85% habituated; novelty and arousal hardly above" in text(explanation(muffled))
    bad = replace_fields(quiet, reward=0.2)
    assert "nothing unusual; similar moments turned out badly, which lowers it" in text(
        explanation(bad)
    )


def replace_fields(message: Salience, **fields: Any) -> Salience:
    for name, value in fields.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        (
            {"prediction_error": 0.0},
            "changes far less than it nearly ever did; predicted to within",
        ),
        (
            {"prediction_error": 0.0, "surprise": 0.1},
            "as predicted, or nothing was predicted; usually 0.12 off",
        ),
        ({"prediction_error": 0.0, "usual_error": 0.0}, "or nothing was predicted yet"),
        ({"usual_error": 0.0}, "was 0.44 off where there usually is no error"),
        ({"prediction_error": 1234.5, "usual_error": 12.5}, "within 12 as usual, was 1234 off"),
        ({"neighbour_age_s": -1.0, "neighbour_id": 0}, "nothing remembered to compare with"),
        ({"neighbour_distance": 0.0}, "identical to remembered percept #123, 41 s earlier at "),
        ({"reward": 0.5}, "unknown: no outcome of similar moments"),
        ({"reward": 0.45}, "turned out neither well nor badly"),
        ({"reward": 0.1}, "similar moments turned out badly"),
        ({"conflict_known": False}, "conflict       ?  unknown: no other modality was live"),
        ({"cross_skill": 0.01}, "the others cannot predict it (skill 0.01)"),
        ({"habituation": 0.0}, "habituation 0.00  no repetition"),
        (
            {"p_value": 1.0},
            "as usual as any sample, or unknown yet (p = 1); its total is as rare as 10",
        ),
        ({"p_value": 0.0}, "less than 1 sample in 1,000,000,000 is as unusual (p < 1e-09); its"),
        (
            {"alarms_per_hour": 0.5},
            "(p = 2.5e-05); its total is as rare as 0.5 false alarms an hour",
        ),
        ({"alarms_per_hour": 1e-9}, "its total is rarer than 0.01 false alarms an hour"),
        ({"habituation": 1.0}, "without it the total would be about 1.00"),
    ],
)
def test_what_each_value_means(fields: dict[str, Any], said: str) -> None:
    assert said in text(explanation(replace_fields(loud(), **fields)))


def test_modalities_that_are_not_live_say_why() -> None:
    dark = salience("vision", 3.0, valid=False, invalid_reason="input is 3.0 s old")
    made = explanation(loud(), dark)
    assert "vision/front  not live: input is 3.0 s old" in lines(made)
    assert made.modalities[1].weight is None
    nothing = explanation(dark, total=0.0, valid=False, reason="no valid salience for 3.0 s")
    assert "not valid: no valid salience for 3.0 s" in lines(nothing)


def test_the_distance_to_what_was_asked_for_is_said() -> None:
    for away_ns, said in (
        (-120_000_000, "120 ms before it"), (2 * NS_PER_S, "2.0 s after it"), (500_000, "")
    ):  # fmt: skip
        made = replace(explanation(loud()), asked_ns=T0 - away_ns)
        asked = [line for line in lines(made) if line.startswith("nearest to what was asked for")]
        assert asked == ([f"nearest to what was asked for: {said}"] if said else [])


def test_in_a_bag_the_time_after_its_start_is_said() -> None:
    made = replace(explanation(loud()), origin="walk", bag_start_ns=T0 - 12_300_000_000, rank=0.0)
    headline = lines(made)[0]
    assert headline.startswith(
        f"{local_time(T0)} (+12.300 s)  salience 0.83, as rare as 9 false alarms an hour, "
        "above none of "
    )
    assert " moments of walk since " in headline


@pytest.mark.parametrize(
    ("rank", "said"),
    [
        (0.0, "none"),
        (1e-5, "0.1%"),
        (0.004, "0.4%"),
        (0.58, "58%"),
        (0.97, "97%"),
        (0.9999, "99.9%"),
    ],
)
def test_a_rank_is_never_rounded_to_all_or_none(rank: float, said: str) -> None:
    assert f", above {said} of the moments " in lines(replace(explanation(loud()), rank=rank))[0]


def test_json_holds_the_same_numbers() -> None:
    found = json.loads(json.dumps(explanation(loud(), worn()).as_dict()))
    audio, vision = found["modalities"]
    assert (found["total"], found["dominant"], found["rank"]) == (0.83, "audio", 0.97)
    assert audio["predicted"] == {"error": 0.44, "usual_error": 0.12}
    assert audio["cross"] == {"error": 0.82, "usual_error": 0.3, "skill": 0.41}
    assert audio["neighbour"]["seen_ns"] == T0 - 41 * NS_PER_S
    assert (vision["conflict"], vision["cross"], vision["habituation"]) == (None, None, 0.85)
