"""Rows of the memory bench on sleep and hindsight."""
