"""What brings samples from a source to its publisher, tick by tick."""
