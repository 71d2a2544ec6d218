"""Compositions: real recordings laid on one clock, in which it is known what happens when."""
