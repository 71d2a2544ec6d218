"""Naming what is in a picture, and which names answer to words."""
