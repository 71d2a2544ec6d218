"""The memory of a home, wherever it is at work: in the running graph, or as a store on disk."""
