"""Halting, metering, isolation, the telemetry schema, and finding plugins."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from misbehaving_plugins import HALVING

from sage_common.core.errors import InvalidInput
from sage_orchestrator.core.budget.atp import to_atp, to_ns
from sage_orchestrator.core.budget.meter import MeasuredMeter, NominalMeter
from sage_orchestrator.core.plugin.catalogue import find
from sage_orchestrator.core.plugin.halting import converged, slope
from sage_orchestrator.core.running.schema import validate
from sage_orchestrator.core.running.telemetry import checked_telemetry, telemetry_schema
from sage_orchestrator.core.scheduling.circuit_breaker import CircuitBreaker, CircuitBreakerRules


def test_slope_is_that_of_the_line():
    assert slope([5.0, 3.0, 1.0]) == pytest.approx(-2.0)
    assert slope([1.0]) == 0.0


def test_converged_needs_enough_steps_and_a_flat_end():
    assert not converged([1.0, 1.0, 1.0], 0.01, 3)
    assert converged([9.0, 1.0, 1.0, 1.0, 1.0], 0.01, 3)
    assert not converged([1.0, 0.8, 0.6, 0.4], 0.01, 3)


def test_computing_costs_in_full_and_waiting_a_tenth():
    wall, cpu = iter([0, 1_000]), iter([50, 350])
    meter = MeasuredMeter(lambda: next(wall), lambda: next(cpu))
    assert meter.cost_ns(meter.start(), 7) == 300 + 70


def test_clocks_that_disagree_never_give_a_negative_cost():
    wall, cpu = iter([100, 90]), iter([50, 40])
    meter = MeasuredMeter(lambda: next(wall), lambda: next(cpu))
    assert meter.cost_ns(meter.start(), 7) == 0


def test_the_nominal_meter_gives_what_is_declared():
    meter = NominalMeter()
    assert meter.cost_ns(meter.start(), 7) == 7


@given(st.integers(0, 10**15))
def test_atp_and_nanoseconds_convert_back(ns):
    assert to_ns(to_atp(ns)) == ns


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_impossible_budgets_are_refused(value):
    with pytest.raises(InvalidInput, match="budget_atp"):
        to_ns(value, "budget_atp")


def test_isolation_doubles_up_to_its_longest_and_is_forgiven():
    isolation = CircuitBreaker(CircuitBreakerRules(2, 10, 35, abandoned_limit=9))
    isolation.failed(0)
    assert not isolation.isolated(0)
    lengths = []
    now = 0
    for _ in range(4):
        isolation.failed(now)
        lengths.append(isolation.remaining_ns(now))
        now += lengths[-1]
        assert not isolation.isolated(now)
    assert lengths == [10, 20, 35, 35]
    isolation.succeeded()
    isolation.failed(now)
    assert not isolation.isolated(now)
    assert isolation.failures == 6


TELEMETRY = {
    "plugin": "p", "stamp_ns": 1, "modality": "vision", "source": "front", "state": "DONE",
    "reason": "converged", "steps": 2, "spent_atp": 3.5, "elapsed_s": 0.1,
    "energies": [1.0, 0.5, 0.4], "monotonicity": 1.0, "convergence": 1.0, "value": 0.5,
    "details": {"depth": 3, "sharp": True, "note": "x"},
}  # fmt: skip


def test_good_telemetry_passes():
    assert checked_telemetry(TELEMETRY) is TELEMETRY


@pytest.mark.parametrize(
    ("field", "value", "named"),
    [
        ("steps", -1, "$.steps"),
        ("steps", 1.5, "$.steps"),
        ("steps", True, "$.steps"),
        ("state", "RUNNING", "$.state"),
        ("energies", [1.0, math.nan], "$.energies[1]"),
        ("value", 1.5, "$.value"),
        ("plugin", "p" * 65, "$.plugin"),
        ("details", {"a": [1]}, "$.details.a"),
        ("surplus", 1, "$.surplus"),
    ],
)
def test_bad_telemetry_is_named(field, value, named):
    with pytest.raises(InvalidInput) as caught:
        checked_telemetry({**TELEMETRY, field: value})
    assert caught.value.field == named


def test_every_required_field_is_missed():
    for name in telemetry_schema()["required"]:
        with pytest.raises(InvalidInput) as caught:
            checked_telemetry({key: value for key, value in TELEMETRY.items() if key != name})
        assert caught.value.field == f"$.{name}"
        assert str(caught.value).startswith(f"$.{name} is missing: expected ")


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("reason", "text"),
        ("steps", "a whole number, at least 0"),
        ("value", "a finite number, at least 0, at most 1"),
        ("state", "one of DONE, SPENT"),
        ("details", "an object"),
    ],
)
def test_a_missing_field_says_in_words_what_is_expected(name, expected):
    with pytest.raises(InvalidInput) as caught:
        checked_telemetry({key: value for key, value in TELEMETRY.items() if key != name})
    assert str(caught.value) == f"$.{name} is missing: expected {expected}"


def test_a_keyword_that_would_be_ignored_is_refused():
    with pytest.raises(ValueError, match="unsupported keyword pattern"):
        validate("x", {"pattern": "y"})


def test_a_plugin_is_found_by_module_and_attribute():
    assert find("misbehaving_plugins:HALVING") is HALVING


@pytest.mark.parametrize(
    "name", ["no_such_plugin", "misbehaving_plugins:NoSuchPlugin", "misbehaving_plugins:Halving"]
)
def test_an_unknown_plugin_is_named(name):
    with pytest.raises(InvalidInput, match=name):
        find(name)
