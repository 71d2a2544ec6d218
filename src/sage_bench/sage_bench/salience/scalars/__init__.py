"""Labelled streams of numbers from public collections, and detectors made for such streams."""
