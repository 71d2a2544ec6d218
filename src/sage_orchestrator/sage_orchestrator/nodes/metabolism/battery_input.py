"""What a battery says, for the energy reserve."""

from __future__ import annotations

from sensor_msgs.msg import BatteryState

from sage_common.core.errors import InvalidInput
from sage_common.ros.node import SageNode
from sage_orchestrator.core.metabolism.energy import EnergyReserve

CHARGING = (BatteryState.POWER_SUPPLY_STATUS_CHARGING, BatteryState.POWER_SUPPLY_STATUS_FULL)


class BatteryInput:
    """Hears the battery; what cannot be used is said, and what it said before holds."""

    def __init__(self, node: SageNode, energy: EnergyReserve) -> None:
        self._node = node
        self._energy = energy
        node.subscribe("battery_state", self._on_battery, self._on_refused)

    def _on_battery(self, message: BatteryState) -> None:
        if not message.present:
            self._energy.refuse_battery("is not present")
            return
        charging = message.power_supply_status in CHARGING
        self._energy.hear_battery(message.percentage, charging, self._node.clock.now_ns())

    def _on_refused(self, fault: InvalidInput) -> None:
        self._energy.refuse_battery(f"says {fault}")
