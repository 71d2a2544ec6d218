"""Places that are known by name."""
