"""Scorer, fusion and attention nodes."""
