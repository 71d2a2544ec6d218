"""The metabolic state of the graph: what it hears, publishes and governs."""
