"""Naming what is in sight."""
