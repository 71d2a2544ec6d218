"""Nodes that encode standard robot messages, each by its own topic."""
