"""Which nodes run, with which parameters, for a profile and a source."""
