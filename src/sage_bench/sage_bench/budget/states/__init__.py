"""Metabolic states: simulated lives, and the graph on a quiet scene."""
