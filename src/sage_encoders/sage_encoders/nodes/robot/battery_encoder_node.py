"""The state of a battery as puzzles."""

from __future__ import annotations

from typing import Any

from sage_common.ros.conversions.stamps import stamp_ns
from sage_common.ros.process import run_node
from sage_encoders.core.robot.battery import BatteryEncoder, BatterySample
from sage_encoders.nodes.robot.robot_encoder_node import CollectingEncoderNode
from sage_encoders.params import BatteryEncoderParameters


class BatteryEncoderNode(CollectingEncoderNode):
    """Encodes how the battery is, at most twice a second."""

    default_name = "battery_encoder"
    parameters_type = BatteryEncoderParameters
    message_type = "sensor_msgs/msg/BatteryState"
    _collector: BatteryEncoder

    def make_collector(self) -> BatteryEncoder:
        return BatteryEncoder(self.parameters.modality, self.parameters.modality)

    def on_message(self, message: Any) -> None:
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
        self._collector.add(stamp_ns(message.header.stamp), sample)
        self.frame_id = message.header.frame_id


def main() -> None:
    """Run the node in a process of its own."""
    run_node(BatteryEncoderNode)
