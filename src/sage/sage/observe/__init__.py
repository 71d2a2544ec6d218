"""Watching a running graph from outside."""
