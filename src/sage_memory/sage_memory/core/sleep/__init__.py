"""Consolidation: the steps of a run, each of them safe to be cut off."""
