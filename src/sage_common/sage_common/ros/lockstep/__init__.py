"""The lock-step host: a whole graph in one process, in simulated time."""
