"""The state of a battery as puzzles."""

from __future__ import annotations

from typing import Any

from sage_encoders.core.robot.battery import BatteryEncoder, BatterySample
from sage_encoders.modalities import BATTERY
from sage_encoders.nodes.robot.robot_encoder_node import CollectingEncoderNode
from sage_encoders.params import BatteryEncoderParameters


class BatteryEncoderNode(CollectingEncoderNode):
    """Encodes how the battery is."""

    default_name = "battery_encoder"
    parameters_type = BatteryEncoderParameters
    spec = BATTERY
    collector_type = BatteryEncoder
    _collector: BatteryEncoder

    def collect(self, stamp: int, message: Any) -> bool:
        sample = BatterySample(
            voltage=message.voltage,
            current=message.current,
            percentage=message.percentage,
            temperature=message.temperature,
            cell_voltages=tuple(message.cell_voltage),
            cell_temperatures=tuple(message.cell_temperature),
            status=message.power_supply_status,
            health=message.power_supply_health,
        )
        self._collector.add(stamp, sample)
        return True
