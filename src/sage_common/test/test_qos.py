"""The profile that all who publish a topic can serve."""

from __future__ import annotations

import pytest

from sage_common.ros.qos import OFFERED, PROFILES, weakest


@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        (("latched",), "static"),
        (("latched", "static"), "static"),
        (("latched", "standard"), "standard"),
        (("standard",), "standard"),
        ((), "standard"),
    ],
)
def test_the_weakest_offer_is_asked_for(offers: tuple[str, ...], expected: str) -> None:
    assert weakest([OFFERED[name] for name in offers]) == expected


def test_best_effort_is_asked_for_where_one_offers_no_more() -> None:
    assert weakest([OFFERED["latched"], PROFILES["sensor"]]) == "sensor"
