"""Rows of the memory bench on sleep, replay and hindsight."""
