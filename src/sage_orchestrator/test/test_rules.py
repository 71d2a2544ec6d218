"""Halting, metering, isolation, telemetry, and finding plugins."""

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
from sage_orchestrator.core.running.answer import checked_details
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
    assert meter.cost_ns(meter.start("p"), 7) == 300 + 70


def test_clocks_that_disagree_never_give_a_negative_cost():
    wall, cpu = iter([100, 90]), iter([50, 40])
    meter = MeasuredMeter(lambda: next(wall), lambda: next(cpu))
    assert meter.cost_ns(meter.start("p"), 7) == 0


def test_the_nominal_meter_gives_what_is_declared():
    meter = NominalMeter()
    assert meter.cost_ns(meter.start("p"), 7) == 7


@given(st.integers(0, 10**15))
def test_atp_and_nanoseconds_convert_back(ns):
    assert to_ns(to_atp(ns)) == ns


@pytest.mark.parametrize("value", [-1.0, math.nan, math.inf])
def test_impossible_budgets_are_refused(value):
    with pytest.raises(InvalidInput, match="budget_atp"):
        to_ns(value, "budget_atp")


def test_isolation_doubles_up_to_its_longest_and_is_forgiven():
    isolation = CircuitBreaker(CircuitBreakerRules(2, 10, 35, abandoned_limit=9))
    isolation.failed(0, "why")
    assert not isolation.isolated(0)
    lengths = []
    now = 0
    for _ in range(4):
        isolation.failed(now, "why")
        lengths.append(isolation.remaining_ns(now))
        now += lengths[-1]
        assert not isolation.isolated(now)
    assert lengths == [10, 20, 35, 35]
    isolation.succeeded()
    isolation.failed(now, "why")
    assert not isolation.isolated(now)
    assert isolation.failures == 6


def test_scalars_are_good_telemetry():
    details = {"tiles": 3, "share": 0.5, "known": True, "name": "door"}
    assert checked_details(details) == details


@pytest.mark.parametrize("value", [[1], {"not": "allowed"}, None, math.nan, -math.inf, "x" * 1025])
def test_bad_telemetry_is_named(value):
    with pytest.raises(InvalidInput) as caught:
        checked_details({"good": 1, "bad": value})
    assert caught.value.field == "details.bad"


@pytest.mark.parametrize(
    ("details", "field"),
    [
        ({f"d{i}": i for i in range(65)}, "details"),
        ({"x" * 257: 1}, "details"),
        ({7: 1}, "details"),
        ({"huge": 10**400}, "details.huge"),
    ],
)
def test_more_telemetry_than_a_message_should_hold_is_refused(details, field):
    with pytest.raises(InvalidInput) as caught:
        checked_details(details)
    assert caught.value.field == field and len(str(caught.value)) < 300


def test_a_plugin_is_found_by_module_and_attribute():
    assert find("misbehaving_plugins:HALVING") is HALVING


@pytest.mark.parametrize(
    "name", ["no_such_plugin", "misbehaving_plugins:NoSuchPlugin", "misbehaving_plugins:Halving"]
)
def test_an_unknown_plugin_is_named(name):
    with pytest.raises(InvalidInput, match=name):
        find(name)
