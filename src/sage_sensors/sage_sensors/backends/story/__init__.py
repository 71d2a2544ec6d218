"""A composition opened: where its recordings lie, and its tracks."""
