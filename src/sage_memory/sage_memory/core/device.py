"""What this device calls itself."""

from __future__ import annotations

import hashlib
import socket
from pathlib import Path

MACHINE_ID = Path("/etc/machine-id")


def device_name(machine_id: Path = MACHINE_ID) -> str:
    """Host name and 8 hex digits that tell equally named hosts apart.

    machine-id(5) asks not to show the machine id itself, so it is hashed.
    """
    host = socket.gethostname()[:48] or "device"
    try:
        identity = machine_id.read_bytes().strip()
    except OSError:
        identity = b""
    return f"{host}-{hashlib.sha256(b'sage' + identity).hexdigest()[:8]}"
