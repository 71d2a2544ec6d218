"""Measuring: cases, results, and how they are written."""
