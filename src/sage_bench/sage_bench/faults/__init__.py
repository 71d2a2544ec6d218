"""Faults that are tried on every node of a running graph, and what came of it."""
