"""The gateway's node, and what joins it to the graph."""
