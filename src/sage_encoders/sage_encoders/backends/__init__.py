"""Runtimes and libraries behind the encoders."""
