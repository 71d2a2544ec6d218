"""Detectors of anomalies in streams of numbers: online, each from its paper, one set of constants.

A detector is a function of values float64 [T, n] and of the number of samples of the warm-up; it
gives scores float64 [T], larger for what is stranger, each from its sample and those before it.
Those that are made for one number are run on each column, and the largest of their scores counts.
"""
