"""Who may think, and for how long: compute budget, trust, refinement plugins."""
