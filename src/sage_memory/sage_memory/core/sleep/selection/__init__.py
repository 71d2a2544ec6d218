"""What a run of sleep finds, and what it keeps, merges and evicts."""
