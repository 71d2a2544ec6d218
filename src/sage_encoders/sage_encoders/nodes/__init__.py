"""The encoder nodes."""
