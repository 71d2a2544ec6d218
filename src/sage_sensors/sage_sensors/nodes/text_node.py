"""Words from standard input or a text track."""

from __future__ import annotations

from sage_sensors.backends import catalogue
from sage_sensors.core.samples import Device, Track, Words
from sage_sensors.nodes.sensor_node import SensorNode
from sage_sensors.params import TextParameters
from sage_sensors.publishers.text import TextPublisher


class TextNode(SensorNode):
    """Publishes each line of standard input, or each caption of an SRT file, as an utterance."""

    default_name = "text"
    parameters_type = TextParameters

    def make_stream(self) -> TextPublisher:
        return TextPublisher(self)

    def make_source(self, backend: str) -> Track[Words] | Device[Words]:
        return catalogue.text(backend, self.parameters, self.clock)
