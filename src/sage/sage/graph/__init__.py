"""Which nodes run, with which parameters, for a profile and a source; and how they are started."""
