"""SAGE put onto another machine over SSH."""
