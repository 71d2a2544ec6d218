"""The sensor nodes."""
