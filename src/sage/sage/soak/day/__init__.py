"""A day of stream through the graph in lock-step, made from short recordings."""
