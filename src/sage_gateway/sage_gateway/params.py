"""Parameters of the gateway."""

from __future__ import annotations

from dataclasses import dataclass

from sage_common.core.parameters import NodeParameters, parameter
from sage_common.core.specs.modality import usual_modalities

DEFAULT_PORT = 8765
FOXGLOVE_PORT = 8800
LOOPBACK = "127.0.0.1"


@dataclass(frozen=True)
class GatewayParameters(NodeParameters):
    """The server of the page, and who may do what."""

    address: str = parameter(
        LOOPBACK, doc="IP address to serve at; another than 127.0.0.1 or ::1 opens it to others"
    )
    port: int = parameter(DEFAULT_PORT, doc="TCP port to serve at", low=0, high=65535)
    socket: str = parameter(
        "", doc="path of a Unix socket (mode 0600) to serve at instead of address and port"
    )
    allow_actions: bool = parameter(
        False, doc="who has the token may act: judge, pin, forget, load plugins, refine, sleep"
    )
    modalities: tuple[str, ...] = parameter(usual_modalities(), doc="modalities that are shown")
    cameras: tuple[str, ...] = parameter(("front",), doc="cameras; the first is shown")


@dataclass(frozen=True)
class FoxgloveParameters(NodeParameters):
    """The server for Foxglove's viewers, at 127.0.0.1 only."""

    port: int = parameter(FOXGLOVE_PORT, doc="TCP port to serve at", low=0, high=65535)
