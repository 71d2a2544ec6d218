"""One run of the graph: its processes, what they leave, and what came of it."""
