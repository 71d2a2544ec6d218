"""Consolidation: the steps of a night, each of them safe to be cut off."""
