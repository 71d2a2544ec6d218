"""Diagnostics: rows and codes, the worst in words, silent parts, hostile reports, state."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from robot_streams import START_NS, S

from sage_common.core.errors import InvalidInput
from sage_common.core.puzzle import Percept
from sage_encoders.core.robot import diagnostics
from sage_encoders.core.robot.diagnostics import (
    ENCODER_ID,
    ERROR,
    OK,
    STALE,
    WARN,
    DiagnosticsEncoder,
    Status,
    row_of,
)

MOTOR, LASER = "/base/motor_left", "/sensors/laser"


def report(
    encoder: DiagnosticsEncoder, second: float, *reports: tuple[str, int] | tuple[str, int, str]
) -> Percept:
    statuses = [Status(*item) if len(item) == 3 else Status(*item, "") for item in reports]
    encoder.add(START_NS + round(second * S), statuses)
    percept = encoder.percept()
    assert percept is not None
    return percept


def test_each_part_has_its_row_and_the_worst_shows() -> None:
    encoder = DiagnosticsEncoder()
    codes = [report(encoder, i, (MOTOR, level)).codes for i, level in enumerate((0, 1, 3, 2))]
    assert [int(grid[row_of(MOTOR), 29]) for grid in codes] == [1, 4, 6, 9]
    assert codes[-1][row_of(MOTOR), 26:].tolist() == [1, 4, 6, 9]
    assert not np.delete(codes[-1], row_of(MOTOR), axis=0).any()
    twin = next(f"/x{i}" for i in range(999) if row_of(f"/x{i}") == row_of(MOTOR))
    assert report(encoder, 5, (MOTOR, OK), (twin, WARN)).codes[row_of(MOTOR), 29] == 4


def test_rows_are_the_same_everywhere_and_spread() -> None:
    assert [row_of(name) for name in (MOTOR, LASER, "é", "")] == [9, 18, 15, 6]
    rows = [row_of(f"/part_{index}") for index in range(3000)]
    assert np.bincount(rows, minlength=30).min() > 60


def test_words_name_the_newest_fault_and_count_the_others() -> None:
    encoder = DiagnosticsEncoder()
    assert report(encoder, 0, (MOTOR, OK, "fine"), (LASER, OK)).text == ""
    hot = report(encoder, 1, (MOTOR, ERROR, "over temperature"), (LASER, OK))
    assert hot.text == f"ERROR of {MOTOR}: over temperature"
    both = report(encoder, 2, (MOTOR, ERROR, "over temperature"), (LASER, WARN, "dirty"))
    assert both.text == f"WARN of {LASER}: dirty (and 1 more)"
    later = report(encoder, 3, (MOTOR, ERROR, "over temperature"), (LASER, WARN, "dirty"))
    assert later.text == f"ERROR of {MOTOR}: over temperature (and 1 more)"


def test_a_part_that_falls_silent_is_stale_and_forgotten_at_last() -> None:
    encoder = DiagnosticsEncoder(stale_s=5.0)
    report(encoder, 0, (MOTOR, OK), (LASER, OK))
    assert report(encoder, 4, (LASER, OK)).text == ""
    silent = report(encoder, 6, (LASER, OK))
    assert silent.text == f"STALE of {MOTOR}: no report for more than 5 s"
    assert silent.codes[row_of(MOTOR), 29] == 6
    assert report(encoder, 7, (MOTOR, OK), (LASER, OK)).text == ""
    report(encoder, 700, (LASER, OK))
    assert encoder.parts == 1


def test_other_faults_are_far_and_the_same_fault_is_near() -> None:
    def vector(*reports: tuple[str, int]) -> np.ndarray:
        return report(DiagnosticsEncoder(), 0, *reports).embedding

    fine = vector((MOTOR, OK), (LASER, OK))
    assert np.array_equal(fine, vector((LASER, OK)))
    assert np.linalg.norm(fine - vector((MOTOR, ERROR), (LASER, OK))) > 0.8
    assert np.linalg.norm(vector((MOTOR, ERROR)) - vector((LASER, ERROR))) > 0.8
    assert np.linalg.norm(fine - vector((MOTOR, WARN))) > 0.3
    assert np.array_equal(vector((MOTOR, ERROR)), vector((LASER, OK), (MOTOR, ERROR)))


def test_an_older_report_of_another_publisher_does_not_undo_a_newer_one() -> None:
    encoder = DiagnosticsEncoder()
    report(encoder, 10, (MOTOR, ERROR, "hot"))
    encoder.add(START_NS + 9 * S, [Status(MOTOR, OK, ""), Status(LASER, OK, "")])
    assert encoder.percept() is None
    assert report(encoder, 11, (LASER, OK)).text == f"ERROR of {MOTOR}: hot"


@pytest.mark.parametrize(
    ("reports", "field"),
    [
        ([], "status"),
        ([Status(LASER, OK, ""), Status("", OK, "")], "status[1].name"),
        ([Status(LASER, 4, "")], "status[0].level"),
    ],
)
def test_a_bad_report_is_refused_by_field(reports: list[Status], field: str) -> None:
    encoder = DiagnosticsEncoder()
    with pytest.raises(InvalidInput) as refused:
        encoder.add(START_NS, reports)
    assert refused.value.field == field
    assert encoder.percept() is None and encoder.parts == 0


def test_ever_new_names_do_not_fill_the_memory() -> None:
    encoder = DiagnosticsEncoder()
    for second in range(3):
        names = [(f"/part_{second}_{index}", WARN) for index in range(diagnostics.MOST_NAMES)]
        percept = report(encoder, second, *names, (MOTOR, ERROR, "x" * 100_000))
    assert encoder.parts == diagnostics.MOST_NAMES
    assert len(percept.text) < 300


@settings(max_examples=200, deadline=None)
@given(
    messages=st.lists(
        st.tuples(
            st.integers(0, 100 * S),
            st.lists(
                st.builds(Status, st.text(max_size=8), st.integers(0, 5), st.text(max_size=9)),
                max_size=5,
            ),
        ),
        max_size=12,
    )
)
def test_any_reports_are_encoded_or_refused(messages: list[tuple[int, list[Status]]]) -> None:
    encoder = DiagnosticsEncoder()
    for stamp_ns, reports in messages:
        try:
            encoder.add(stamp_ns, reports)
        except InvalidInput as refused:
            assert refused.field and refused.expected
            continue
        percept = encoder.percept()
        if percept is None:
            continue
        assert percept.codes.shape == (30, 30) and int(percept.codes.max()) <= 9
        assert percept.embedding.shape == (128,) and percept.embedding.dtype == np.float32
        assert np.linalg.norm(percept.embedding) == pytest.approx(1.0, abs=1e-4)
        assert percept.encoder_id == ENCODER_ID


def test_a_restored_encoder_goes_on_to_the_bit() -> None:
    whole, first, resumed = (DiagnosticsEncoder() for _ in range(3))
    for encoder in (whole, first):
        report(encoder, 0, (MOTOR, OK), (LASER, STALE, "no scan"))
        report(encoder, 2, (MOTOR, ERROR, "é hot"))
    resumed.restore(first.state())
    ours, theirs = (report(encoder, 3, (LASER, OK)) for encoder in (whole, resumed))
    assert np.array_equal(ours.codes, theirs.codes) and ours.text == theirs.text
    assert np.array_equal(ours.embedding, theirs.embedding)


def test_a_clock_that_is_set_back_starts_anew() -> None:
    encoder = DiagnosticsEncoder()
    for stamp_ns in (START_NS + 3600 * S, START_NS):
        encoder.add(stamp_ns, [Status(MOTOR, OK, "")])
        percept = encoder.percept()
        assert percept is not None and percept.stamp_ns == stamp_ns
    encoder.add(START_NS - S, [Status(LASER, OK, "")])
    assert encoder.percept() is None, "it is only late"
