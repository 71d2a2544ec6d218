"""Verifying a store, repairing a damaged one, and going on after an interruption."""
