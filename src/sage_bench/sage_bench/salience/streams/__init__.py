"""Streams made of real recordings, in which everything that happens is known."""
