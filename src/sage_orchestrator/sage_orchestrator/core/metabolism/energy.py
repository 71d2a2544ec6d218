"""How much energy is left, from a battery, or else from what is spent."""

from __future__ import annotations

import math
from dataclasses import dataclass

from sage_common.core.state.fields import Transient
from sage_common.core.state.stateful import Stateful

_NS_PER_S = 1_000_000_000
BATTERY_STALE_S = 60.0
SUSTAINED_LOAD = 0.5
"""Share of the nominal load that can be kept up for ever."""
RESERVE_S = 900.0
"""At twice the sustained load an estimated reserve lasts so long; at rest it fills in that time."""
LONGEST_STEP_S = 10.0


@dataclass(frozen=True)
class Energy:
    """How much energy is left.

    Attributes:
        reserve: [0, 1].
        source: "battery", "board power" or "budget use".
        charging: the battery is being charged, or full: it is not scarce, however little there is.
        fault: why a battery is not believed now, in words; empty: there is none, or it is.
        battery: the share that a battery said last, [0, 1]; None: none was heard.
    """

    reserve: float
    source: str
    charging: bool = False
    fault: str = ""
    battery: float | None = None

    @property
    def words(self) -> str:
        """For people."""
        return f"{self.reserve:.0%} by {self.source}" + (f"; {self.fault}" if self.fault else "")


class EnergyReserve(Stateful):
    """The reserve of energy.

    A battery that has said a credible share within a minute counts. What it said last holds when it
    is not credible any more, and the estimate goes on from there: the lower of them counts. Without
    a battery the reserve is estimated like a store that is filled at half the nominal load: from
    full, it is empty after 15 minutes at full load, and from empty, full after 15 minutes without
    any. The load is that of the board (its power over the rated one) where both are known, and else
    the share of the nominal compute budget that plugins spent.
    """

    _estimate: Transient[float] = 1.0
    _battery: Transient[float | None] = None
    _charging: Transient[bool] = False
    _battery_ns: Transient[int] = 0
    _fault: Transient[str] = ""
    _power_w: Transient[float] = -1.0
    _spent_ns: Transient[int] = 0
    _since_ns: Transient[int | None] = None

    def __init__(self, rated_power_w: float, nominal_load: float) -> None:
        """Begin with a full reserve.

        Args:
            rated_power_w: power of the board under full load [W]; 0: unknown.
            nominal_load: compute that the nominal budget has for each unit of time, > 0.
        """
        self._rated_power_w = rated_power_w
        self._nominal_load = nominal_load

    def hear_battery(self, share: float, charging: bool, now_ns: int) -> None:
        """What a battery says of itself: a share in [0, 1], and whether it is charging or full.

        Another share is not used, and `Energy.fault` says so.
        """
        if math.isfinite(share) and 0.0 <= share <= 1.0:
            self._battery, self._charging, self._battery_ns = share, charging, now_ns
            self._fault = ""
        else:
            said = f"says percentage = {share:g}, and not a number in [0, 1]"
            self.refuse_battery(said, charging)

    def refuse_battery(self, why: str, charging: bool = False) -> None:
        """The battery `why`, in words: what it said before holds, and is drained from now on.

        Args:
            why: it says what cannot be used, or nothing.
            charging: it is charging or full all the same; what nobody says is not so.
        """
        if self._battery is not None and not self._fault:
            self._estimate = self._battery
        self._charging, self._fault = charging, f"the battery {why}"

    def hear_power(self, power_w: float) -> None:
        """The power of the board [W]; negative or not finite: it does not say."""
        self._power_w = power_w if math.isfinite(power_w) else -1.0

    def spend(self, compute_ns: int) -> None:
        """Plugins spent compute since the last call."""
        self._spent_ns += compute_ns

    def reading(self, now_ns: int) -> Energy:
        """What is left at `now_ns`."""
        self._follow(now_ns)
        self._check_age(now_ns)
        battery, fault = self._battery, self._fault
        if battery is None:
            return Energy(self._estimate, self._estimated_from, fault=fault)
        if fault:
            fault += f"; it was at {battery:.0%} before, and that holds"
            if self._estimate < battery:
                return Energy(self._estimate, self._estimated_from, self._charging, fault, battery)
        return Energy(battery, "battery", self._charging, fault, battery)

    @property
    def _knows_power(self) -> bool:
        return self._rated_power_w > 0.0 and self._power_w >= 0.0

    @property
    def _estimated_from(self) -> str:
        return "board power" if self._knows_power else "budget use"

    def _check_age(self, now_ns: int) -> None:
        age_s = (now_ns - self._battery_ns) / _NS_PER_S
        heard = self._battery is not None and not self._fault
        if heard and not 0.0 <= age_s <= BATTERY_STALE_S:
            self.refuse_battery(f"says nothing any more, for {age_s:.0f} s")

    def _follow(self, now_ns: int) -> None:
        since_ns, spent_ns = self._since_ns, self._spent_ns
        if since_ns is not None and 0 <= now_ns - since_ns < _NS_PER_S:
            return
        self._since_ns, self._spent_ns = now_ns, 0
        if since_ns is None or now_ns < since_ns:
            return
        elapsed_s = (now_ns - since_ns) / _NS_PER_S
        if self._knows_power:
            load = self._power_w / self._rated_power_w
        else:
            load = spent_ns / (now_ns - since_ns) / self._nominal_load
        # A pause of the clock is no rest, and no work.
        change = (SUSTAINED_LOAD - load) / SUSTAINED_LOAD
        change *= min(elapsed_s, LONGEST_STEP_S) / RESERVE_S
        self._estimate = min(1.0, max(0.0, self._estimate + change))
