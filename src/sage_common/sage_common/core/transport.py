"""Ways on which the pictures of a camera come to a node."""

from __future__ import annotations

AUTO, IMAGE = TRANSPORTS = ("auto", "image")
"""Auto: out of the camera's mailbox, and as images where that cannot be looked into."""
